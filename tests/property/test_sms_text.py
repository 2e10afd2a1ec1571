# SPDX-License-Identifier: Apache-2.0
"""Laws of alphabets, headers, segments and reassembly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sms_gateway.port import Coding, InboundSegment
from sms_gateway.text import coding, gsm7, udh
from sms_gateway.text.reassembly import Reassembly
from sms_gateway.text.segments import RADIO_OCTETS, cut
from sms_gateway.text.udh import BadHeader, Concatenation, Header, Ports

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DATA_CODING = {Coding.OCTETS: 0x04, Coding.GSM7: 0x00, Coding.UCS2: 0x08}
GSM7_TEXT = st.text(gsm7.decode(bytes(n for n in range(128) if n != 0x1B)) + "€[]{}~|^\\", max_size=400)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
PORT = st.integers(0, 0xFFFF)


@given(GSM7_TEXT)
def test_gsm7_gives_the_text_back(text: str) -> None:
    assert gsm7.decode(gsm7.encode(text)) == text


@given(st.binary(max_size=50), st.integers(0, 255))
def test_any_octets_in_any_coding_are_text_or_none(octets: bytes, data_coding: int) -> None:
    text = coding.text(octets, data_coding)
    assert text is None or isinstance(text, str)


CONCATENATION = st.integers(1, 255).flatmap(
    lambda total: st.builds(Concatenation, st.integers(0, 0xFFFF), st.just(total), st.integers(1, total))
)
HEADER = st.builds(Header, st.none() | st.builds(Ports, PORT, PORT), st.none() | CONCATENATION)


@given(HEADER.filter(lambda header: header != Header()), st.binary(max_size=10))
def test_a_header_is_read_as_it_was_written(header: Header, rest: bytes) -> None:
    assert udh.decode(udh.encode(header) + rest) == (header, rest)


@given(st.binary(max_size=60))
def test_reading_a_header_raises_nothing_but_its_own_error(octets: bytes) -> None:
    try:
        _, rest = udh.decode(octets)
    except BadHeader:
        return
    assert octets.endswith(rest)


def check(text: str, kind: Coding, port: int, reference: int, order: st.DataObject) -> None:
    segments = cut(text, coding=kind, port=port, reference=reference)
    joining = Reassembly()
    pieces = []
    for segment in segments:
        header, octets = (
            udh.decode(segment.user_data) if segment.has_header else (Header(), segment.user_data)
        )
        header_bytes = len(segment.user_data) - len(octets)
        on_air = -(-len(octets) * 7 // 8) if kind is Coding.GSM7 else len(octets)
        assert header_bytes + on_air <= RADIO_OCTETS
        assert (header.ports.destination if header.ports else 0) == port
        assert coding.text(octets, DATA_CODING[kind]) is not None, "a character was parted"
        pieces.append((header.concatenation, octets))
    if len(pieces) == 1:
        assert coding.text(pieces[0][1], DATA_CODING[kind]) == text
        return
    whole: Sequence[bytes] = ()
    for part, octets in order.draw(st.permutations(pieces)):
        assert whole == ()
        assert part is not None
        whole = joining.add(
            InboundSegment(
                key="one",
                handset="",
                number=part.number,
                total=part.total,
                octets=octets,
                received_at=NOW,
                expires_at=NOW + timedelta(hours=1),
            ),
            limit=1,
            each=1,
        )
    assert coding.text(b"".join(whole), DATA_CODING[kind]) == text


@given(GSM7_TEXT, PORT, st.integers(0, 255), st.data())
def test_a_gsm7_text_comes_back_from_its_segments_in_any_order(
    text: str, port: int, reference: int, order: st.DataObject
) -> None:
    check(text, Coding.GSM7, port, reference, order)


@given(ANY_TEXT, st.sampled_from([Coding.OCTETS, Coding.UCS2]), PORT, st.integers(0, 255), st.data())
def test_any_text_comes_back_from_its_segments_in_any_order(
    text: str, kind: Coding, port: int, reference: int, order: st.DataObject
) -> None:
    check(text, kind, port, reference, order)
