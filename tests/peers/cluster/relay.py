# SPDX-License-Identifier: Apache-2.0
"""A TCP relay that can be told to be a bad network, or a bad object store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto

_CHUNK = 65_536
_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Mood(Enum):
    CARRIES = auto()
    HANGS = auto()
    """Takes connections and octets, and answers nothing."""
    FAILS = auto()
    """Answers every HTTP request 503."""


class Relay:
    """In front of one server.  Connections that stand when the mood changes are cut."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._mood = Mood.CARRIES
        self._standing: set[asyncio.Task[None]] = set()
        self.port = 0
        self._delay = 0.0

    @asynccontextmanager
    async def running(self, host: str) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._accept, host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self._cut()

    def be(self, mood: Mood) -> None:
        self._mood = mood
        self._cut()

    def delay(self, seconds: float) -> None:
        """What the server says comes so much later, from now on."""
        self._delay = seconds

    def _cut(self) -> None:
        for task in self._standing:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._standing.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either end is gone, or we cut it
        finally:
            self._standing.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self._mood:
            case Mood.CARRIES:
                await self._carry(reader, writer)
            case Mood.HANGS:
                await asyncio.Event().wait()
            case Mood.FAILS:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_BUSY)
                await writer.drain()
                with suppress(TimeoutError):  # else the peer hears a reset in place of the answer
                    async with asyncio.timeout(1):
                        while await reader.read(_CHUNK):
                            pass

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await self._connect()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, ours, lambda: 0.0))
                group.create_task(self._pump(theirs, writer, lambda: self._delay))
        except* OSError:
            pass
        finally:
            ours.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Callable[[], float]
    ) -> None:
        while octets := await reader.read(_CHUNK):
            await asyncio.sleep(delay())
            writer.write(octets)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def to_port(host: str, port: int) -> Connect:
    return lambda: asyncio.open_connection(host, port)


def to_socket(path: str) -> Connect:
    return lambda: asyncio.open_unix_connection(path)
