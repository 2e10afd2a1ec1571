# SPDX-License-Identifier: Apache-2.0
"""The peers as fixtures.  Import the ones you need into your own conftest.

``node_smsc`` and ``twisted_smsc`` are running SmscPeers; ``smsc_peer`` is each of them in turn.
``node_smsc_tls`` speaks TLS and asks for a certificate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.peers.smsc import install
from tests.peers.smsc.peer import SmscPeer, running
from tests.unit.certificate import self_signed

SYSTEM_ID = "vvm"
PASSWORD = "secret"


def _node(**environment: str) -> AbstractAsyncContextManager[SmscPeer]:
    try:
        modules = install.node_modules()
    except install.Missing as missing:
        pytest.fail(str(missing))
    return running(
        "node-smpp",
        ["node", str(install.HERE / "node" / "smsc.js")],
        environment={"NODE_PATH": str(modules)} | environment,
        system_id=SYSTEM_ID,
        password=PASSWORD,
    )


@pytest.fixture
async def node_smsc() -> AsyncIterator[SmscPeer]:
    async with _node() as peer:
        yield peer


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of both ends of ``node_smsc_tls``."""
    return self_signed(tmp_path / "smsc.pem")


@pytest.fixture
async def node_smsc_tls(certificate: Path) -> AsyncIterator[SmscPeer]:
    async with _node(SMSC_TLS=str(certificate)) as peer:
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
