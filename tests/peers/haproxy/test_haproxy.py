# SPDX-License-Identifier: Apache-2.0
"""Behind Debian's haproxy: both versions of its PROXY header, on the clear port and before TLS."""

from __future__ import annotations

import asyncio
import ssl
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.peers.haproxy.balancer import haproxy
from tests.process.phones import Phones, phones
from tests.process.ports import kept_port
from tests.process.program import Program, running

pytestmark = [pytest.mark.peers, pytest.mark.process]

_SECONDS = 30.0
_HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen clear
    bind 127.0.0.1:{clear}
    server node 127.0.0.1:{imap} {send}
listen tls
    bind 127.0.0.1:{tls}
    server node 127.0.0.1:{imap_tls} {send}
"""


@pytest.fixture
async def handsets() -> AsyncIterator[Phones]:
    async with phones() as made:
        yield made


async def greeting(
    port: int, address: str, tls: ssl.SSLContext | None = None
) -> tuple[bytes, asyncio.StreamWriter]:
    """Of a client with an address of its own: 127.0.0.0/8 is all this machine."""
    name = {"server_hostname": "localhost"} if tls else {}
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, local_addr=(address, 0), **name
    )
    return await reader.readline(), writer


@pytest.mark.parametrize("send", ["send-proxy", "send-proxy-v2"])
async def test_the_client_is_known_by_its_own_address(tmp_path: Path, handsets: Phones, send: str) -> None:
    async with asyncio.timeout(_SECONDS), behind_haproxy(tmp_path, handsets, send) as (program, clear, tls):
        context = ssl.create_default_context(cafile=program.certificate)
        first, one = await greeting(clear, "127.0.0.2")
        assert first.startswith(b"* OK ")
        again, refused = await greeting(clear, "127.0.0.2")
        assert again == b"* BYE too many connections from your address\r\n"
        other, two = await greeting(tls, "127.0.0.3", context)
        assert other.startswith(b"* OK ")
        for writer in (one, refused, two):
            writer.transport.abort()


async def test_who_comes_past_it_is_turned_away(tmp_path: Path, handsets: Phones) -> None:
    async with (
        asyncio.timeout(_SECONDS),
        behind_haproxy(tmp_path, handsets, "send-proxy-v2") as (program, _, _),
    ):
        first, writer = await greeting(program.imap_port, "127.0.0.2")
        assert first == b"* BYE only by way of our load balancers\r\n"
        writer.transport.abort()


@asynccontextmanager
async def behind_haproxy(
    folder: Path, handsets: Phones, send: str
) -> AsyncIterator[tuple[Program, int, int]]:
    """The program, and haproxy's ports for it; haproxy alone is known as 127.0.0.1."""
    with kept_port() as clear, kept_port() as tls:
        more = "[imap.limits]\nmax_connections_per_address = 1\n"
        environment = pytest.MonkeyPatch()
        environment.setenv("VVM_IMAP__PROXIES", '["127.0.0.1/32"]')
        try:
            async with running(folder, smsc_port=handsets.smsc.port, more=more) as program:
                config = folder / "haproxy.cfg"
                config.write_text(
                    _HAPROXY.format(
                        clear=clear,
                        tls=tls,
                        imap=program.imap_port,
                        imap_tls=program.imap_tls_port,
                        send=send,
                    )
                )
                async with haproxy(config, (clear, tls)):
                    yield program, clear, tls
        finally:
            environment.undo()


async def test_the_example_of_the_cluster_is_one_that_haproxy_takes() -> None:
    example = Path(__file__).parents[3] / "conf" / "cluster" / "haproxy.cfg"
    process = await asyncio.create_subprocess_exec(
        "haproxy", "-c", "-f", str(example), stdout=DEVNULL, stderr=PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
