# SPDX-License-Identifier: Apache-2.0
"""Every bus that hints travel by, and some that do to them what a network may do."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from tests import postgres
from vvm.domain.errors import Outage
from vvm.store.hints.redis import RedisBus
from vvm.store.hints.shared import Bus
from vvm.store.hints.sockets import SocketBus
from vvm.store.postgres.hints import PostgresBus

_SECONDS = 20.0
_NO_REDIS = "Redis is missing: apt-get install -y redis-server"


class Net(Protocol):
    """What the nodes of one test share."""

    @property
    def delivers(self) -> bool:
        """False: what is said never arrives."""
        ...

    def bus(self) -> Bus:
        """Of one more node."""
        ...

    async def lose(self) -> None:
        """Every node loses the bus; it comes back by itself."""
        ...


OpenNet = Callable[[Path], AbstractAsyncContextManager[Net]]


class Hub:
    """In memory, faithful."""

    delivers = True

    def __init__(self) -> None:
        self._ears: dict[asyncio.Future[None], Callable[[str], None]] = {}

    def bus(self) -> Bus:
        return _Plug(self)

    async def lose(self) -> None:
        for lost in self._ears:
            lost.set_result(None)

    def say(self, text: str) -> None:
        for hear in self._ears.values():
            hear(text)

    async def listen(self, hear: Callable[[str], None], ready: Callable[[], None]) -> None:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ears[lost] = hear
        ready()
        try:
            await lost
        finally:
            del self._ears[lost]
        raise Outage("the test has taken the bus away")


class _Plug:
    """vvm.store.hints.shared.Bus."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def say(self, text: str) -> None:
        self._hub.say(text)

    async def listen(self, hear: Callable[[str], None], ready: Callable[[], None]) -> None:
        await self._hub.listen(hear, ready)

    async def close(self) -> None: ...


class Deaf(Hub):
    """Drops everything."""

    delivers = False

    def say(self, text: str) -> None:
        del text


class Stammering(Hub):
    """Says everything twice."""

    def say(self, text: str) -> None:
        super().say(text)
        super().say(text)


class Confused(Hub):
    """Says everything in another order: each text waits for two newer ones, or for a moment."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[str] = []

    def say(self, text: str) -> None:
        self._held.append(text)
        if len(self._held) > 2:
            self._let_go()
        else:
            asyncio.get_running_loop().call_later(0.05, self._let_go)

    def _let_go(self) -> None:
        held, self._held = self._held, []
        for text in reversed(held):
            super().say(text)


class Datagrams:
    delivers = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def bus(self) -> Bus:
        return SocketBus(self._directory)

    async def lose(self) -> None:
        for socket in self._directory.iterdir():
            socket.unlink()


class Notify:
    delivers = True

    def __init__(self, url: str) -> None:
        self._url = url

    def bus(self) -> Bus:
        return PostgresBus(self._url, postgres.SETTINGS)

    async def lose(self) -> None:
        server = postgres.server()
        server.stop(signal.SIGQUIT)
        server.start()


class RedisServer:
    """Debian's redis-server on a Unix socket, with a password."""

    delivers = True
    password = "of the tests"

    def __init__(self, directory: Path) -> None:
        self._socket = directory / "redis.sock"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def bus(self) -> Bus:
        return RedisBus(self.url, password=self.password, seconds=5.0)

    async def lose(self) -> None:
        await self.stop()
        await self.start()

    def send(self, signal_number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signal_number)

    async def start(self) -> None:
        options = ("--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *("redis-server", *options, "--requirepass", self.password), stdout=PIPE, stderr=DEVNULL
            )
        except FileNotFoundError:
            raise AssertionError(_NO_REDIS) from None
        assert self._process.stdout is not None
        async with asyncio.timeout(_SECONDS):
            while b"ready to accept connections" not in (line := await self._process.stdout.readline()):
                assert line, "Redis did not start"

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None


def _in_memory(hub: type[Hub]) -> OpenNet:
    @asynccontextmanager
    async def opened(directory: Path) -> AsyncIterator[Net]:
        del directory
        yield hub()

    return opened


@asynccontextmanager
async def _datagrams(directory: Path) -> AsyncIterator[Net]:
    yield Datagrams(directory / "hints")


@asynccontextmanager
async def _notify(directory: Path) -> AsyncIterator[Net]:
    del directory
    async with postgres.database() as url:
        yield Notify(url)


@asynccontextmanager
async def _redis(directory: Path) -> AsyncIterator[Net]:
    del directory
    async with redis() as server:
        yield server


@asynccontextmanager
async def redis() -> AsyncIterator[RedisServer]:
    with TemporaryDirectory(prefix="vvm-redis-") as short:  # the name of a Unix socket is short
        server = RedisServer(Path(short))
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


NETS: dict[str, OpenNet] = {
    "faithful": _in_memory(Hub),
    "deaf": _in_memory(Deaf),
    "stammering": _in_memory(Stammering),
    "confused": _in_memory(Confused),
    "datagrams": _datagrams,
    "postgres": _notify,
    "redis": _redis,
}
PEERS = frozenset({"postgres", "redis"})
LOSABLE = ("faithful", "datagrams", "postgres", "redis")
