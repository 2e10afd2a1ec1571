# SPDX-License-Identifier: Apache-2.0
"""Peers that send to the program's IMAP ports whatever they like, and what the program tells of them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.dialogues.runner import Client
from tests.process.clients import Api
from tests.process.program import Program

SECONDS = 60.0
OBSERVER = "127.0.1.1"
"""Nobody else comes from here."""


class Login(msgspec.Struct, frozen=True):
    """Of a mail program, which may append, file and flag."""

    user: str
    password: str

    def command(self, tag: str = "login") -> bytes:
        return f'{tag} LOGIN {self.user} "{self.password}"\r\n'.encode()


class Peer(Client):
    """A connection that counts for nothing yet: responses are read, never guessed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.writer = writer
        self.address, self.port = writer.get_extra_info("sockname")

    def write(self, octets: bytes) -> None:
        """Send without asking whether there is room."""
        self.writer.write(octets)

    async def say(self, line: bytes, *, tag: str) -> list[str]:
        """Send a line; every response up to the tagged one."""
        self.write(tag.encode() + b" " + line + b"\r\n")
        return await self.until(f"{tag} ")

    async def answer(self, line: bytes, *, tag: str) -> list[str] | None:
        """As ``say``; None when the program died before its tagged answer."""
        self.write(tag.encode() + b" " + line + b"\r\n")
        heard = []
        while response := await self._response_or_end():
            heard.append(response)
            if response.startswith(f"{tag} "):
                return heard
        return None

    async def until(self, start: str) -> list[str]:
        """Every response up to the first that begins so; an end before it is a failure."""
        heard = [await self.response()]
        while not heard[-1].startswith(start):
            assert heard[-1], f"closed before {start!r}: {heard}"
            heard.append(await self.response())
        return heard

    @property
    def at_eof(self) -> bool:
        """The server has closed, and all that it said was read."""
        assert isinstance(self._reader, asyncio.StreamReader)
        return self._reader.at_eof()

    async def octets(self) -> bytes:
        """Whatever comes next; empty at the end."""
        async with asyncio.timeout(SECONDS):
            try:
                return await self._reader.read(65_536)
            except ConnectionResetError:
                return b""

    async def last_words(self) -> str:
        """What the server said last before it closed."""
        last = ""
        while line := await self._response_or_end():
            last = line
        return last


async def mail_program(api: Api, msisdn: str, name: str = "mail program") -> Login:
    """A login of the subscriber's for a client that may do what mail programs do."""
    status, device = await api.call(
        "POST", f"subscribers/{msisdn}/devices", json={"name": name, "profile": "mail"}
    )
    assert status == 201, device
    return Login(device["login"], device["password"])


def trust(program: Program) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=program.certificate)


@asynccontextmanager
async def stranger(program: Program, *, tls: bool = True, address: str = "127.0.0.1") -> AsyncIterator[Peer]:
    """A connection whose greeting was read."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            program.imap_tls_port if tls else program.imap_port,
            ssl=trust(program) if tls else None,
            server_hostname="localhost" if tls else None,
            local_addr=(address, 0),
        )
    peer = Peer(reader, writer)
    try:
        assert (await peer.response()).startswith("* OK ")
        yield peer
    finally:
        await peer.close()


@asynccontextmanager
async def member(program: Program, login: Login, *, address: str = "127.0.0.1") -> AsyncIterator[Peer]:
    """A mail program that has logged in."""
    async with stranger(program, address=address) as peer:
        peer.write(login.command())
        assert (await peer.until("login "))[-1].startswith("login OK")
        yield peer


async def limits(program: Program) -> dict[str, int]:
    """Connections ended or refused so far, by the limit that did it."""
    return {
        sample.labels["limit"]: int(sample.value)
        for sample in await _samples(program)
        if sample.name == "vvm_imap_limits_total"
    }


async def open_connections(program: Program) -> int:
    """As the program counts them."""
    return sum(int(s.value) for s in await _samples(program) if s.name == "vvm_imap_connections")


async def told_once(program: Program, address: str, limit: str) -> None:
    """Of all that came from an address, one connection was ended by the limit, and none by another.

    It is counted once and logged once.  A connection of our own that ends later makes sure that
    the log has everything before it.
    """
    async with stranger(program, address=OBSERVER) as observer:
        await observer.say(b"LOGOUT", tag="o")
    await program.until_logged("connection_closed", address=OBSERVER)
    causes = [line["cause"] for line in program.logged("connection_closed", address=address)]
    causes += [line["limit"] for line in program.logged("connection_refused", address=address)]
    causes += ["handshake" for _ in program.logged("tls_handshake_failed", address=address)]
    assert [cause for cause in causes if cause] == [limit]
    assert await limits(program) == {limit: 1}


async def _samples(program: Program) -> Iterable[Sample]:
    url = f"http://127.0.0.1:{program.http_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        families = text_string_to_metric_families(await answer.text())
    return [sample for family in families for sample in family.samples]
