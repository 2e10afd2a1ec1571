# SPDX-License-Identifier: Apache-2.0
"""FETCH: sections as slices, checked against Python's email package, and the order of a response."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import msgspec
import pytest

from imap_server import fetch
from imap_server.backend import MessageRecord, MessageState
from imap_server.commands import fetch as command
from imap_server.errors import Bad
from imap_server.fetch import Attribute, Request, Section
from imap_server.wire.lexer import Lexer
from tests.dialogues import mail

MOMENT = datetime(2026, 3, 7, 18, 17, tzinfo=UTC)


def forwarded() -> bytes:
    """A message that holds text, audio, and a whole message with two parts of its own."""
    inner = EmailMessage(policy=policy.SMTP)
    inner["Subject"] = "inner"
    inner["X-Long"] = "one " * 40
    inner.set_content("first\r\n")
    inner.add_attachment(b"\x00\x01", "audio", "amr", filename="a.amr")
    outer = EmailMessage(policy=policy.SMTP)
    outer["Subject"] = "outer"
    outer["From"] = "+15551230001@vvm.example.net"
    outer.set_content("see below\r\n")
    outer.add_attachment(inner)
    return outer.as_bytes()


OCTETS = forwarded()
RECORD: MessageRecord = mail.record(7, OCTETS, frozenset({"\\Seen"}), 3, MOMENT)


def request(text: bytes) -> Request:
    return command.parse(Lexer((b" 1 " + text + b"\r\n",))).request


def section(text: bytes) -> Section:
    (only,) = request(text).sections
    return only


def got(text: bytes) -> bytes | None:
    found = fetch.extract(section(text), RECORD, memoryview(OCTETS), {})
    return None if found is None else bytes(found)


def test_the_whole_message_its_header_and_its_text_add_up() -> None:
    header, text = got(b"BODY[HEADER]"), got(b"BODY[TEXT]")
    assert header is not None
    assert text is not None
    assert got(b"BODY[]") == OCTETS == header + text


def test_parts_are_what_the_email_package_finds() -> None:
    walked = list(message_from_bytes(OCTETS, policy=policy.SMTP).walk())
    _, see_below, holder, inner, first, _ = walked
    assert holder.get_content_type() == "message/rfc822"
    assert got(b"BODY[1]") == str(see_below.get_payload()).encode()
    assert got(b"BODY[2]") == inner.as_bytes()
    assert got(b"BODY[2.1.1]") == str(first.get_payload()).encode()


def test_only_a_part_that_is_a_message_has_a_header_of_its_own() -> None:
    header = got(b"BODY[2.HEADER]")
    text = got(b"BODY[2.TEXT]")
    assert header is not None
    assert text is not None
    assert header.endswith(b"\r\n\r\n")
    assert header + text == got(b"BODY[2]")
    assert got(b"BODY[1.HEADER]") is None


def test_a_folded_field_comes_whole() -> None:
    fields = got(b"BODY[2.HEADER.FIELDS (x-long)]")
    assert fields is not None
    assert message_from_bytes(fields)["X-Long"].split() == ["one"] * 40
    assert fields.endswith(b"\r\n\r\n")


def test_fields_and_all_other_fields_make_the_header() -> None:
    some, others = got(b"BODY[HEADER.FIELDS (subject)]"), got(b"BODY[HEADER.FIELDS.NOT (SUBJECT)]")
    assert some == b"Subject: outer\r\n\r\n"
    assert others == RECORD.header.replace(b"Subject: outer\r\n", b"")


def test_fields_that_are_absent_leave_the_empty_line() -> None:
    assert got(b"BODY[HEADER.FIELDS (X-Absent)]") == b"\r\n"


@pytest.mark.parametrize("text", [b"BODY[3]", b"BODY[1.1]", b"BODY[2.9.MIME]"])
def test_a_part_that_is_not_there_is_nil(text: bytes) -> None:
    assert got(text) is None


def test_a_mime_header_is_that_of_the_part() -> None:
    mime = got(b"BODY[2.MIME]")
    assert mime is not None
    assert message_from_bytes(mime).get_content_type() == "message/rfc822"


def test_a_partial_cuts_and_is_named_by_its_first_octet() -> None:
    asked = section(b"BODY.PEEK[]<3.4>")
    assert asked.label == b"BODY[]<3>"
    assert fetch.extract(asked, RECORD, memoryview(OCTETS), {}) == OCTETS[3:7]


def test_small_values_come_first_and_sections_last() -> None:
    pieces = fetch.full(
        request(b"(BODY[HEADER.FIELDS (subject)] UID RFC822.SIZE FLAGS)"),
        RECORD,
        None,
        number=2,
        current=MessageState(RECORD.uid, RECORD.flags, RECORD.modseq),
    )
    assert b"".join(pieces) == (
        b"* 2 FETCH (UID 7 FLAGS (\\Seen) RFC822.SIZE %d"
        b" BODY[HEADER.FIELDS (subject)] {18}\r\nSubject: outer\r\n\r\n)\r\n" % len(OCTETS)
    )


def test_a_preview_is_cut_to_what_a_list_may_show() -> None:
    talkative = msgspec.structs.replace(RECORD, preview="ü" * 1_000)
    pieces = fetch.full(
        request(b"(PREVIEW)"),
        talkative,
        None,
        number=2,
        current=MessageState(RECORD.uid, RECORD.flags, RECORD.modseq),
    )
    assert b"".join(pieces).decode().count("ü") == 200  # of 256 that RFC 8970 section 3.3 allows


@pytest.mark.parametrize(
    ("text", "in_view", "needs_octets", "marks_seen"),
    [
        (b"(UID FLAGS)", True, False, False),
        (b"FAST", False, False, False),
        (b"BODY.PEEK[HEADER]", False, False, False),
        (b"BODY[HEADER]", False, False, True),
        (b"BODY.PEEK[1.MIME]", False, True, False),
        (b"RFC822", False, True, True),
        (b"RFC822.HEADER", False, False, False),
    ],
)
def test_a_request_knows_what_it_costs(
    text: bytes, *, in_view: bool, needs_octets: bool, marks_seen: bool
) -> None:
    asked = request(text)
    assert (asked.in_view, asked.needs_octets, asked.marks_seen) == (in_view, needs_octets, marks_seen)


def test_body_without_brackets_is_the_structure_and_marks_nothing() -> None:
    asked = request(b"BODY")
    assert asked == Request(frozenset({Attribute.BODY}))
    assert not asked.marks_seen


@pytest.mark.parametrize(
    "text",
    [
        b"BODY[",
        b"BODY[X]",
        b"BODY[0]",
        b"BODY[1..2]",
        b"BODY[MIME]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (a:b)]",
        b"BODY[]<1>",
        b"BODY[]<1.0>",
        b"BODY.PEEK",
        b"RFC822.PEEK",
        b"()",
        b"(FLAGS  UID)",
        b"(ALL)",
        b"ALL FAST",
        b"(" + b" ".join([b"BODY.PEEK[]"] * 33) + b")",
    ],
)
def test_what_is_malformed_is_bad(text: bytes) -> None:
    with pytest.raises(Bad):
        request(text)
