# SPDX-License-Identifier: Apache-2.0
"""Behind load balancers: a PROXY header first, its client's address for every limit, and no way past them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from imap_server.metrics import Limit
from imap_server.proxied import Balancers
from imap_server.settings import ImapSettings
from imap_server.wire import proxy
from tests.dialogues.memory_world import MemoryWorld, memory_world
from tests.unit.test_imap_server import Figures

Write = Callable[..., bytes]
ONE, OTHER = "192.0.2.1", "2001:db8::1"
_SECONDS = 20.0

VERSIONS = pytest.mark.parametrize("write", [proxy.line, proxy.binary])


def said(write: Write, source: str) -> bytes:
    destination = "2001:db8::99" if ":" in source else "192.0.2.99"
    return write(source, destination, source_port=40_000, destination_port=143)


@asynccontextmanager
async def behind(
    settings: ImapSettings | None = None, *, networks: tuple[str, ...] = ("127.0.0.0/8",)
) -> AsyncIterator[tuple[MemoryWorld, Figures]]:
    figures = Figures()
    async with (
        asyncio.timeout(_SECONDS),
        memory_world(settings or ImapSettings(), metrics=figures, balancers=Balancers(networks)) as world,
    ):
        yield world, figures


async def answer(world: MemoryWorld, first: bytes, *, listener: int = 0) -> bytes:
    """The first line of the server, or nothing where it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.ports[listener])
    writer.write(first)
    try:
        return await reader.readline()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


@VERSIONS
async def test_the_limit_for_an_address_is_for_the_client_behind(write: Write) -> None:
    async with behind(ImapSettings(max_connections_per_address=1)) as (world, figures):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.ports[0])
        writer.write(said(write, ONE))
        assert (await reader.readline()).startswith(b"* OK ")
        assert (await answer(world, said(write, ONE))).startswith(b"* BYE too many connections from your")
        assert (await answer(world, said(write, OTHER))).startswith(b"* OK ")
        assert figures.limits == [Limit.CONNECTIONS_PER_ADDRESS]
        writer.close()


@VERSIONS
async def test_tls_begins_right_behind_the_header(write: Write) -> None:
    async with behind() as (world, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.ports[1])
        writer.write(said(write, ONE))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await writer.start_tls(context)
        assert (await reader.readline()).startswith(b"* OK ")
        writer.close()


async def test_who_is_no_balancer_is_turned_away_whatever_it_says() -> None:
    async with behind(networks=("192.0.2.0/24",)) as (world, figures):
        assert (await answer(world, said(proxy.line, ONE))).startswith(b"* BYE only by way of our load")
        assert await answer(world, said(proxy.binary, ONE), listener=1) == b""
        assert figures.limits == [Limit.PROXY, Limit.PROXY]


@pytest.mark.parametrize(
    "first", [b"a NOOP\r\n      ", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00", b""]
)
async def test_a_balancer_without_a_header_is_cut_off_and_counted(first: bytes) -> None:
    async with behind(ImapSettings(tls_handshake_seconds=0.2)) as (world, figures):
        assert await answer(world, first) == b""
        assert figures.limits == [Limit.PROXY]


async def test_one_too_many_that_waits_for_its_header_is_turned_away_counted_and_logged() -> None:
    with capture_logs() as logs:
        async with behind(ImapSettings(max_connections=1)) as (world, figures):
            silent = await asyncio.open_connection("127.0.0.1", world.server.ports[0])
            assert (await answer(world, said(proxy.line, ONE))).startswith(b"* BYE too many connections")
            silent[1].transport.abort()
        assert figures.limits == [Limit.CONNECTIONS]
    assert [each["limit"] for each in logs if each["event"] == "connection_refused"] == ["connections"]


async def test_a_balancer_may_ask_for_itself_how_we_are() -> None:
    async with behind() as (world, _):
        assert (await answer(world, b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0")).startswith(b"* OK ")


async def test_without_balancers_a_header_is_no_imap() -> None:
    async with asyncio.timeout(_SECONDS), memory_world() as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.ports[0])
        writer.write(said(proxy.line, ONE))
        assert (await reader.readline()).startswith(b"* OK ")
        assert not (await reader.readline()).startswith(b"* OK ")
        writer.transport.abort()


async def test_a_stop_closes_connections_that_are_not_introduced() -> None:
    async with behind() as (world, figures):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.ports[0])
        # One that is introduced comes after it, so the silent one is waited for by then.
        assert (await answer(world, said(proxy.line, ONE))).startswith(b"* OK ")
        await world.server.stop(1.0)
        assert await reader.read() == b""
        assert Limit.PROXY not in figures.limits
        writer.close()
        await writer.wait_closed()
