# SPDX-License-Identifier: Apache-2.0
"""Peers on the port of implicit TLS count from their accept, not from the end of their handshake."""

from __future__ import annotations

import asyncio

from imap_server.metrics import Limit
from imap_server.settings import ImapSettings
from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.dialogues.runner import PATIENCE_SECONDS
from tests.unit.test_imap_server import Figures, client, say

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def test_peers_that_never_shake_hands_fill_the_limit_of_their_address_and_no_other() -> None:
    figures = Figures()
    settings = ImapSettings(max_connections_per_address=2, tls_handshake_seconds=1)
    async with memory_world(settings, metrics=figures) as world:
        silent = [await say_nothing(world) for _ in range(3)]
        assert await end_of(silent.pop()) == b""  # the third, at once: no handshake has run out of time
        assert figures.limits == [Limit.CONNECTIONS_PER_ADDRESS]
        async with client(world) as other:
            await say(other, "n NOOP", until="n OK")
        for peer in silent:
            assert await end_of(peer) == b""
        async with client(world) as again:
            await say(again, "n NOOP", until="n OK")
    assert figures.limits == [Limit.CONNECTIONS_PER_ADDRESS, Limit.HANDSHAKE, Limit.HANDSHAKE]


async def say_nothing(world: MemoryWorld) -> Peer:
    """From an address that no other client has."""
    return await asyncio.open_connection(world.host, world.tls_port, local_addr=("127.0.0.2", 0))


async def end_of(peer: Peer) -> bytes:
    reader, writer = peer
    async with asyncio.timeout(PATIENCE_SECONDS):
        rest = await reader.read()
    writer.close()
    return rest
