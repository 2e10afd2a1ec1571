# SPDX-License-Identifier: Apache-2.0
"""The node and the voice that the tests of this folder share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.peers.asterisk import packages
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.speech import Speech, speak


@pytest.fixture(scope="session")
def asterisk_root() -> Path:
    """An unpacked Asterisk 22."""
    return packages.asterisk()


@pytest.fixture
async def asterisk(asterisk_root: Path) -> AsyncIterator[AsteriskServer]:
    """A running media node, fresh for each test."""
    server = AsteriskServer(asterisk_root)
    try:
        await server.start()
        yield server
    finally:
        await server.remove()


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Speech:
    """Five seconds of a voice."""
    return speak(
        "Hello, this is a call for you. Please ring me back tomorrow in the morning, before ten o'clock.",
        seconds=5.0,
        folder=tmp_path_factory.mktemp("speech"),
    )
