# SPDX-License-Identifier: Apache-2.0
"""BINARY (RFC 3516): a phone fetches its audio without base64, a quarter fewer octets."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imap_server import fetch, transfer
from imap_server.backend import MessageRecord, MessageState
from imap_server.commands import fetch as command
from imap_server.errors import Bad, No
from imap_server.fetch import Request
from imap_server.wire.lexer import Lexer
from tests.dialogues import mail

AUDIO = b"#!AMR\n\x00\xff" + bytes(range(256)) * 4
TEXT = "caf\u00e9 = two\r\n"


def message() -> bytes:
    """Audio in base64, text in quoted-printable, text as it is."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "three parts"
    made.set_content(TEXT, cte="quoted-printable")
    made.add_attachment(AUDIO, "audio", "amr", filename="a.amr")
    made.add_attachment("plain\r\n", cte="7bit")
    return made.as_bytes()


OCTETS = message()
RECORD: MessageRecord = mail.record(7, OCTETS, frozenset(), 3, datetime(2026, 3, 7, tzinfo=UTC))


def request(text: bytes) -> Request:
    return command.parse(Lexer((b" 1 " + text + b"\r\n",))).request


def answer(text: bytes, octets: bytes = OCTETS, record: MessageRecord = RECORD) -> bytes:
    state = MessageState(7, frozenset(), 3)
    line = b"".join(fetch.full(request(text), record, octets, number=1, current=state))
    return line.removeprefix(b"* 1 FETCH (").removesuffix(b")\r\n")


def test_audio_comes_as_it_was_recorded_in_a_literal8_because_of_its_nul() -> None:
    assert answer(b"BINARY[2]") == b"BINARY[2] ~{%d}\r\n" % len(AUDIO) + AUDIO


def test_text_without_nul_comes_in_a_plain_literal() -> None:
    assert answer(b"BINARY.PEEK[1]") == b"BINARY[1] {13}\r\n" + TEXT.encode()
    assert answer(b"BINARY[3]") == b"BINARY[3] {7}\r\nplain\r\n"


def test_the_size_is_that_of_the_decoded_octets() -> None:
    assert answer(b"(BINARY.SIZE[2] BINARY.SIZE[1])") == b"BINARY.SIZE[2] %d BINARY.SIZE[1] 13" % len(AUDIO)


def test_a_partial_counts_decoded_octets() -> None:
    assert answer(b"BINARY[2]<2.4>") == b"BINARY[2]<2> {4}\r\nAMR\n"


def test_the_message_itself_has_nothing_to_decode() -> None:
    assert answer(b"BINARY[]") == b"BINARY[] {%d}\r\n" % len(OCTETS) + OCTETS


def test_a_part_that_is_not_there_is_nil_and_has_no_size() -> None:
    assert answer(b"(BINARY[9] BINARY.SIZE[9])") == b"BINARY[9] NIL BINARY.SIZE[9] 0"


def test_only_peek_and_size_leave_a_message_unseen() -> None:
    assert request(b"BINARY[1]").marks_seen
    assert not request(b"(BINARY.PEEK[1] BINARY.SIZE[1])").marks_seen


def test_an_unknown_encoding_is_refused_with_its_code() -> None:
    octets = OCTETS.replace(b"Encoding: base64", b"Encoding: x-what")
    with pytest.raises(No) as refused:
        answer(b"BINARY[2]", octets, mail.record(7, octets, frozenset(), 3, RECORD.internal_date))
    assert refused.value.code == "UNKNOWN-CTE"


def test_an_unknown_encoding_is_refused_before_anything_is_answered() -> None:
    octets = OCTETS.replace(b"Encoding: base64", b"Encoding: x-what")
    record = mail.record(7, octets, frozenset(), 3, RECORD.internal_date)
    asked = request(b"(UID BODY[] BINARY.SIZE[2])")
    pieces = fetch.full(asked, record, octets, number=1, current=MessageState(7, frozenset(), 3))
    with pytest.raises(No):
        next(pieces)


def test_parts_that_claim_to_be_encoded_inside_each_other_are_not_multiplied() -> None:
    around, within = (msgspec.structs.replace(RECORD.parts[1], number=number) for number in ("2", "2.1"))
    nested = msgspec.structs.replace(RECORD, size=len(AUDIO) * 2, parts=(around, within))
    with pytest.raises(No) as refused:
        answer(b"(BINARY[2] BINARY[2.1])", record=nested)
    assert refused.value.code == "UNKNOWN-CTE"
    assert answer(b"(BINARY.SIZE[2] BINARY.PEEK[2]<0.5>)", record=nested).endswith(b" {5}\r\n" + AUDIO[:5])


@pytest.mark.parametrize("text", [b"BINARY[HEADER]", b"BINARY[1.MIME]", b"BINARY.SIZE[1]<0.5>", b"BINARY"])
def test_what_is_no_part_is_refused(text: bytes) -> None:
    with pytest.raises(Bad):
        request(text)


@given(st.binary(max_size=300))
def test_what_python_encodes_in_base64_is_decoded(octets: bytes) -> None:
    made = EmailMessage(policy=SMTP)
    made.set_content(octets, "audio", "amr")
    head, _, body = made.as_bytes().partition(b"\r\n\r\n")
    assert transfer.decoded(body, transfer.encoding(head)) == octets


@given(st.binary(max_size=200), st.sampled_from([b"base64", b"quoted-printable", b"7bit", b"x-uuencode"]))
def test_noise_is_decoded_or_refused(content: bytes, named: bytes) -> None:
    try:
        assert len(transfer.decoded(content, named)) <= len(content)
    except transfer.UnknownEncoding:
        assert named in {b"base64", b"x-uuencode"}
