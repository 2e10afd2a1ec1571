# SPDX-License-Identifier: Apache-2.0
"""Laws of the reader: it agrees with the writer and with Python's ``email``, and no octets break it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialogues import mail
from vvm.message.reader import ReadLimits, Unreadable, read_message
from vvm.message.writer import VoiceMessage, compose

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = ReadLimits()
TEXTS = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=60
)
PIECES = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b"\n",
            b"--q",
            b"--q--",
            b"--q\r\n\r\n",
            b"Content-Type: multipart/mixed; boundary=q\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"From: a@b, <c@d>\r\n",
            b"Subject: \xff\r\n",
            b" folded",
            b"text",
        ]
    )
    | st.binary(max_size=12),
    max_size=20,
)


@settings(max_examples=100)
@given(audio=st.binary(max_size=300), transcript=st.none() | TEXTS.filter(bool))
def test_what_the_writer_says_of_a_message_the_reader_finds(audio: bytes, transcript: str | None) -> None:
    written = compose(
        VoiceMessage(
            audio=audio,
            seconds=1,
            caller="+33698765432",
            recipient="+33612345678",
            domain="vvm.example.net",
            received_at=NOW,
            message_id="m1",
            transcript=transcript,
        )
    )
    found = read_message(written.octets, LIMITS)
    assert found.header_size == written.header_size
    assert (found.envelope, found.body, found.body_structure) == (
        written.envelope,
        written.body,
        written.body_structure,
    )
    assert found.parts == written.parts
    assert found.content(found.leaves[0]) == audio


@settings(max_examples=100)
@given(texts=st.lists(TEXTS.map(str.strip).filter(bool), min_size=1, max_size=4), data=st.data())
def test_what_python_writes_the_reader_finds_as_python_does(texts: list[str], data: st.DataObject) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = "a@example.net"
    message["Date"] = NOW
    message.set_content(
        texts[0] + "\n", cte=data.draw(st.sampled_from(["7bit", "base64", "quoted-printable"]))
    )
    for index, text in enumerate(texts[1:]):
        message.add_attachment(text.encode(), "audio", "amr", filename=f"{index}.amr")
    octets = message.as_bytes()
    found, expected = read_message(octets, LIMITS), mail.record(1, octets, frozenset(), 1, NOW)
    assert (found.envelope, found.body, found.body_structure) == (
        expected.envelope,
        expected.body,
        expected.body_structure,
    )
    assert [(span.number, span.mime_start, span.body_start, span.body_end) for span in found.parts] == [
        (span.number, span.mime_start, span.body_start, span.body_end) for span in expected.parts
    ]


@settings(max_examples=300)
@given(PIECES)
def test_any_octets_are_a_message_or_refused(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    try:
        found = read_message(octets, LIMITS)
    except Unreadable:
        return
    assert found.octets == octets
    assert len({span.number for span in found.parts}) == len(found.parts)
    for span in found.parts:
        assert 0 <= span.mime_start <= span.body_start <= span.body_end <= len(octets)
    for part in found.leaves:
        try:
            found.content(part)
        except Unreadable:
            continue
