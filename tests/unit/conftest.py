# SPDX-License-Identifier: Apache-2.0
"""What many of these tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.command_line import CommandLine, command_line


@pytest.fixture
def vvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """The command line, on a store of the test's own."""
    with command_line(tmp_path, monkeypatch, capsys) as run:
        yield run
