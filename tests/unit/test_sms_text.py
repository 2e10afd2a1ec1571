# SPDX-License-Identifier: Apache-2.0
"""Alphabets, headers and segments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sms_gateway.port import Coding, InboundSegment
from sms_gateway.text import coding, gsm7, udh
from sms_gateway.text.reassembly import Reassembly
from sms_gateway.text.segments import TooLong, cut
from sms_gateway.text.udh import BadHeader, Concatenation, Header, Ports

STATUS = (
    "//VVM:STATUS:st=R;rc=0;srv=imap.vvm.example.com;tui=+15550100;dn=5511;ipt=143;spt=25;"
    "u=15551230001@vvm.example.com;pw=Abcdefgh12345678;lang=eng,fra;g_len=180;vs_len=10;pw_len=4-8"
)

# The user data of the SMS-DELIVER in AOSP's own test of its VVM filter: a carrier's SYNC in packed
# GSM 7-bit behind a port header, 0x53 septets in all.
AOSP = bytes.fromhex(
    "06050407100101af97d5dad44db3cea1ae6cef399bbb34b917a3cd76e39e6d47efd977f35e2c168bc562b1582c16"
    "db91e93dd8ed059bbd64b0d80d14c3e96237500b8683c176ec1e0d"
)


def unpacked(user_data: bytes, septets: int, header_bytes: int) -> bytes:
    """What an SMSC does for its ESMEs: one septet an octet, fill bits dropped (TS 23.040 9.2.3.24)."""
    bits = int.from_bytes(user_data, "little")
    first = -(-header_bytes * 8 // 7)
    return bytes(bits >> 7 * index & 0x7F for index in range(first, septets))


def test_the_sync_of_aosps_own_test_is_read() -> None:
    header, _ = udh.decode(AOSP)
    assert header == Header(Ports(1808, 257))
    assert coding.text(unpacked(AOSP, 0x53, 7), 0x00) == (
        "//VVM:SYNC:ev=NM;id=143;c=6;t=v;s=11111111111;dt=07/03/2017 18:17 -0800;l=4"
    )


# rows: SMS-06 SMS-09 SMS-10
def test_a_status_is_cut_into_two_segments_octet_for_octet() -> None:
    first, second = cut(STATUS, coding=Coding.OCTETS, port=5499, reference=0x5A)
    assert first.user_data == bytes.fromhex("0b0504157b000000035a0201") + STATUS[:128].encode()
    assert second.user_data == bytes.fromhex("0b0504157b000000035a0202") + STATUS[128:].encode()
    assert len(first.user_data) == 140
    assert first.has_header
    assert second.has_header


# rows: SMS-06 SMS-10
@pytest.mark.parametrize(
    ("kind", "port", "single", "each"),
    [
        (Coding.OCTETS, 5499, 133, 128),
        (Coding.OCTETS, 0, 140, 134),
        (Coding.GSM7, 5499, 152, 146),
        (Coding.GSM7, 0, 160, 153),
        (Coding.UCS2, 5499, 66, 64),
        (Coding.UCS2, 0, 70, 67),
    ],
)
def test_a_segment_holds_as_many_characters_as_the_radio(
    kind: Coding, port: int, single: int, each: int
) -> None:
    (whole,) = cut("x" * single, coding=kind, port=port, reference=1)
    assert whole.has_header is bool(port)
    segments = cut("x" * (single + 1), coding=kind, port=port, reference=1)
    unit = 2 if kind is Coding.UCS2 else 1
    assert [len(udh.decode(part.user_data)[1]) // unit for part in segments] == [each, single + 1 - each]


# rows: SMS-11
@pytest.mark.parametrize(
    ("kind", "character"), [(Coding.OCTETS, "é"), (Coding.GSM7, "€"), (Coding.UCS2, "\N{TELEPHONE RECEIVER}")]
)
def test_a_character_is_never_parted(kind: Coding, character: str) -> None:
    text = "x" + character * 100
    for segment in cut(text, coding=kind, port=5499, reference=1):
        _, octets = udh.decode(segment.user_data)
        number = {Coding.OCTETS: 0x04, Coding.GSM7: 0x00, Coding.UCS2: 0x08}[kind]
        assert set(coding.text(octets, number) or "?") <= {"x", character}


def test_a_text_of_more_than_255_segments_is_refused() -> None:
    assert len(cut("x" * 128 * 255, coding=Coding.OCTETS, port=5499, reference=1)) == 255
    with pytest.raises(TooLong):
        cut("x" * (128 * 255 + 1), coding=Coding.OCTETS, port=5499, reference=1)


def test_what_gsm7_cannot_say_is_refused() -> None:
    with pytest.raises(gsm7.NotInAlphabet, match="at 2"):
        cut("ok\N{TELEPHONE RECEIVER}", coding=Coding.GSM7, port=0, reference=1)


def test_the_whole_gsm7_alphabet_comes_back() -> None:
    text = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡§¿äöñüàÄÖÑÜ\f^{}\\[~]|€"
    assert gsm7.decode(gsm7.encode(text)) == text
    assert gsm7.encode("@_€") == b"\x00\x11\x1b\x65"


def test_an_unknown_gsm7_extension_falls_back_to_the_basic_table() -> None:
    assert gsm7.decode(b"a\x1bAb") == "aAb"
    assert gsm7.decode(b"a\x1b\x1bb") == "a b"


@pytest.mark.parametrize(
    ("data_coding", "kind"),
    [
        (0x00, Coding.GSM7),
        (0x01, Coding.OCTETS),
        (0x04, Coding.OCTETS),
        (0x08, Coding.UCS2),
        (0x15, Coding.OCTETS),
        (0x18, Coding.UCS2),
        (0x11, Coding.GSM7),
        (0xF5, Coding.OCTETS),
        (0xF0, Coding.GSM7),
        (0xC8, Coding.GSM7),
        (0xE0, Coding.UCS2),
        (0x85, Coding.OCTETS),
    ],
)
def test_every_data_coding_has_an_answer(data_coding: int, kind: Coding) -> None:
    assert coding.of(data_coding) is kind


def test_octets_that_are_no_text_have_none() -> None:
    assert coding.text(b"\xff\xfe", 0x04) is None
    assert coding.text(b"\x80", 0x00) is None
    assert coding.text(b"\xd8\x00", 0x08) is None
    assert coding.text(b"caf\xe9", 0x03) == "café"


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        ("06 0504 157b 0000", Header(Ports(5499))),
        ("04 0402 f0f1", Header(Ports(240, 241))),
        ("05 0003 5a0201", Header(concatenation=Concatenation(0x5A, 2, 1))),
        ("06 0804 1234 0202", Header(concatenation=Concatenation(0x1234, 2, 2))),
        ("0b 0504 157b 0000 0003 5a0201", Header(Ports(5499), Concatenation(0x5A, 2, 1))),
        ("0b 0003 5a0201 0504 157b 0000", Header(Ports(5499), Concatenation(0x5A, 2, 1))),
        ("0c 0504 157b 0000 0804 1234 0202", Header(Ports(5499), Concatenation(0x1234, 2, 2))),
        ("04 7002 0102", Header()),
        ("05 0003 5a0200", Header()),
        ("05 0003 5a0203", Header()),
        ("04 0502 157b", Header()),
        ("0c 0504 0001 0000 0504 157b 0000", Header(Ports(5499))),
        ("00", Header()),
    ],
)
def test_headers_are_read_in_any_order_and_what_makes_no_sense_is_skipped(
    octets: str, header: Header
) -> None:
    assert udh.decode(bytes.fromhex(octets) + b"text") == (header, b"text")


@pytest.mark.parametrize("octets", ["", "05", "06 0504 157b 00", "03 0504 15", "01 05", "ff"])
def test_a_header_whose_lengths_do_not_add_up_is_an_error(octets: str) -> None:
    with pytest.raises(BadHeader):
        udh.decode(bytes.fromhex(octets))


NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def piece(number: int, *, key: str = "a", handset: str = "", at: datetime = NOW) -> InboundSegment:
    octets = f"{key}{number}".encode()
    return InboundSegment(
        key=handset + key,
        handset=handset,
        number=number,
        total=2,
        octets=octets,
        received_at=at,
        expires_at=at + HOUR,
    )


def test_segments_are_joined_in_order_whichever_comes_first() -> None:
    joining = Reassembly()
    assert joining.add(piece(2), limit=10, each=10) == ()
    assert joining.add(piece(2), limit=10, each=10) == ()
    assert joining.add(piece(1), limit=10, each=10) == [b"a1", b"a2"]


def test_a_whole_sms_stays_until_it_is_in_safe_hands() -> None:
    joining = Reassembly()
    joining.add(piece(1), limit=10, each=10)
    assert (
        joining.add(piece(2), limit=10, each=10) == joining.add(piece(2), limit=10, each=10) == [b"a1", b"a2"]
    )
    joining.forget("a")
    assert joining.add(piece(2), limit=10, each=10) == ()


def test_unfinished_sms_expire() -> None:
    joining = Reassembly()
    joining.add(piece(1), limit=10, each=10)
    assert joining.add(piece(2, at=NOW + HOUR), limit=10, each=10) == ()
    assert len(joining) == 1


def test_the_oldest_unfinished_sms_makes_room() -> None:
    joining = Reassembly()
    for key in ("a", "b", "c"):
        joining.add(piece(1, key=key), limit=2, each=2)
    assert len(joining) == 2
    assert joining.add(piece(2, key="c"), limit=2, each=2) == [b"c1", b"c2"]
    assert joining.add(piece(2, key="a"), limit=2, each=2) == ()


def test_a_handset_that_never_finishes_its_sms_takes_the_room_of_no_other() -> None:
    joining = Reassembly()
    joining.add(piece(1, handset="alice"), limit=10, each=2)
    for key in ("a", "b", "c"):
        joining.add(piece(1, key=key, handset="bob"), limit=10, each=2)
    assert len(joining) == 3
    assert joining.add(piece(2, handset="alice"), limit=10, each=2) == [b"a1", b"a2"]
    assert joining.add(piece(2, key="c", handset="bob"), limit=10, each=2) == [b"c1", b"c2"]
    assert joining.add(piece(2, key="a", handset="bob"), limit=10, each=2) == ()
