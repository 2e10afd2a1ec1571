# SPDX-License-Identifier: Apache-2.0
"""Who may run beside whom when tests run in several processes (pytest-xdist, `--dist loadgroup`)."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
# Programs and whole servers wait for each other's answers: one of them at a time, in the order of the files,
# so that a server which serves a whole run is started once.  Tests that are one process run beside them.
_ONE_AT_A_TIME = ("peers", "process", "upgrade")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(_HERE).parts[0] in _ONE_AT_A_TIME:
            item.add_marker(pytest.mark.xdist_group("one_at_a_time"))
