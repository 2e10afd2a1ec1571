# SPDX-License-Identifier: Apache-2.0
"""What FETCH can ask of a message, and the response that answers it (RFC 3501 6.4.5, 7.4.2;
RFC 3516, RFC 8474, RFC 8970).

Nothing here parses MIME: a section is a slice at offsets that were computed when the message was
stored.  A response puts the small values first and the sections last, because libcurl takes the
first literal it meets for the body (spec/omtp-vvm.md 11.2).

A response comes piece by piece, and its sections are views of the message: whoever asks for eight
sections of it makes the server hold it once.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import msgspec

from imap_server import flags, transfer
from imap_server.backend import MessageRecord, MessageState, PartSpan
from imap_server.errors import No
from imap_server.wire import encoder
from imap_server.wire.output import Octets


class Attribute(enum.Enum):
    """The items that are not sections, in the order in which a response carries them."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    MODSEQ = b"MODSEQ"
    INTERNAL_DATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODY_STRUCTURE = b"BODYSTRUCTURE"
    PREVIEW = b"PREVIEW"
    EMAIL_ID = b"EMAILID"
    THREAD_ID = b"THREADID"

    __hash__ = object.__hash__  # each exists once; Enum's own, of the name, takes a call for every look-up


_LISTED = frozenset({Attribute.UID, Attribute.FLAGS})
_LONGEST_PIECE = 65_536
_SHORT = 2_048
"""Octets that are copied sooner than handed on by themselves."""
_LONGEST_PREVIEW = 200
"""Characters (RFC 8970 section 3.2)."""


class Text(enum.Enum):
    """Which text of a message or of a part a section names."""

    WHOLE = b""
    HEADER = b"HEADER"
    FIELDS = b"HEADER.FIELDS"
    FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"

    __hash__ = object.__hash__


_HEADERS = frozenset({Text.HEADER, Text.FIELDS, Text.FIELDS_NOT})


class Partial(msgspec.Struct, frozen=True):
    """``<first.count>``: octets of a section from an offset on."""

    first: int
    count: int


class Form(enum.Enum):
    """How a section is answered; the value is the item's name (RFC 3516 section 4)."""

    ENCODED = b"BODY"
    DECODED = b"BINARY"
    DECODED_SIZE = b"BINARY.SIZE"


class Section(msgspec.Struct, frozen=True, dict=True):
    """One ``BODY[…]``, one of its RFC 822 spellings, or one ``BINARY[…]``.

    ``label`` is the item's name in the response, never with PEEK.  ``part`` is the part number,
    empty for the message itself.
    """

    label: bytes
    part: str = ""
    text: Text = Text.WHOLE
    fields: tuple[bytes, ...] = ()
    partial: Partial | None = None
    peek: bool = False
    form: Form = Form.ENCODED

    @cached_property
    def in_header(self) -> bool:
        """Whether the message's header, which its record holds, is enough to answer."""
        return not self.part and self.text in _HEADERS

    @cached_property
    def wanted_fields(self) -> re.Pattern[bytes]:
        """Whole header fields with their continuation lines, of the names in ``fields``."""
        alternatives = b"|".join(map(re.escape, self.fields))
        pattern = rb"^(?:" + alternatives + rb")[ \t]*:.*\n(?:[ \t].*\n)*"
        return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


