# SPDX-License-Identifier: Apache-2.0
"""What a FETCH holds in memory is one message and some buffers, however much of it is asked for.

A connection that is over holds nothing.
"""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from imap_server.connection import Connection
from imap_server.settings import ImapSettings
from tests.dialogues.memory_world import memory_world
from tests.unit.test_imap_server import client, logged_in, say

MIB = 2**20
SECTIONS = 8


def large() -> bytes:
    """10 MiB of text, the same again inside it as a part."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "large"
    made.set_content(b"0123456789abcde\r\n" * (10 * MIB // 17), "audio", "amr", cte="7bit")
    return made.as_bytes()


@pytest.mark.parametrize("item", [b"BODY.PEEK[]", b"BINARY.PEEK[1]", b"BODY.PEEK[TEXT]<5.10000000>"])
async def test_eight_sections_of_a_large_message_do_not_lie_in_memory(item: bytes) -> None:
    async with memory_world(settings=ImapSettings()) as world, client(world) as peer:
        folder = await logged_in(world, peer, messages=0, select=False)
        folder.append(large(), datetime(2026, 3, 7, tzinfo=UTC))
        await peer.send(b"a SELECT INBOX\r\n")
        while not (await peer.response()).startswith("a OK"):
            pass
        gc.collect()
        tracemalloc.start()
        try:
            await peer.send(b"b FETCH 1 (" + b" ".join([item] * SECTIONS) + b")\r\n")
            received = await peer.swallow(b"b OK")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert received > SECTIONS * 9 * MIB
        assert peak < 2 * MIB


async def test_a_connection_that_is_over_is_gone_without_the_collector() -> None:
    """In clear, because asyncio's own TLS leaves cycles behind; that of uvloop does not."""
    gc.collect()
    gc.disable()
    try:
        async with memory_world(ImapSettings(require_tls=False)) as world, client(world, tls=False) as peer:
            await logged_in(world, peer, messages=1)
            await say(peer, "b LOGOUT", until="b OK")
            await world.server.stop(1.0)
            assert not [each for each in gc.get_objects() if isinstance(each, Connection)]
    finally:
        gc.enable()
