# SPDX-License-Identifier: Apache-2.0

"""Whatever a caller brings: Python's mail parser finds the same message that our FETCH data describe."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from hypothesis import given
from hypothesis import strategies as st

from vvm.message.writer import Composed, VoiceMessage, compose

Tree = bytes | int | None | list["Tree"]

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MESSAGES = st.builds(
    VoiceMessage,
    audio=st.binary(max_size=300),
    seconds=st.integers(1, 10**6),
    caller=st.none() | st.text(max_size=80) | st.from_regex(r"\+[0-9]{8,15}", fullmatch=True),
    recipient=st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True),
    domain=st.sampled_from(["vvm.example.net", "a.b", "x-1.example"]),
    received_at=st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=ZONES),  # noqa: DTZ001 - the strategy adds the zone
    message_id=st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True),
    transcript=st.none() | st.text(st.characters(codec="utf-8"), max_size=200),
)
ENVELOPE_FIELDS = 10


def imap_tree(octets: bytes) -> Tree:
    """Read one parenthesised value of RFC 3501; fails unless it is balanced and used up."""
    value, position = _value(octets, 0)
    assert position == len(octets)
    return value


def _value(octets: bytes, at: int) -> tuple[Tree, int]:
    if octets[at : at + 1] == b"(":
        items: list[Tree] = []
        at += 1
        while octets[at : at + 1] != b")":
            at += octets[at : at + 1] == b" "
            item, at = _value(octets, at)
            items.append(item)
        return items, at + 1
    if literal := re.compile(rb"\{(\d+)\}\r\n").match(octets, at):
        end = literal.end() + int(literal[1])
        return octets[literal.end() : end], end
    if quoted := re.compile(rb'"([^"\\\r\n]*)"').match(octets, at):
        return quoted[1], quoted.end()
    atom = re.compile(rb"NIL|\d+").match(octets, at)
    assert atom, octets[at:]
    return None if atom[0] == b"NIL" else int(atom[0]), atom.end()


def parsed(composed: Composed) -> Message[str, str]:
    return message_from_bytes(composed.octets)


def parts_of(message: Message[str, str]) -> list[Message[str, str]]:
    return [part for part in message.walk() if not part.is_multipart()]


# rows: MSG-01 MSG-02 MSG-04 MSG-05 MIME-01 MIME-04 MIME-05 MIME-06
@given(MESSAGES)
def test_a_mail_parser_gives_audio_transcript_and_facts_back(message: VoiceMessage) -> None:
    mail = parsed(compose(message))
    assert mail.defects == []
    assert mail.keys() == [
        "Date",
        "From",
        "To",
        "Message-ID",
        "Message-Context",
        "Content-Duration",
        "MIME-Version",
        "Content-Type",
    ]
    assert parsedate_to_datetime(mail["Date"]) == message.received_at.replace(microsecond=0)
    assert parsedate_to_datetime(mail["Date"]).utcoffset() == message.received_at.utcoffset()
    assert parseaddr(mail["To"])[1] == f"{message.recipient}@{message.domain}"
    assert parseaddr(mail["From"])[1].split("@")[1] in {message.domain, "invalid"}
    assert int(mail["Content-Duration"]) == message.seconds
    assert mail.get_content_type() == "multipart/mixed"
    audio, *texts = parts_of(mail)
    assert audio.get_content_type() == "audio/amr"
    assert audio.get_filename() == "voicemail.amr"
    assert audio.get_payload(decode=True) == message.audio
    assert int(audio["X-AppleVM-Duration"]) == message.seconds
    assert [text.get_payload(decode=True) for text in texts] == (
        [message.transcript.encode()] if message.transcript else []
    )
    assert all(text.get_content_charset() == "utf-8" for text in texts)
    assert all("Content-Disposition" not in text for text in texts)


# rows: FET-07 MIME-02 MIME-03
@given(MESSAGES)
def test_offsets_cut_exactly_what_a_mail_parser_finds(message: VoiceMessage) -> None:
    composed = compose(message)
    mail = parsed(composed)
    assert composed.octets[: composed.header_size].endswith(b"\r\n\r\n")
    assert composed.octets.index(b"\r\n\r\n") + 4 == composed.header_size
    for number, (span, part) in enumerate(zip(composed.parts, parts_of(mail), strict=True), 1):
        assert span.number == str(number)
        header = composed.octets[span.mime_start : span.body_start]
        assert message_from_bytes(header).items() == part.items()
        assert composed.octets[span.body_start : span.body_end].decode() == part.get_payload()
        assert not re.search(rb"\r\n[ \t]", header)


# rows: MIME-02
@given(MESSAGES)
def test_the_boundary_stands_in_the_header_once_and_then_in_delimiters_only(message: VoiceMessage) -> None:
    composed = compose(message)
    boundary = parsed(composed).get_boundary()
    assert boundary is not None
    pieces = composed.octets.split(boundary.encode())
    assert len(pieces) == len(composed.parts) + 3
    assert all(piece.endswith(b"\r\n--") for piece in pieces[1:-1])
    assert pieces[-1] == b"--\r\n"


# rows: MIME-03
@given(MESSAGES)
def test_every_line_is_short_ascii_and_ends_with_crlf(message: VoiceMessage) -> None:
    lines = compose(message).octets.split(b"\r\n")
    assert all(len(line) <= 998 and line.isascii() for line in lines)
    assert not any(re.search(rb"[\r\n\0]", line) for line in lines)


# rows: FET-08
@given(MESSAGES)
def test_the_envelope_says_what_a_mail_parser_reads(message: VoiceMessage) -> None:
    composed = compose(message)
    mail = parsed(composed)
    envelope = imap_tree(composed.envelope)
    assert isinstance(envelope, list)
    assert len(envelope) == ENVELOPE_FIELDS
    sender = [[None, None, *parseaddr(mail["From"])[1].encode().split(b"@")]]
    recipient = [[None, None, *parseaddr(mail["To"])[1].encode().split(b"@")]]
    assert envelope == [
        mail["Date"].encode(),
        None,
        sender,
        sender,
        sender,
        recipient,
        None,
        None,
        None,
        mail["Message-ID"].encode(),
    ]


# rows: FET-08 MIME-01
@given(MESSAGES)
def test_the_body_structures_say_what_a_mail_parser_reads(message: VoiceMessage) -> None:
    composed = compose(message)
    mail = parsed(composed)
    basic = [_described(part) for part in parts_of(mail)]
    boundary = mail.get_boundary()
    assert boundary is not None
    assert imap_tree(composed.body) == [*basic, b"mixed"]
    extended = [
        [*described, None, _disposition(part), None, None]
        for described, part in zip(basic, parts_of(mail), strict=True)
    ]
    assert imap_tree(composed.body_structure) == [
        *extended,
        b"mixed",
        [b"boundary", boundary.encode()],
        None,
        None,
        None,
    ]


def _described(part: Message[str, str]) -> list[Tree]:
    """The fields of a leaf up to its size, and the lines of a text part."""
    payload = part.get_payload()
    assert isinstance(payload, str)
    charset = part.get_content_charset()
    parameters: Tree = None if charset is None else [b"charset", charset.encode()]
    kind, encoding = part.get_content_maintype(), part["Content-Transfer-Encoding"]
    lines: list[Tree] = [len(payload.splitlines())] if kind == "text" else []
    return [
        kind.encode(),
        part.get_content_subtype().encode(),
        parameters,
        None,
        None,
        encoding.encode(),
        len(payload),
        *lines,
    ]


def _disposition(part: Message[str, str]) -> Tree:
    filename = part.get_filename()
    if filename is None:
        return None
    return [str(part.get_content_disposition()).encode(), [b"filename", filename.encode()]]
