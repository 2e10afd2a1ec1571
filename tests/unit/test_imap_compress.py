# SPDX-License-Identifier: Apache-2.0
"""COMPRESS=DEFLATE (RFC 4978): the same answers in fewer octets, and bombs that cost their sender only."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imap_server.metrics import Limit, NoMetrics
from imap_server.wire.deflate import BrokenStream, Deflate
from tests.dialogues.memory_world import MemoryWorld, memory_world

PHONE = "+33612345678"
_SECONDS = 10.0


class Limits(NoMetrics):
    """Which limits ended connections."""

    def __init__(self) -> None:
        self.reached: list[Limit] = []

    def limit_reached(self, limit: Limit) -> None:
        self.reached.append(limit)


class Peer:
    """A client whose octets are deflated, both ways, once ``compressed`` is set."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._inflater = zlib.decompressobj(-15)
        self._deflater = zlib.compressobj(wbits=-15)
        self.compressed = False
        self.octets = 0
        """Read from the network."""

    def deflate(self, plain: bytes) -> bytes:
        return self._deflater.compress(plain) + self._deflater.flush(zlib.Z_SYNC_FLUSH)

    async def send(self, octets: bytes) -> None:
        self._writer.write(octets)
        await self._writer.drain()

    async def ask(self, line: bytes) -> bytes:
        """The answer up to and with the tagged line."""
        await self.send(self.deflate(line + b"\r\n") if self.compressed else line + b"\r\n")
        return await self.until(b"\r\n" + line.split()[0] + b" ")

    async def until(self, mark: bytes) -> bytes:
        heard = b"\r\n"
        while not (mark in heard and heard.endswith(b"\r\n")):
            read = await self._read()
            assert read, f"closed: {heard!r}"
            heard += read
        return heard[2:]

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        heard = b""
        while read := await self._read():
            heard += read
        return heard

    async def _read(self) -> bytes:
        async with asyncio.timeout(_SECONDS):
            read = await self._reader.read(65_536)
        self.octets += len(read)
        return self._inflater.decompress(read) if self.compressed else read

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@asynccontextmanager
async def peer(world: MemoryWorld, *, messages: int = 2) -> AsyncIterator[Peer]:
    """Logged in, not compressed yet."""
    credentials = await world.provide(PHONE, messages=messages)
    client = Peer(*await asyncio.open_connection(world.host, world.tls_port, ssl=world.tls))
    try:
        await client.until(b"* OK")
        assert b"a OK" in await client.ask(f"a LOGIN {credentials.user} {credentials.password}".encode())
        yield client
    finally:
        await client.close()


async def start(client: Peer) -> None:
    assert (await client.ask(b"c COMPRESS DEFLATE")).startswith(b"c OK")
    client.compressed = True


async def test_the_answers_are_the_same_in_fewer_octets() -> None:
    async with memory_world() as world, peer(world, messages=50) as client:
        await client.ask(b"s SELECT INBOX")
        question = b"f FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)"
        before = client.octets
        plain = await client.ask(question)
        in_clear = client.octets - before
        await start(client)
        before = client.octets
        assert await client.ask(question) == plain
        assert client.octets - before < in_clear / 4


async def test_idle_and_literals_work_compressed() -> None:
    async with memory_world() as world, peer(world) as client:
        await start(client)
        await client.ask(b"s SELECT INBOX")
        await client.send(client.deflate(b"i IDLE\r\n"))
        await client.until(b"+ ")
        await world.deposit(PHONE, seconds=1.0, caller="+15551230001")
        await client.until(b"* 3 EXISTS")
        await client.send(client.deflate(b"DONE\r\nq STATUS {5}\r\n"))
        await client.until(b"+ ")
        await client.send(client.deflate(b"INBOX (MESSAGES)\r\n"))
        assert b"MESSAGES 3" in await client.until(b"q OK")


async def test_it_starts_once_and_knows_one_way() -> None:
    async with memory_world() as world, peer(world) as client:
        assert (await client.ask(b"a COMPRESS LZMA")).startswith(b"a BAD ")
        await start(client)
        assert (await client.ask(b"b COMPRESS DEFLATE")).startswith(b"b BAD ")


async def test_a_line_that_inflates_without_end_is_cut_off_before_it_costs_memory() -> None:
    limits = Limits()
    async with memory_world(metrics=limits) as world, peer(world) as client:
        await start(client)
        bomb = client.deflate(b"x" * 50_000_000)
        assert len(bomb) < 60_000
        tracemalloc.start()
        try:
            await client.send(bomb)
            assert b"* BYE line too long" in await client.rest()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000
    assert limits.reached == [Limit.LINE]


@pytest.mark.parametrize("noise", [b"\xff\xff\xff\xff", zlib.compress(b"a NOOP\r\n", wbits=-15)])
async def test_a_stream_that_is_broken_or_ends_costs_the_connection(noise: bytes) -> None:
    limits = Limits()
    async with memory_world(metrics=limits) as world, peer(world) as client:
        await start(client)
        await client.send(noise)
        assert b"* BYE not compressed as agreed" in await client.rest()
    assert limits.reached == [Limit.COMPRESSION]


async def test_octets_that_come_before_the_ok_cost_the_connection() -> None:
    async with memory_world() as world, peer(world) as client:
        await client.send(b"c COMPRESS DEFLATE\r\nd NOOP\r\n")
        assert b"* BYE not compressed as agreed" in await client.rest()


@given(st.lists(st.binary(max_size=400), max_size=8), st.integers(1, 50), st.integers(1, 30))
def test_what_was_sent_arrives_however_it_is_cut(pieces: list[bytes], most: int, cut: int) -> None:
    sender, receiver = Deflate(most=most), Deflate(most=most)
    wire = b"".join(map(sender.compress, pieces))
    heard = b""
    for at in range(0, len(wire), cut):
        receiver.feed(wire[at : at + cut])
        while taken := receiver.take():
            assert len(taken) <= most
            heard += taken
    assert heard == b"".join(pieces)
    assert receiver.waiting == 0


@given(st.binary(max_size=200))
def test_noise_is_inflated_or_refused(noise: bytes) -> None:
    receiver = Deflate(most=64)
    receiver.feed(noise)
    try:
        while receiver.take():
            pass
    except BrokenStream:
        return
    assert receiver.waiting == 0
