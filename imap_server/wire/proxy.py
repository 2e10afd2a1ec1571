# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol, versions 1 and 2: a load balancer's first octets say who its client is.

haproxy.org, "The PROXY protocol", sections 2.1 and 2.2.
"""

from __future__ import annotations

import re
import struct
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import msgspec

START_BYTES = 12
"""Octets by which the versions are told apart; version 1 is never shorter."""
HEAD_BYTES = 16
"""Of version 2: after them comes as much as they say."""
LINE_BYTES = 107
"""The longest line of version 1, with its CRLF."""
MOST_BYTES = 4096
"""The longest rest of version 2 that is read: addresses, and what a balancer tells beside them."""

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP(?P<family>[46]) (?P<source>[0-9a-fA-F.:]+) [0-9a-fA-F.:]+"
    rb" (?P<port>\d{1,5}) \d{1,5})\r\n\Z"
)
_HEAD = struct.Struct("!12sBBH")
_LOCAL, _PROXIED = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21
_ADDRESSES: dict[int, tuple[type[IPv4Address | IPv6Address], int, int]] = {
    _TCP4: (IPv4Address, 4, 12),
    _TCP6: (IPv6Address, 16, 36),
}
"""By family: its kind of address, the octets of one, and of both with their ports."""


class BadHeader(Exception):
    """Not what a balancer says that speaks the protocol; the connection cannot be trusted."""


class Head(msgspec.Struct, frozen=True):
    """The first part of version 2."""

    proxied: bool
    """False: the balancer speaks for itself, as in a health check."""
    family: int
    rest: int
    """Octets that follow."""


def is_binary(start: bytes) -> bool:
    """Version 2.  Raises BadHeader for what begins neither version."""
    if start == _SIGNATURE:
        return True
    if start.startswith(b"PROXY "):
        return False
    raise BadHeader("no PROXY header")


def source_of_line(line: bytes) -> str | None:
    """The client's address in a line of version 1; None when the balancer does not know it."""
    found = _LINE.match(line)
    if found is None or len(line) > LINE_BYTES:
        raise BadHeader("not a line of version 1")
    if found["source"] is None:
        return None
    address = IPv4Address if found["family"] == b"4" else IPv6Address
    try:
        return str(address(found["source"].decode()))
    except AddressValueError:
        raise BadHeader("no address") from None


def read_head(head: bytes) -> Head:
    """The first 16 octets of version 2.  Raises BadHeader."""
    _, command, family, rest = _HEAD.unpack(head)
    if command not in {_LOCAL, _PROXIED}:
        raise BadHeader("an unknown version or command")
    if rest > MOST_BYTES:
        raise BadHeader("too long")
    return Head(command == _PROXIED, family, rest)


def source_of_rest(head: Head, rest: bytes) -> str | None:
    """The client's address in version 2; None when the balancer speaks for itself or does not know it.

    Raises BadHeader.
    """
    if not head.proxied or head.family not in _ADDRESSES:
        return None
    kind, size, both = _ADDRESSES[head.family]
    if len(rest) < both:
        raise BadHeader("addresses cut short")
    return str(kind(rest[:size]))


def line(source: str, destination: str, *, source_port: int, destination_port: int) -> bytes:
    """What a balancer says in version 1."""
    family = 6 if ":" in source else 4
    return f"PROXY TCP{family} {source} {destination} {source_port} {destination_port}\r\n".encode()


def binary(source: str, destination: str, *, source_port: int, destination_port: int) -> bytes:
    """What a balancer says in version 2."""
    six = ":" in source
    address = IPv6Address if six else IPv4Address
    rest = address(source).packed + address(destination).packed
    rest += struct.pack("!HH", source_port, destination_port)
    return _HEAD.pack(_SIGNATURE, _PROXIED, _TCP6 if six else _TCP4, len(rest)) + rest