class Request(msgspec.Struct, frozen=True, dict=True):
    """Everything that one FETCH asks of each message; what follows from that is found out once."""

    attributes: frozenset[Attribute]
    sections: tuple[Section, ...] = ()

    @cached_property
    def in_view(self) -> bool:
        """Whether UID and flags are all that is asked: then no storage is read."""
        return not self.sections and not self.of_record

    @cached_property
    def of_state(self) -> tuple[Callable[[MessageState], bytes], ...]:
        """What writes the items that come first, which the view knows."""
        return tuple(write for item, write in _OF_STATE.items() if item in self.attributes)

    @cached_property
    def of_record(self) -> tuple[Callable[[MessageRecord], bytes], ...]:
        """… and those that come next, which need the message's record."""
        return tuple(write for item, write in _OF_RECORD.items() if item in self.attributes)

    @cached_property
    def needs_octets(self) -> bool:
        """Whether the message itself must be read."""
        return not all(section.in_header for section in self.sections)

    @cached_property
    def decoded_parts(self) -> frozenset[str]:
        """The parts that are asked for without transfer encoding."""
        return frozenset(section.part for section in self.sections if section.form is not Form.ENCODED)

    @cached_property
    def marks_seen(self) -> bool:
        """Whether the client reads for good: a section without PEEK."""
        return not all(section.peek for section in self.sections)

    @cached_property
    def with_uid(self) -> Request:
        """As UID FETCH answers it."""
        return self if Attribute.UID in self.attributes else self.adding(Attribute.UID)

    def adding(self, *attributes: Attribute) -> Request:
        """The same request, answered with some attributes more."""
        return Request(self.attributes.union(attributes), self.sections)


def brief(request: Request, *, number: int, current: MessageState) -> bytes:
    """The response of a request that is ``in_view``."""
    return b"* %d FETCH (%b)\r\n" % (number, b" ".join([write(current) for write in request.of_state]))


def briefs(request: Request, messages: Iterable[tuple[int, MessageState]]) -> bytes:
    """``brief`` for many, by number; the pair that every client lists a mailbox by is written at once."""
    if request.attributes == _LISTED:
        return b"".join(
            [
                b"* %d FETCH (UID %d FLAGS %b)\r\n" % (number, current.uid, flags.write(current.flags))
                for number, current in messages
            ]
        )
    return b"".join([brief(request, number=number, current=current) for number, current in messages])


def full(
    request: Request, record: MessageRecord, octets: bytes | None, *, number: int, current: MessageState
) -> Iterator[Octets]:
    """The response of any request, in pieces; ``octets`` may be None when the request needs none.

    Raises No with UNKNOWN-CTE, and then before the first piece, when a part cannot be decoded as asked.
    """
    message = None if octets is None else memoryview(octets)
    decoded = _decoded_parts(request.decoded_parts, record, message)
    small = [write(current) for write in request.of_state]
    small += [write(record) for write in request.of_record]
    waiting = b"* %d FETCH (%b" % (number, b" ".join(small))
    space = b" " if request.attributes else b""
    for section in request.sections:
        waiting += space + section.label
        space = b" "
        value = extract(section, record, message, decoded)
        if section.form is Form.DECODED_SIZE:
            waiting += b" %d" % len(value or b"")
        elif value is None:
            waiting += b" NIL"
        else:
            waiting += _literal_start(section, value)
            if len(value) <= _SHORT:
                waiting += value
                continue
            yield waiting
            yield from _cut(value)
            waiting = b""
    yield waiting + b")\r\n"


def _preview(record: MessageRecord) -> bytes:
    return b"PREVIEW " + encoder.string(record.preview[:_LONGEST_PREVIEW].encode())


_OF_STATE: Mapping[Attribute, Callable[[MessageState], bytes]] = {
    Attribute.UID: lambda current: b"UID %d" % current.uid,
    Attribute.FLAGS: lambda current: b"FLAGS " + flags.write(current.flags),
    Attribute.MODSEQ: lambda current: b"MODSEQ (%d)" % current.modseq,
}
_OF_RECORD: Mapping[Attribute, Callable[[MessageRecord], bytes]] = {
    Attribute.INTERNAL_DATE: lambda record: b"INTERNALDATE " + encoder.date_time(record.internal_date),
    Attribute.SIZE: lambda record: b"RFC822.SIZE %d" % record.size,
    Attribute.ENVELOPE: lambda record: b"ENVELOPE " + record.envelope,
    Attribute.BODY: lambda record: b"BODY " + record.body,
    Attribute.BODY_STRUCTURE: lambda record: b"BODYSTRUCTURE " + record.body_structure,
    Attribute.PREVIEW: _preview,
    Attribute.EMAIL_ID: lambda record: f"EMAILID ({record.email_id})".encode(),
    Attribute.THREAD_ID: lambda _: b"THREADID NIL",
}
"""Every item that is no section, in the order of the response."""


