# SPDX-License-Identifier: Apache-2.0
"""Ten thousand connections: the limits hold, who is in is served, and all that they took is given back."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.clients import api_of
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program, running
from tests.process.strangers import Login, Peer, limits, mail_program, member, trust

pytestmark = pytest.mark.process

SECONDS = 240.0
CONNECTIONS = 10_000
PER_ADDRESS = 1_000
CLEAR = tuple(f"127.0.2.{number}" for number in range(1, 6))
SILENT = tuple(f"127.0.2.{number}" for number in range(6, 9))
ENCRYPTED = "127.0.2.9"
REST, LATE = "127.0.2.10", "127.0.2.11"
_AT_A_TIME = 100
_FULL_ADDRESS = b"* BYE too many connections from your address\r\n"
_FULL = b"* BYE too many connections\r\n"
_CLEAR_OCTETS = 10_000
_SILENT_OCTETS = 80_000
_ENCRYPTED_OCTETS = 80_000
"""What one connection may cost the program: with its greeting read, before its handshake, in TLS."""
_MORE = f"""
[imap.limits]
max_connections = {CONNECTIONS}
max_connections_per_address = {PER_ADDRESS}
login_seconds = 3600.0
tls_handshake_seconds = 3600.0
"""


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many as the system gives, for this process and for the program that it starts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Crowd:
    """Connections that come and say nothing; most are bare sockets, so that they cost the test little."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._clear: list[socket.socket] = []
        self._silent: list[socket.socket] = []
        self._encrypted: list[Peer] = []

    async def come_in_clear(self, address: str, count: int) -> None:
        """Each has read its greeting."""
        for _ in range(count):
            self._clear.append(await self._connect(address, self._program.imap_port))
        greetings = [await self._hear(each) for each in self._clear[-count:]]
        assert [line for line in greetings if not line.startswith(b"* OK ")] == []

    async def come_in_silence(self, address: str, count: int) -> None:
        """Each stands before its handshake."""
        for _ in range(count):
            self._silent.append(await self._connect(address, self._program.imap_tls_port))

    async def come_encrypted(self, address: str, count: int) -> None:
        """Each has shaken hands and read its greeting."""
        for _ in range(0, count, _AT_A_TIME):
            self._encrypted += await asyncio.gather(*(self._shake_hands(address) for _ in range(_AT_A_TIME)))

    async def one_too_many(self, address: str) -> bytes:
        """What it hears, up to the end of its connection."""
        with await self._connect(address, self._program.imap_port) as refused:
            heard = await self._hear(refused)
            assert await self._hear(refused) == b""
        return heard

    def one_leaves(self) -> None:
        self._clear.pop().close()

    async def all_leave(self) -> None:
        for each in (*self._clear, *self._silent):
            each.close()
        await asyncio.gather(*(peer.close() for peer in self._encrypted))

    async def _connect(self, address: str, port: int) -> socket.socket:
        peer = socket.socket()
        peer.setblocking(False)  # noqa: FBT003 - the standard library's signature
        peer.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", port))
        return peer

    async def _shake_hands(self, address: str) -> Peer:
        peer = Peer(
            *await asyncio.open_connection(
                "127.0.0.1",
                self._program.imap_tls_port,
                ssl=trust(self._program),
                server_hostname="localhost",
                local_addr=(address, 0),
            )
        )
        assert (await peer.response()).startswith("* OK ")
        return peer

    @staticmethod
    async def _hear(peer: socket.socket) -> bytes:
        return await asyncio.get_running_loop().sock_recv(peer, 1024)


class Measured:
    """What a program's connections cost it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._before = program.memory_bytes()

    def each(self, count: int) -> int:
        """Octets for each of so many that came since the last look."""
        before, self._before = self._before, self._program.memory_bytes()
        return (self._before - before) // count


async def served(peer: Peer) -> None:
    assert (await peer.say(b"NOOP", tag="n"))[-1].startswith("n OK")


@pytest.mark.usefixtures("descriptors")
async def test_ten_thousand_connections_cost_what_they_may_and_no_more(
    tmp_path: Path, handsets: Phones
) -> None:
    async with (
        asyncio.timeout(SECONDS),
        running(tmp_path, smsc_port=handsets.smsc.port, more=_MORE) as program,
        api_of(program) as api,
    ):
        await api.add(PEOPLE[0])
        login = await mail_program(api, PEOPLE[0])
        async with member(program, login) as honest:
            await fill_and_empty(program, login, honest)


async def fill_and_empty(program: Program, login: Login, honest: Peer) -> None:
    await honest.say(b"SELECT INBOX", tag="s")
    await limits(program)
    crowd, cost, before = Crowd(program), Measured(program), program.descriptors()

    for address in CLEAR:
        await crowd.come_in_clear(address, PER_ADDRESS)
        assert await crowd.one_too_many(address) == _FULL_ADDRESS
        async with member(program, login) as other:
            await served(other)
    assert cost.each(len(CLEAR) * PER_ADDRESS) < _CLEAR_OCTETS

    for address in SILENT:
        await crowd.come_in_silence(address, PER_ADDRESS)
        await served(honest)
    assert cost.each(len(SILENT) * PER_ADDRESS) < _SILENT_OCTETS

    await crowd.come_encrypted(ENCRYPTED, PER_ADDRESS)
    assert cost.each(PER_ADDRESS) < _ENCRYPTED_OCTETS

    await crowd.come_in_clear(REST, PER_ADDRESS - 1)  # the honest one has the last place
    assert await crowd.one_too_many(LATE) == _FULL
    await served(honest)
    crowd.one_leaves()
    await until_there_are(program, honest, before + CONNECTIONS - 2)
    async with member(program, login) as late:
        await served(late)

    await crowd.all_leave()
    await until_there_are(program, honest, before)
    async with member(program, login) as other:
        await served(other)
    counted = await limits(program)
    assert counted == {"connections_per_address": len(CLEAR), "connections": 1, "handshake": 3 * PER_ADDRESS}
    assert len(program.logged("connection_refused")) == len(CLEAR) + 1


async def until_there_are(program: Program, honest: Peer, descriptors: int) -> None:
    """Until the program has closed what its peers have closed; it answers others meanwhile."""
    while program.descriptors() > descriptors:
        await served(honest)
