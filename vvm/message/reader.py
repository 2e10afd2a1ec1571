# SPDX-License-Identifier: Apache-2.0
"""Read a message that a client brings, within limits, once: what FETCH answers of it is then stored.

The octets are kept as they came; this only says where their parts lie and what they are called.  A
client may send anything, so nothing here is trusted: the parts, their depth and the size of every
header are bounded, a line may end with LF alone, and a multipart whose boundary never comes is one
opaque part.  Header fields are read by Python's ``email``, which forgives what mail programs write.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value, getaddresses
from typing import TypeAlias

import msgspec

from vvm.domain.errors import Refusal
from vvm.message.envelope import Address, MessageEnvelope, render_envelope
from vvm.message.structure import (
    Embedded,
    Leaf,
    Multipart,
    Pairs,
    Part,
    render_body,
    render_body_structure,
)
from vvm.message.writer import PartSpan

_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r?\n")
_HEADERS = BytesHeaderParser()
_Value: TypeAlias = str | tuple[str | None, str | None, str]
"""Of a parameter: as it is written, or by RFC 2231 character set, language and octets."""
_FOLD = re.compile(r"\r?\n(?=[ \t])")

Header: TypeAlias = "Message[str, str]"


class ReadLimits(msgspec.Struct, frozen=True):
    max_parts: int = 50
    """Parts at all depths together."""
    max_depth: int = 5
    """How deep multiparts and embedded messages nest."""
    max_header_bytes: int = 65_536
    """Of the message, and again of every part."""


class Unreadable(Refusal):
    """A message beyond the limits, or with content that its own header misdescribes."""

    code = "unreadable_message"


class ReadPart(msgspec.Struct, frozen=True):
    """A part that holds content and no further parts."""

    span: PartSpan
    media_type: str
    """Lower case, for example ``audio``."""
    encoding: str
    """Its transfer encoding, lower case."""


class ReadMessage(msgspec.Struct, frozen=True):
    """A message and everything that FETCH answers about it, in ready IMAP syntax."""

    octets: bytes
    header_size: int
    """Octets of the message's header, empty line included."""
    envelope: bytes
    body: bytes
    body_structure: bytes
    parts: tuple[PartSpan, ...]
    leaves: tuple[ReadPart, ...]
    header: Header

    def field(self, name: str) -> str | None:
        """The first header field of that name, in any case, without folding; None when there is none."""
        return _text(self.header, name)

    def content(self, part: ReadPart) -> bytes:
        """What a part holds, out of its transfer encoding.  Raises Unreadable."""
        octets = self.octets[part.span.body_start : part.span.body_end]
        match part.encoding:
            case "7bit" | "8bit" | "binary":
                return octets
            case "quoted-printable":
                return binascii.a2b_qp(octets)
            case "base64":
                try:
                    return binascii.a2b_base64(octets)
                except binascii.Error:
                    raise Unreadable("base64 that ends in the middle") from None
            case _:
                raise Unreadable("a transfer encoding that MIME does not know")


def read_message(octets: bytes, limits: ReadLimits) -> ReadMessage:
    """Raises Unreadable for a message beyond the limits; any other octets are some message."""
    reader = _Reader(octets, limits)
    header, body_start = reader.header(0, len(octets))
    part = reader.part(header, _Place("", 0, body_start, len(octets)), depth=0)
    return ReadMessage(
        octets=octets,
        header_size=body_start,
        envelope=_envelope(header),
        body=render_body(part),
        body_structure=render_body_structure(part),
        parts=tuple(reader.spans),
        leaves=tuple(reader.leaves),
        header=header,
    )


class _Place(msgspec.Struct, frozen=True):
    """Where an entity lies, and its section number, which the message itself has not."""

    number: str
    start: int
    body_start: int
    end: int

    def inner(self, index: int) -> str:
        """The number of the part at ``index``, from 1."""
        return f"{self.number}.{index}" if self.number else str(index)


