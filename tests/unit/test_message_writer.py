# SPDX-License-Identifier: Apache-2.0

"""The wire form of a voice message, octet by octet (sheet section 13)."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from vvm.message.writer import PartSpan, VoiceMessage, compose

MESSAGE = VoiceMessage(
    audio=b"#!AMR\n" + bytes(range(100)),
    seconds=4,
    caller="+15551230001",
    recipient="+15551230002",
    domain="vvm.example.net",
    received_at=datetime(2017, 3, 7, 18, 17, tzinfo=timezone(timedelta(hours=-8))),
    message_id="unique",
    transcript="Grüße",
)
HEADER = (
    b"Date: Tue, 07 Mar 2017 18:17:00 -0800\r\n"
    b"From: +15551230001@vvm.example.net\r\n"
    b"To: +15551230002@vvm.example.net\r\n"
    b"Message-ID: <unique@vvm.example.net>\r\n"
    b"Message-Context: voice-message\r\n"
    b"Content-Duration: 4\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="vvm_c2720445a452"\r\n'
    b"\r\n"
)
AUDIO_HEADER = (
    b"Content-Type: audio/amr\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b'Content-Disposition: attachment; filename="voicemail.amr"\r\n'
    b"X-AppleVM-Duration: 4\r\n"
    b"\r\n"
)
TEXT_HEADER = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"


def base64(octets: bytes) -> bytes:
    text = b64encode(octets)
    return b"\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))


# rows: MSG-01 MSG-02 MSG-04 MSG-05 MSG-07 MIME-01 MIME-02 MIME-03 MIME-05 MIME-08
def test_a_message_with_a_transcript_has_the_wire_form_of_the_sheet() -> None:
    assert compose(MESSAGE).octets == b"".join(
        [
            HEADER,
            b"--vvm_c2720445a452\r\n",
            AUDIO_HEADER,
            base64(MESSAGE.audio),
            b"\r\n--vvm_c2720445a452\r\n",
            TEXT_HEADER,
            base64("Grüße".encode()),
            b"\r\n--vvm_c2720445a452--\r\n",
        ]
    )


# rows: MIME-04
@pytest.mark.parametrize("transcript", [None, ""])
def test_without_a_transcript_there_is_no_text_part(transcript: str | None) -> None:
    composed = compose(msgspec.structs.replace(MESSAGE, transcript=transcript))
    assert composed.octets == b"".join(
        [
            HEADER,
            b"--vvm_c2720445a452\r\n",
            AUDIO_HEADER,
            base64(MESSAGE.audio),
            b"\r\n--vvm_c2720445a452--\r\n",
        ]
    )
    assert len(composed.parts) == 1


def test_half_a_character_in_a_transcript_is_a_question_mark() -> None:
    composed = compose(msgspec.structs.replace(MESSAGE, transcript="a\ud800b"))
    text = composed.parts[1]
    assert composed.octets[text.body_start : text.body_end] == base64(b"a?b")


# rows: FET-07
def test_offsets_cut_out_the_header_and_every_part() -> None:
    composed = compose(MESSAGE)
    octets = composed.octets
    assert octets[: composed.header_size] == HEADER
    audio, text = composed.parts
    assert (audio.number, text.number) == ("1", "2")
    assert octets[audio.mime_start : audio.body_start] == AUDIO_HEADER
    assert octets[audio.body_start : audio.body_end] == base64(MESSAGE.audio)
    assert octets[text.mime_start : text.body_start] == TEXT_HEADER
    assert octets[text.body_start : text.body_end] == base64("Grüße".encode())


def test_a_message_without_audio_octets_has_an_empty_part() -> None:
    composed = compose(msgspec.structs.replace(MESSAGE, audio=b"", transcript=None))
    start = composed.header_size + len(b"--vvm_c2720445a452\r\n")
    end = start + len(AUDIO_HEADER)
    assert composed.parts == (PartSpan("1", start, end, end),)


# rows: FET-08
def test_envelope_and_structures_are_ready_for_fetch() -> None:
    composed = compose(MESSAGE)
    caller = b'((NIL NIL "+15551230001" "vvm.example.net"))'
    assert composed.envelope == (
        b'("Tue, 07 Mar 2017 18:17:00 -0800" NIL %b %b %b ((NIL NIL "+15551230002" "vvm.example.net"))'
        b' NIL NIL NIL "<unique@vvm.example.net>")' % (caller, caller, caller)
    )
    assert composed.body == (
        b'(("audio" "amr" NIL NIL NIL "base64" 146)'
        b'("text" "plain" ("charset" "utf-8") NIL NIL "base64" 12 1) "mixed")'
    )
    assert composed.body_structure == (
        b'(("audio" "amr" NIL NIL NIL "base64" 146 NIL ("attachment" ("filename" "voicemail.amr")) NIL NIL)'
        b'("text" "plain" ("charset" "utf-8") NIL NIL "base64" 12 1 NIL NIL NIL NIL)'
        b' "mixed" ("boundary" "vvm_c2720445a452") NIL NIL NIL)'
    )


@pytest.mark.parametrize("caller", [None, "", "\r\n", "<>", "@@", "Привет"])
def test_a_restricted_caller_has_an_address_in_which_aosp_finds_no_number(caller: str | None) -> None:
    composed = compose(msgspec.structs.replace(MESSAGE, caller=caller))
    assert b"\r\nFrom: anonymous@invalid\r\n" in composed.octets
    assert b'((NIL NIL "anonymous" "invalid"))' in composed.envelope


# rows: MSG-02 MSG-03
@pytest.mark.parametrize(
    ("caller", "local"),
    [
        ("0267865545", b"0267865545"),
        ("*31#5551230001", b"*31#5551230001"),
        ("VOICE=+1555", b"VOICE+1555"),
        ("+1 (555) 123-0001", b"+1555123-0001"),
        ("1\r\nBcc: x@y", b"1Bccxy"),
        ("9" * 100, b"9" * 64),
    ],
)
def test_a_caller_is_what_can_be_dialled(caller: str, local: bytes) -> None:
    header = compose(msgspec.structs.replace(MESSAGE, caller=caller)).octets[: len(HEADER) + 200]
    assert b"\r\nFrom: %b@vvm.example.net\r\n" % local in header


# rows: MSG-01
def test_the_date_keeps_the_zone_of_the_moment_and_is_always_numeric() -> None:
    moment = datetime(2026, 11, 23, 7, 8, 50, tzinfo=UTC)
    composed = compose(msgspec.structs.replace(MESSAGE, received_at=moment))
    assert composed.octets.startswith(b"Date: Mon, 23 Nov 2026 07:08:50 +0000\r\n")


def test_the_same_message_gives_the_same_octets_and_another_one_another_boundary() -> None:
    assert compose(MESSAGE) == compose(MESSAGE)
    other = compose(msgspec.structs.replace(MESSAGE, message_id="other"))
    assert b"vvm_c2720445a452" not in other.octets


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", "localhost"),
        ("domain", "vvm.example.net\r\nX: y"),
        ("recipient", "+1555\r\n"),
        ("message_id", "a>\r\nX: y"),
        ("message_id", "vvm_c2720445a452"),
        ("received_at", datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)),
    ],
)
def test_a_field_of_our_own_that_no_header_can_carry_is_a_mistake(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"domain|recipient|received_at"):
        msgspec.structs.replace(MESSAGE, **{field: value})
