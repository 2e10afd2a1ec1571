# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol is read as it is written, however the network cuts it, and never an octet too far."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imap_server.proxied import Balancers, read_source
from imap_server.wire import proxy
from imap_server.wire.proxy import BadHeader

PORTS = st.integers(0, 65_535)
PAIRS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)),
    st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6)),
)
AFTER = b"\x16\x03\x01 a ClientHello"


async def read(pieces: list[bytes]) -> tuple[str | None, bytes]:
    """What is read of octets that come in pieces, and what is left in the socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        reading = asyncio.create_task(read_source(ours))
        for piece in pieces:
            theirs.send(piece)
            await asyncio.sleep(0)
        theirs.shutdown(socket.SHUT_WR)
        source = await reading
        return source, ours.recv(4096)


@given(PAIRS, PORTS, PORTS, st.sampled_from([proxy.line, proxy.binary]), st.integers(1, 40))
def test_what_a_balancer_says_is_read_and_what_follows_is_left(
    pair: tuple[object, object], source_port: int, destination_port: int, write: object, cut: int
) -> None:
    source, destination = map(str, pair)
    octets = write(source, destination, source_port=source_port, destination_port=destination_port)  # type: ignore[operator]
    pieces = [octets[:cut], octets[cut:] + AFTER]
    assert asyncio.run(read([piece for piece in pieces if piece])) == (source, AFTER)


@given(st.binary(min_size=1, max_size=300))
def test_whatever_else_comes_is_refused_and_nothing_breaks(octets: bytes) -> None:
    try:
        source, _ = asyncio.run(read([octets]))
    except BadHeader:
        return
    assert source is None or ("." in source or ":" in source)


@pytest.mark.parametrize(
    "octets",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x31\0\x03abc",
    ],
)
async def test_a_balancer_may_speak_for_itself(octets: bytes) -> None:
    assert await read([octets + AFTER]) == (None, AFTER)


@pytest.mark.parametrize(
    "octets",
    [
        b"a LOGIN alice secret\r\n",
        b"PROXY TCP4 192.0.2.300 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.1 1 2\n",
        b"PROXY TCP4 192.0.2.1",
        b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c" + bytes(12),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04" + bytes(4),
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + bytes(99),
    ],
)
async def test_what_no_balancer_says_is_refused(octets: bytes) -> None:
    with pytest.raises(BadHeader):
        await read([octets])


def test_who_is_a_balancer_is_a_question_of_networks() -> None:
    balancers = Balancers(["192.0.2.0/24", "2001:db8::/32"])
    assert "192.0.2.7" in balancers
    assert "::ffff:192.0.2.7" in balancers
    assert "2001:db8::1" in balancers
    assert "198.51.100.1" not in balancers
    assert "fe80::1%eth0" not in balancers
