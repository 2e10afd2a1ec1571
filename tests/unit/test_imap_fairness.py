# SPDX-License-Identifier: Apache-2.0
"""One connection, whatever it asks, leaves the process to the others."""

from __future__ import annotations

import asyncio

import msgspec

from tests.dialogues.memory_world import QUICK, MemoryWorld, memory_world
from tests.dialogues.runner import Client
from tests.dialogues.world import Credentials, Standing

PHONE, OTHER = "+33612345678", "+33612345679"


async def opened(world: MemoryWorld, credentials: Credentials) -> Client:
    reader, writer = await asyncio.open_connection(world.host, world.tls_port, ssl=world.tls)
    client = Client(reader, writer)
    await client.response()
    await client.send(f'1 LOGIN {credentials.user} "{credentials.password}"\r\n2 SELECT INBOX\r\n'.encode())
    while not (await client.response()).startswith("2 OK"):
        pass
    return client


async def test_a_long_search_and_a_flood_of_commands_let_another_client_through() -> None:
    # A slice of no length: whoever keeps the loop between two of its chances is found out at once.
    settings = msgspec.structs.replace(QUICK, slice_seconds=0.0)
    async with memory_world(settings) as world:
        phone = await world.provide(PHONE, messages=50, standing=Standing.ACTIVE)
        other = await world.provide(OTHER, messages=1, standing=Standing.ACTIVE)
        busy, patient = await opened(world, phone), await opened(world, other)
        try:
            search = b"3 UID SEARCH " + b" ".join([b"NOT TEXT zz"] * 100) + b"\r\n"
            await busy.send(search + b"4 SELECT INBOX\r\n" * 500 + b"5 NOOP\r\n")
            ended = asyncio.ensure_future(_until(busy, "5 OK"))
            await patient.send(b"6 NOOP\r\n")
            assert (await patient.response()).startswith("6 OK")
            assert not ended.done()
            await ended
        finally:
            await busy.close()
            await patient.close()


async def _until(client: Client, line: str) -> None:
    while not (await client.response()).startswith(line):
        pass
