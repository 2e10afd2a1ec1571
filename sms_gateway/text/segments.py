# SPDX-License-Identifier: Apache-2.0
"""Cut a text into the segments that the radio can carry.

A segment holds 140 octets with its header (TS 23.040 section 9.2.3.24).  Android reads each segment
by itself, so a character is never parted: not in UTF-8, not after a GSM-7 escape, not inside a
UTF-16 pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from sms_gateway.port import Coding
from sms_gateway.text import gsm7, udh
from sms_gateway.text.udh import Header

RADIO_OCTETS = 140
"""User data of one SMS on the air, header included."""

MOST_SEGMENTS = 255


class TooLong(ValueError):
    """The text needs more segments than a concatenation can count."""


class Segment(msgspec.Struct, frozen=True, gc=False):  # as in smpp.pdu
    header: Header
    octets: bytes
    """The text; GSM-7 stands one septet an octet."""

    @property
    def user_data(self) -> bytes:
        """Header and text, for short_message.  Raises ValueError for a number that fits no element."""
        return udh.encode(self.header) + self.octets

    def text(self, coding: Coding) -> str:
        """The text again; what ``cut`` has written in ``coding`` can be read."""
        match coding:
            case Coding.GSM7:
                return gsm7.decode(self.octets)
            case Coding.UCS2:
                return self.octets.decode("utf-16-be")
            case Coding.OCTETS:
                return self.octets.decode()

    @property
    def has_header(self) -> bool:
        """Whether esm_class needs the UDHI bit."""
        return self.header != Header()


def cut(
    text: str, *, coding: Coding, port: int, reference: int, indication: udh.Indication | None = None
) -> tuple[Segment, ...]:
    """One segment where the text fits, else several with the same concatenation reference.

    ``port`` 0 leaves the port element out.  Each segment has all elements, as section 9.2.3.24
    advises.  Raises TooLong, and ValueError for a character that the coding does not have
    (gsm7.NotInAlphabet, or a lone surrogate) or a number that fits no element.
    """
    header = _header(port, indication)
    whole = _octets(text, coding)
    if len(whole) <= _room(header, coding):
        return (Segment(header, whole),)
    ports = header.ports
    room = _room(Header(ports, udh.Concatenation(reference, 1, 1), indication), coding)
    pieces = _fill([_octets(character, coding) for character in text], room)
    total = len(pieces)
    if total > MOST_SEGMENTS:
        raise TooLong(f"{total} segments")
    return tuple(
        Segment(Header(ports, udh.Concatenation(reference, total, number), indication), piece)
        for number, piece in enumerate(pieces, start=1)
    )


@lru_cache(udh.HEADERS_KEPT)
def _header(port: int, indication: udh.Indication | None) -> Header:
    """Of an SMS of one segment."""
    return Header(udh.Ports(port) if port else None, None, indication)


def _octets(text: str, coding: Coding) -> bytes:
    match coding:
        case Coding.GSM7:
            return gsm7.encode(text)
        case Coding.UCS2:
            return text.encode("utf-16-be")
        case Coding.OCTETS:
            return text.encode()


def _room(header: Header, coding: Coding) -> int:
    """How many octets of short_message are left for text behind a header."""
    free = RADIO_OCTETS - len(udh.encode(header))
    # Septets start on a septet boundary behind the header: fill bits make up the rest.
    return free * 8 // 7 if coding is Coding.GSM7 else free


def _fill(characters: Sequence[bytes], room: int) -> list[bytes]:
    pieces = []
    piece = bytearray()
    for character in characters:
        if len(piece) + len(character) > room:
            pieces.append(bytes(piece))
            piece.clear()
        piece += character
    pieces.append(bytes(piece))
    return pieces
