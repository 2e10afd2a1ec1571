# SPDX-License-Identifier: Apache-2.0
"""``host:port``, as every listen key writes it."""

from __future__ import annotations

import ipaddress
import re

import msgspec

MAX_PORT = 65_535
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")


class Address(msgspec.Struct, frozen=True):
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        """What ``parse_address`` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read ``host:port``; an IPv6 address stands in brackets, as in ``[::1]:993``.

    Raises ValueError, whose text says what would be right.
    """
    host, colon, digits = text.rpartition(":")
    if not colon or not digits.isascii() or not digits.isdigit() or int(digits) > MAX_PORT:
        raise ValueError(f"host:port with a port between 0 and {MAX_PORT}, for example 127.0.0.1:1143")
    if host.startswith("[") and host.endswith("]") and is_ipv6(host[1:-1]):
        return Address(host[1:-1], int(digits))
    if is_host(host):
        return Address(host, int(digits))
    raise ValueError("a host name, an IPv4 address or an IPv6 address in brackets, for example [::1]:1143")


def is_host(text: str) -> bool:
    """A host name or an IPv4 address."""
    return _HOST.match(text) is not None


def is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