def extract(
    section: Section, record: MessageRecord, octets: memoryview | None, decoded: Mapping[str, Octets]
) -> Octets | None:
    """The octets of a section, cut to its partial; None when the message has no such part.

    ``decoded`` has the parts that some section wants without their transfer encoding.
    """
    found: Octets | None
    if section.form is not Form.ENCODED and section.part in decoded:
        found = decoded[section.part]
    elif section.part:
        found = _part(section, record, octets)
    else:
        found = _message(section, record, octets)
    if found is None or section.partial is None:
        return found
    first, count = section.partial.first, section.partial.count
    return found[first : first + count]


def _literal_start(section: Section, value: Octets) -> bytes:
    """A literal8 where there is a NUL, which no other literal may hold (RFC 3516 section 4.2)."""
    eight = b"~" if section.form is Form.DECODED and _NUL.search(value) else b""
    return b" %b{%d}\r\n" % (eight, len(value))


def _cut(value: Octets) -> Iterator[Octets]:
    if len(value) <= _LONGEST_PIECE:
        yield value
        return
    view = memoryview(value)
    for start in range(0, len(view), _LONGEST_PIECE):
        yield view[start : start + _LONGEST_PIECE]


def _decoded_parts(
    wanted: frozenset[str], record: MessageRecord, octets: memoryview | None
) -> Mapping[str, Octets]:
    """The ``wanted`` parts without their transfer encoding; the message as a whole has none.

    Each is decoded once.  Parts lie beside each other, so all of them are less than the message; one
    that claims an encoding and has parts itself (forbidden by RFC 2045 section 6.4) must not change that.
    """
    if not wanted or octets is None:
        return {}
    decoded: dict[str, Octets] = {}
    left = record.size
    for span in record.parts:
        if span.number not in wanted:
            continue
        encoding = transfer.encoding(octets[span.mime_start : span.body_start])
        content = octets[span.body_start : span.body_end]
        try:
            decoded[span.number] = transfer.decoded(content, encoding)
        except transfer.UnknownEncoding as error:
            raise No("unknown transfer encoding", code="UNKNOWN-CTE") from error
        left -= 0 if transfer.as_is(encoding) else len(content)
        if left < 0:
            raise No("parts that are encoded within encoded parts", code="UNKNOWN-CTE")
    return decoded


def _message(section: Section, record: MessageRecord, octets: memoryview | None) -> Octets | None:
    if section.in_header:
        return _header(section, record.header)
    if octets is None or section.text is Text.MIME:
        return None
    return octets if section.text is Text.WHOLE else octets[len(record.header) :]


def _part(section: Section, record: MessageRecord, octets: memoryview | None) -> Octets | None:
    span = next((each for each in record.parts if each.number == section.part), None)
    if span is None or octets is None:
        return None
    if section.text is Text.MIME:
        return octets[span.mime_start : span.body_start]
    content = octets[span.body_start : span.body_end]
    return content if section.text is Text.WHOLE else _embedded(section, span, content)


def _embedded(section: Section, span: PartSpan, content: memoryview) -> Octets | None:
    """Header or text of a part that is itself a message (RFC 3501: only message/rfc822 has them)."""
    if not span.message:
        return None
    empty_line = _EMPTY_LINE.search(content)
    end = len(content) if empty_line is None else empty_line.end()
    return content[end:] if section.text is Text.TEXT else _header(section, bytes(content[:end]))


def _header(section: Section, header: bytes) -> bytes:
    """The whole block or some of its fields; either way it ends with the empty line."""
    if section.text is Text.HEADER:
        return header
    if section.text is Text.FIELDS_NOT:
        return section.wanted_fields.sub(b"", header)
    return b"".join(section.wanted_fields.findall(header)) + b"\r\n"


_NUL = re.compile(rb"\0")
_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r?\n")
