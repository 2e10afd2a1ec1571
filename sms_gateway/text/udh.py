# SPDX-License-Identifier: Apache-2.0
"""The user data header: ports, concatenation, message waiting (TS 23.040 section 9.2.3.24).

The header is there when esm_class has the UDHI bit.  Elements that we do not know are skipped, as
the specification asks; a header that does not end where it says is an error.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

UDHI = 0x40
"""The bit of esm_class that announces a header (SMPP 3.4 section 5.2.12)."""

_CONCATENATION_8 = 0x00
_INDICATION = 0x01
_PORTS_8 = 0x04
_PORTS_16 = 0x05
_CONCATENATION_16 = 0x08
_LARGEST_OCTET = 0xFF
HEADERS_KEPT = 64
"""One port and no concatenation is what nearly every SMS has."""
_ELEMENT_BYTES = {_CONCATENATION_8: 3, _INDICATION: 2, _PORTS_8: 2, _PORTS_16: 4, _CONCATENATION_16: 4}


class BadHeader(ValueError):
    """The lengths inside the header do not add up."""


class Ports(msgspec.Struct, frozen=True):
    """0-65535 each (section 9.2.3.24.4)."""

    destination: int
    originator: int = 0


class Concatenation(msgspec.Struct, frozen=True):
    """This is segment ``number``, from 1, of ``total`` with the same reference (section 9.2.3.24.1)."""

    reference: int
    total: int
    number: int


class Indication(msgspec.Struct, frozen=True):
    """Messages wait (section 9.2.3.24.2); ``text.mwi`` makes it."""

    kind: int
    """Bit 7: store the SMS; bits 6-2: profile and extension; bits 1-0: voice, fax, e-mail, other."""
    count: int
    """0-255."""


class Header(msgspec.Struct, frozen=True, cache_hash=True):
    ports: Ports | None = None
    concatenation: Concatenation | None = None
    indication: Indication | None = None


@lru_cache(HEADERS_KEPT)
def encode(header: Header) -> bytes:
    """The header with its length octet; empty for a header without elements.

    Ports are written in 16 bits and stand first, where WAP push and Kannel put them; a concatenation
    reference over 255 makes the 16-bit form.  Raises ValueError for a number that fits no element.
    """
    elements = b""
    if header.ports is not None:
        ports = header.ports
        elements += bytes((_PORTS_16, 4)) + _two(ports.destination) + _two(ports.originator)
    if header.concatenation is not None:
        part = header.concatenation
        if part.reference <= _LARGEST_OCTET:
            elements += bytes((_CONCATENATION_8, 3, part.reference, part.total, part.number))
        else:
            elements += (
                bytes((_CONCATENATION_16, 4)) + _two(part.reference) + bytes((part.total, part.number))
            )
    if header.indication is not None:
        elements += bytes((_INDICATION, 2, header.indication.kind, header.indication.count))
    return bytes((len(elements),)) + elements if elements else b""


def decode(user_data: bytes) -> tuple[Header, bytes]:
    """Part the header from what follows it.  Raises BadHeader.

    An element that comes twice counts as its last (section 9.2.3.24), and a concatenation whose
    numbers make no sense is as good as none (section 9.2.3.24.1).
    """
    if not user_data:
        raise BadHeader("no header at all")
    end = 1 + user_data[0]
    if end > len(user_data):
        raise BadHeader("the header is longer than the user data")
    ports: Ports | None = None
    concatenation: Concatenation | None = None
    indication: Indication | None = None
    at = 1
    while at < end:
        if at + 2 > end:
            raise BadHeader("an element without a length")
        identifier, length = user_data[at], user_data[at + 1]
        value = user_data[at + 2 : at + 2 + length]
        at += 2 + length
        if at > end:
            raise BadHeader("an element is longer than the header")
        if _ELEMENT_BYTES.get(identifier) != length:
            continue
        match identifier:
            case 0x01:
                indication = Indication(value[0], value[1])
            case 0x05 | 0x04:
                half = length // 2
                ports = Ports(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
            case _:
                reference, total, number = int.from_bytes(value[:-2], "big"), value[-2], value[-1]
                concatenation = Concatenation(reference, total, number) if 1 <= number <= total else None
    return Header(ports, concatenation, indication), user_data[end:]


def _two(number: int) -> bytes:
    try:
        return number.to_bytes(2, "big")
    except OverflowError as error:
        raise ValueError("does not fit 16 bits") from error