class _Reader:
    """Collects the spans of one message while it walks through it."""

    def __init__(self, octets: bytes, limits: ReadLimits) -> None:
        self._octets = octets
        self._limits = limits
        self.spans: list[PartSpan] = []
        self.leaves: list[ReadPart] = []

    def header(self, start: int, end: int) -> tuple[Header, int]:
        """The header of the entity at ``start``, and where its body starts: at ``end`` without one."""
        most = start + self._limits.max_header_bytes
        found = _EMPTY_LINE.search(self._octets[start : min(end, most)])
        if found is None and end > most:
            raise Unreadable(f"a header of more than {self._limits.max_header_bytes} octets")
        body_start = end if found is None else start + found.end()
        return _HEADERS.parsebytes(self._octets[start:body_start]), body_start

    def part(self, header: Header, place: _Place, *, depth: int) -> Part:
        """Describe an entity and everything in it."""
        if depth > self._limits.max_depth:
            raise Unreadable(f"parts nested deeper than {self._limits.max_depth}")
        main, sub = header.get_content_maintype(), header.get_content_subtype()
        if main == "multipart":
            bodies = list(self._bodies(header, place))
            if bodies:
                return self._multipart(header, place, bodies, depth=depth)
            main, sub = "application", "octet-stream"
        span = self._add(place, message=(main, sub) == ("message", "rfc822"))
        if span.message:
            return self._embedded(header, place, span, depth=depth)
        encoding = (_text(header, "Content-Transfer-Encoding") or "7bit").strip().lower()
        self.leaves.append(ReadPart(span, main, encoding))
        return _leaf(header, main, sub, encoding, self._octets[span.body_start : span.body_end])

    def _multipart(
        self, header: Header, place: _Place, bodies: Sequence[tuple[int, int]], *, depth: int
    ) -> Part:
        if place.number:
            self._add(place, message=False)
        parts = []
        for index, (start, end) in enumerate(bodies, 1):
            inner, body_start = self.header(start, end)
            inside = _Place(place.inner(index), start, body_start, end)
            parts.append(self.part(inner, inside, depth=depth + 1))
        return Multipart(
            header.get_content_subtype(),
            _pairs(header, "Content-Type"),
            tuple(parts),
            disposition=_disposition(header),
        )

    def _embedded(self, header: Header, place: _Place, span: PartSpan, *, depth: int) -> Part:
        """A message inside: its single part is N.1, the parts of its multipart are N.1, N.2, ..."""
        inner, body_start = self.header(place.body_start, place.end)
        multipart = inner.get_content_maintype() == "multipart"
        number = span.number if multipart else f"{span.number}.1"
        inside = _Place(number, place.body_start, body_start, place.end)
        known = len(self.spans)
        body = self.part(inner, inside, depth=depth + 1)
        if multipart and self.spans[known].number == number:
            del self.spans[known]  # the number is that of the embedded message, which is there already
        content = self._octets[span.body_start : span.body_end]
        leaf = _leaf(header, "message", "rfc822", "7bit", content)
        return msgspec.structs.replace(leaf, lines=_lines(content), embedded=Embedded(_envelope(inner), body))

    def _add(self, place: _Place, *, message: bool) -> PartSpan:
        if len(self.spans) >= self._limits.max_parts:
            raise Unreadable(f"more than {self._limits.max_parts} parts")
        span = PartSpan(place.number or "1", place.start, place.body_start, place.end, message)
        self.spans.append(span)
        return span

    def _bodies(self, header: Header, place: _Place) -> Iterator[tuple[int, int]]:
        """Start and end of each part; the line end before a delimiter is the delimiter's (RFC 2046 5.1.1).

        A last part without its closing delimiter reaches to the end.
        """
        named = (value for key, value in _raw_pairs(header, "Content-Type") if key.lower() == "boundary")
        boundary = _collapsed(next(named, "")).rstrip()
        if not boundary:
            return
        delimiter = re.compile(
            rb"^--" + re.escape(boundary.encode("ascii", "replace")) + rb"(--)?[ \t]*\r?(?:\n|\Z)",
            re.MULTILINE,
        )
        start: int | None = None
        for found in delimiter.finditer(self._octets, place.body_start, place.end):
            if start is not None:
                yield start, max(start, self._before_line_end(found.start()))
            if found[1]:
                return
            start = found.end()
        if start is not None:
            yield start, place.end

    def _before_line_end(self, position: int) -> int:
        position -= self._octets[position - 1 : position] == b"\n"
        return position - (self._octets[position - 1 : position] == b"\r")


def _leaf(header: Header, main: str, sub: str, encoding: str, content: bytes) -> Leaf:
    return Leaf(
        main,
        sub,
        encoding,
        len(content),
        parameters=_pairs(header, "Content-Type"),
        lines=_lines(content) if main == "text" else None,
        disposition=_disposition(header),
        content_id=_text(header, "Content-ID"),
        description=_text(header, "Content-Description"),
    )


def _lines(content: bytes) -> int:
    """A last line counts whether or not it ends."""
    return content.count(b"\n") + (not content.endswith(b"\n") and content != b"")


def _disposition(header: Header) -> tuple[str, Pairs] | None:
    name = header.get_content_disposition()
    return None if name is None else (name, _pairs(header, "Content-Disposition"))


def _pairs(header: Header, name: str) -> Pairs:
    """The parameters of a field, in its order."""
    return tuple((key, _collapsed(value)) for key, value in _raw_pairs(header, name))


def _raw_pairs(header: Header, name: str) -> Sequence[tuple[str, _Value]]:
    """None of them where one is in pieces with and without a number, which ``email`` cannot sort."""
    try:
        return header.get_params([], header=name)[1:]
    except TypeError:
        return ()


def _collapsed(value: _Value) -> str:
    """A parameter out of its character set (RFC 2231); as it is written, where that is none's name."""
    try:
        return collapse_rfc2231_value(value)
    except ValueError:  # a NUL or an octet above 127 in the name
        return value if isinstance(value, str) else value[2]


def _text(header: Header, name: str) -> str | None:
    value = header.get(name)
    return None if value is None else _FOLD.sub("", str(value)).strip()


def _envelope(header: Header) -> bytes:
    return render_envelope(
        MessageEnvelope(
            date=_text(header, "Date"),
            subject=_text(header, "Subject"),
            from_=_addresses(header, "From"),
            sender=_addresses(header, "Sender"),
            reply_to=_addresses(header, "Reply-To"),
            to=_addresses(header, "To"),
            cc=_addresses(header, "Cc"),
            bcc=_addresses(header, "Bcc"),
            in_reply_to=_text(header, "In-Reply-To"),
            message_id=_text(header, "Message-ID"),
        )
    )


def _addresses(header: Header, name: str) -> list[Address]:
    """Those that have a local part; a group's name and garbage are left out."""
    listed = []
    for display, address in getaddresses([str(value) for value in header.get_all(name, [])]):
        local, _, domain = address.rpartition("@")
        if local:
            listed.append(Address(local, domain, display or None))
    return listed
