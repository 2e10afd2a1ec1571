# SPDX-License-Identifier: Apache-2.0
"""A statement begins after the server has ended its connection, and before the socket's end is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import msgspec
import pytest

from tests import postgres
from vvm.domain.errors import Outage
from vvm.store.blobs.shelf import DatabaseShelf
from vvm.store.postgres import open_postgres
from vvm.store.postgres.hints import PostgresBus

pytestmark = pytest.mark.peers

_CHUNK = 65_536
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"


class Distance:
    """TCP in front of the server's socket, over which the end of a connection may be long on its way."""

    def __init__(self) -> None:
        self.ended: asyncio.Event | None = None
        """When there is one, the server's end of a connection sets it, and is not passed on."""
        self.port = 0

    @asynccontextmanager
    async def before(self, socket: str) -> AsyncIterator[None]:
        standing: set[asyncio.Task[None] | None] = set()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            standing.add(asyncio.current_task())
            theirs, ours = await asyncio.open_unix_connection(socket)
            answers = asyncio.create_task(self._answers(theirs, writer))
            await _pump(reader, ours)
            answers.cancel()
            for each in (ours, writer):
                each.transport.abort()

        server = await asyncio.start_server(carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            async with asyncio.timeout(30):
                await asyncio.gather(*filter(None, standing))

    async def _answers(self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _pump(theirs, writer)
        if self.ended is None:
            writer.close()
        else:
            self.ended.set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while octets := await reader.read(_CHUNK):
            writer.write(octets)


@asynccontextmanager
async def far_database() -> AsyncIterator[tuple[str, Distance]]:
    """The URL of an empty database far away, and the way to it."""
    distance = Distance()
    async with postgres.database() as url, distance.before(f"{postgres.server().directory}/.s.PGSQL.5432"):
        database = urlsplit(url).path
        yield f"postgresql://vvm@127.0.0.1:{distance.port}{database}", distance


async def end(url: str, distance: Distance) -> None:
    """End every connection to a database, and wait until the server has said so."""
    distance.ended = asyncio.Event()
    await postgres.administer(_END.format(database=urlsplit(url).path.removeprefix("/")))
    async with asyncio.timeout(30):
        await distance.ended.wait()
    distance.ended = None


async def test_a_read_is_an_outage_and_the_next_one_an_answer() -> None:
    async with (
        far_database() as (url, distance),
        open_postgres(url, postgres.SETTINGS, shelf=DatabaseShelf) as store,
    ):
        assert await store.subscribers.page(after=None, limit=1) == []
        await end(url, distance)
        with pytest.raises(Outage):
            await store.subscribers.page(after=None, limit=1)
        assert await store.subscribers.page(after=None, limit=1) == []


async def test_a_hint_that_is_said_is_an_outage() -> None:
    async with far_database() as (url, distance):
        # The listener asks for a sign that often, and hears that there is nobody.
        settings = msgspec.structs.replace(postgres.SETTINGS, statement_seconds=1.0)
        bus, ready = PostgresBus(url, settings), asyncio.Event()
        listening = asyncio.create_task(bus.listen(lambda _: None, ready.set))
        async with asyncio.timeout(30):
            await ready.wait()
        await bus.say("outbox")
        await end(url, distance)
        with pytest.raises(Outage):
            await bus.say("outbox")
        with pytest.raises(Outage):
            await asyncio.wait_for(listening, 30)
