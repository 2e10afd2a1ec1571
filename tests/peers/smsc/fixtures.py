# SPDX-License-Identifier: Apache-2.0
"""The peers as fixtures.  Import the ones you need into your own conftest.

``node_smsc`` and ``twisted_smsc`` are running SmscPeers; ``smsc_peer`` is each of them in turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.peers.smsc import install
from tests.peers.smsc.peer import SmscPeer, running

SYSTEM_ID = "vvm"
PASSWORD = "secret"


@pytest.fixture
async def node_smsc() -> AsyncIterator[SmscPeer]:
    try:
        modules = install.node_modules()
    except install.Missing as missing:
        pytest.fail(str(missing))
    async with running(
        "node-smpp",
        ["node", str(install.HERE / "node" / "smsc.js")],
        environment={"NODE_PATH": str(modules)},
        system_id=SYSTEM_ID,
        password=PASSWORD,
    ) as peer:
        yield peer


@pytest.fixture
async def twisted_smsc() -> AsyncIterator[SmscPeer]:
    python = install.twisted_python()
    async with running(
        "smpp.twisted3",
        [str(python), "-W", "ignore", str(install.HERE / "twisted" / "smsc.py")],
        environment={},
        system_id=SYSTEM_ID,
        password=PASSWORD,
    ) as peer:
        yield peer


@pytest.fixture(params=["node_smsc", "twisted_smsc"])
def smsc_peer(request: pytest.FixtureRequest) -> SmscPeer:
    peer: SmscPeer = request.getfixturevalue(request.param)
    return peer
