# SPDX-License-Identifier: Apache-2.0
"""Whose connection it is that a load balancer brings.

The header is read from the socket itself, and not an octet more: what follows may be a TLS handshake,
which belongs to the event loop.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from imap_server.wire import proxy
from imap_server.wire.proxy import BadHeader


class Balancers:
    """Those that may say whom they speak for."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Raises ValueError for what is no network."""
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        peer = ip_address(address.partition("%")[0])
        mapped = getattr(peer, "ipv4_mapped", None)  # how a socket of both families shows IPv4
        return any((mapped or peer) in network for network in self._networks)


NO_BALANCERS = Balancers(())


async def read_source(peer: socket.socket) -> str | None:
    """The client's address; None when the balancer speaks for itself.  Raises BadHeader, OSError.

    The socket does not block; whoever calls keeps the time.
    """
    start = await _exactly(peer, proxy.START_BYTES)
    if not proxy.is_binary(start):
        return proxy.source_of_line(await _line(peer, start))
    head = proxy.read_head(start + await _exactly(peer, proxy.HEAD_BYTES - proxy.START_BYTES))
    return proxy.source_of_rest(head, await _exactly(peer, head.rest))


async def _line(peer: socket.socket, start: bytes) -> bytes:
    """Octet by octet, because nobody can put back what is behind its end."""
    line = start
    while not line.endswith(b"\n") and len(line) < proxy.LINE_BYTES:
        line += await _exactly(peer, 1)
    return line


async def _exactly(peer: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        more = await asyncio.get_running_loop().sock_recv(peer, count - len(octets))
        if not more:
            raise BadHeader("ended within the PROXY header")
        octets += more
    return octets
