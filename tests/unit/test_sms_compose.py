# SPDX-License-Identifier: Apache-2.0
"""One SMS as each SMSC wants it: ports and segment numbers in the header or in TLVs, or one payload."""

from __future__ import annotations

import pytest

from sms_gateway.compose import Unfit, compose
from sms_gateway.port import Coding
from sms_gateway.settings import HeaderForm, SmscSettings
from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import Sm
from sms_gateway.smpp.tlv import Tag, Tlv
from sms_gateway.text import gsm7
from sms_gateway.text.udh import Concatenation, Header, Ports
from sms_gateway.user_data import read
from tests.unit.sms_world import HANDSET, LONG, SYNC, sms, world

PORTS = (Tlv(Tag.SOURCE_PORT, b"\0\0"), Tlv(Tag.DESTINATION_PORT, b"\x15\x7b"))


def composed(form: HeaderForm, text: str = SYNC, **changes: object) -> list[Sm]:
    return compose(sms(text=text, **changes), SmscSettings(header_form=form))


# rows: SMS-06 SMS-08
def test_gsm7_may_have_a_port() -> None:
    (sm,) = composed(HeaderForm.UDH, coding=Coding.GSM7)
    assert (sm.data_coding, sm.esm_class) == (0x00, 0x40)
    assert sm.short_message == bytes.fromhex("060504157b0000") + gsm7.encode(SYNC)


def test_a_header_of_8_bits_takes_the_low_octet_of_the_reference() -> None:
    first, _ = composed(HeaderForm.UDH, LONG, reference=0x1234)
    assert first.short_message.startswith(bytes.fromhex("0b0504157b0000 0003340201"))
    assert first.tlvs == ()


def test_a_header_of_16_bits_takes_all_of_it() -> None:
    first, second = composed(HeaderForm.UDH16, LONG, reference=0x1234)
    assert first.short_message.startswith(bytes.fromhex("0c0504157b0000 080412340201"))
    assert len(first.short_message) == 140
    assert second.short_message.startswith(bytes.fromhex("0c0504157b0000 080412340202"))


def test_ports_in_tlvs_leave_the_header_out() -> None:
    (sm,) = composed(HeaderForm.TLV)
    assert (sm.short_message, sm.esm_class, sm.tlvs) == (SYNC.encode(), 0, PORTS)


def test_segments_in_tlvs_leave_room_for_the_header_that_the_smsc_makes() -> None:
    first, second = composed(HeaderForm.TLV, LONG, reference=0x1234)
    assert (first.esm_class, len(first.short_message)) == (0, 127)
    assert first.short_message + second.short_message == LONG.encode()
    assert [read(sm)[0] for sm in (first, second)] == [
        Header(Ports(5499), Concatenation(0x1234, 2, number)) for number in (1, 2)
    ]


def test_a_payload_is_one_submit_however_long_it_is() -> None:
    (sm,) = composed(HeaderForm.PAYLOAD, LONG)
    assert (sm.short_message, sm.esm_class) == (b"", 0)
    assert sm.tlvs == (*PORTS, Tlv(Tag.MESSAGE_PAYLOAD, LONG.encode()))


def test_a_text_that_fits_needs_no_payload() -> None:
    (sm,) = composed(HeaderForm.PAYLOAD)
    assert (sm.short_message, sm.tlvs) == (SYNC.encode(), PORTS)


@pytest.mark.parametrize("form", list(HeaderForm))
def test_without_a_port_and_in_one_segment_there_is_no_header_at_all(form: HeaderForm) -> None:
    (sm,) = composed(form, port=0)
    assert (sm.short_message, sm.esm_class, sm.tlvs) == (SYNC.encode(), 0, ())


@pytest.mark.parametrize("form", list(HeaderForm))
def test_ports_and_numbers_never_stand_in_two_places(form: HeaderForm) -> None:
    for sm in composed(form, LONG):
        assert bool(sm.esm_class & 0x40) != bool(tlv.find(sm.tlvs, Tag.DESTINATION_PORT))


@pytest.mark.parametrize("form", list(HeaderForm))
@pytest.mark.parametrize("text", [SYNC, LONG])
async def test_the_handset_reads_the_same_in_every_form(form: HeaderForm, text: str) -> None:
    async with world(header_form=form) as it:
        it.outbox.put(sms(text=text))
        arrived = await it.received.get()
        assert (arrived.text, arrived.port, arrived.recipient) == (text, 5499, HANDSET)


def test_what_all_tables_agree_on_is_safe() -> None:
    assert gsm7.is_safe("//VVM:SYNC:ev=NM;id=3446456;dt=02/08/2008 12:53 +0200\r\n")
    for character in "@_$#^{}[]~|\\£¥è€\0":
        assert not gsm7.is_safe(character), character


@pytest.mark.parametrize(
    ("unsafe", "text", "data_coding"),
    [
        (Coding.GSM7, "u=1@x", 0x00),
        (Coding.OCTETS, "u=1@x", 0x04),
        (Coding.UCS2, "u=1@x", 0x08),
        (Coding.OCTETS, SYNC, 0x00),
        (Coding.OCTETS, "\N{TELEPHONE RECEIVER}", 0x04),
    ],
)
def test_a_text_that_a_table_garbles_may_be_sent_in_another_coding(
    unsafe: Coding, text: str, data_coding: int
) -> None:
    (sm,) = compose(sms(text=text, coding=Coding.GSM7), SmscSettings(gsm7_unsafe=unsafe))
    assert sm.data_coding == data_coding


def test_other_codings_are_never_replaced() -> None:
    (sm,) = compose(sms(text="u=1@x", coding=Coding.UCS2), SmscSettings(gsm7_unsafe=Coding.OCTETS))
    assert sm.data_coding == 0x08


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": "\N{TELEPHONE RECEIVER}", "coding": Coding.GSM7}, "not_in_alphabet"),
        ({"text": "x" * 40_000}, "too_long"),
        ({"port": 70_000}, "unencodable"),
    ],
)
@pytest.mark.parametrize("form", list(HeaderForm))
def test_what_cannot_be_said_is_told_apart(form: HeaderForm, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        compose(sms(**changes), SmscSettings(header_form=form))
