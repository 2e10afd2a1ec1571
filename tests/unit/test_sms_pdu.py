# SPDX-License-Identifier: Apache-2.0
"""The codec against PDUs that an independent decoder (Wireshark) found clean."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_gateway.smpp.framer import Framer, OutOfStep
from sms_gateway.smpp.pdu import (
    GENERIC_NACK,
    RESPONSE,
    Address,
    Bind,
    Command,
    Empty,
    Pdu,
    PduError,
    Raw,
    Sm,
    SmResponse,
    decode,
    encode,
    response,
)
from sms_gateway.smpp.tlv import Tag, Tlv, find, find_number
from sms_gateway.smpp.validity import relative

HANDSET = Address(1, 1, b"15551230001")
SERVICE = Address(3, 0, b"5511")

SYNC = bytes.fromhex(
    "00000097 00000004 00000000 00000002"
    "00 030035353131 00 0101 3135353531323330303031 00 40 00 00 00"
    "30303030303130303030303030303052 00 01 00 04 00 57"
    "06 05 04 157b 0000"
    "2f2f56564d3a53594e433a65763d4e4d3b69643d333434363435363b633d313b743d763b733d3031323334353637"
    "3839383b64743d30322f30382f323030382031323a3533202b303230303b6c3d3330"
)
ACTIVATE = (
    bytes.fromhex("00000061 00000005 00000000 00000001 00 0101")
    + b"15551230001\0"
    + bytes.fromhex("0300")
    + b"5511\0"
    + bytes.fromhex("40 00 00 00 00 00 00 04 00 31 06 05 04 157b 0000")
    + b"Activate:pv=13;ct=google.vvm;pt=5499;//VVM"
)


def test_a_single_sync_is_written_octet_for_octet() -> None:
    text = b"//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
    sm = Sm(
        source=SERVICE,
        destination=HANDSET,
        short_message=bytes.fromhex("060504157b0000") + text,
        esm_class=0x40,
        validity=relative(timedelta(days=1)),
        registered_delivery=1,
        data_coding=4,
    )
    assert encode(Pdu(Command.SUBMIT_SM, 2, sm)) == SYNC
    assert decode(SYNC) == Pdu(Command.SUBMIT_SM, 2, sm)


def test_an_activate_from_a_handset_is_read() -> None:
    pdu = decode(ACTIVATE)
    assert isinstance(pdu.body, Sm)
    assert (pdu.command, pdu.sequence) == (Command.DELIVER_SM, 1)
    assert (pdu.body.source, pdu.body.destination) == (HANDSET, SERVICE)
    assert pdu.body.esm_class == 0x40
    assert pdu.body.short_message.endswith(b"Activate:pv=13;ct=google.vvm;pt=5499;//VVM")


def test_a_deliver_sm_is_answered_with_an_empty_message_id() -> None:
    answer = encode(response(decode(ACTIVATE)))
    assert answer == bytes.fromhex("00000011 80000005 00000000 00000001 00")


def test_the_tlvs_of_a_receipt_are_found() -> None:
    sm = Sm(
        HANDSET,
        SERVICE,
        esm_class=4,
        tlvs=(Tlv(Tag.RECEIPTED_MESSAGE_ID, b"0000000A\0"), Tlv(Tag.MESSAGE_STATE, b"\x02")),
    )
    octets = encode(Pdu(Command.DELIVER_SM, 7, sm))
    assert octets.endswith(bytes.fromhex("001e 0009 303030303030304100 0427 0001 02"))
    body = decode(octets).body
    assert isinstance(body, Sm)
    assert find(body.tlvs, Tag.RECEIPTED_MESSAGE_ID) == b"0000000A\0"
    assert find_number(body.tlvs, Tag.MESSAGE_STATE) == 2
    assert find(body.tlvs, 0x1400) is None


def test_a_bind_is_written_with_version_3_4() -> None:
    octets = encode(Pdu(Command.BIND_TRANSCEIVER, 1, Bind(b"vvm", b"secret")))
    assert octets == bytes.fromhex("00000020 00000009 00000000 00000001") + b"vvm\0secret\0\0\x34\0\0\0"


def test_an_error_response_may_have_no_body() -> None:
    octets = bytes.fromhex("00000010 80000004 00000058 00000009")
    assert decode(octets) == Pdu(Command.SUBMIT_SM | RESPONSE, 9, SmResponse(), status=0x58)


def test_an_unknown_command_is_kept_as_it_is() -> None:
    octets = bytes.fromhex("00000012 00010203 00000000 00000009 cafe")
    assert decode(octets) == Pdu(0x00010203, 9, Raw(b"\xca\xfe"))
    assert encode(decode(octets)) == octets


def test_values_that_no_specification_has_survive() -> None:
    sm = Sm(Address(7, 2, b"\xc3\xa9"), HANDSET, data_coding=0xF5, tlvs=(Tlv(0x1400, b"\xff"),))
    pdu = Pdu(Command.DELIVER_SM, 3, sm, status=0x40B)
    assert decode(encode(pdu)) == pdu


def test_a_generic_nack_has_no_body() -> None:
    assert encode(Pdu(GENERIC_NACK, 5, Empty(), status=3)).hex() == "00000010800000000000000300000005"


@pytest.mark.parametrize("cut", [17, 30, 44, 60, 100, 150])
def test_a_body_that_is_cut_short_names_its_command_and_sequence(cut: int) -> None:
    with pytest.raises(PduError) as caught:
        decode(SYNC[:cut])
    assert (caught.value.command, caught.value.sequence) == (Command.SUBMIT_SM, 2)


def test_octets_after_the_last_whole_tlv_are_an_error() -> None:
    with pytest.raises(PduError, match="TLV"):
        decode(ACTIVATE + b"\x14\x00\x00\x05abc")
    with pytest.raises(PduError, match="TLV"):
        decode(ACTIVATE + b"\x14")


@pytest.mark.parametrize(
    "body",
    [
        Sm(SERVICE, HANDSET, short_message=bytes(256)),
        Sm(SERVICE, HANDSET, service_type=b"a\0b"),
        Sm(Address(256, 0, b"1"), HANDSET),
        Sm(SERVICE, HANDSET, data_coding=-1),
        Sm(SERVICE, HANDSET, tlvs=(Tlv(0x10000, b""),)),
        Sm(SERVICE, HANDSET, tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, bytes(65536)),)),
    ],
)
def test_what_does_not_fit_its_field_is_not_written(body: Sm) -> None:
    with pytest.raises(PduError):
        encode(Pdu(Command.SUBMIT_SM, 1, body))


def test_a_frame_waits_for_its_last_octet() -> None:
    framer = Framer(max_pdu_bytes=1024)
    framer.feed(SYNC[:-1])
    assert list(framer.frames()) == []
    framer.feed(SYNC[-1:] + SYNC + SYNC[:3])
    assert list(framer.frames()) == [SYNC, SYNC]


@pytest.mark.parametrize("length", [0, 15, 1025, 0xFFFFFFFF])
def test_a_length_that_cannot_be_true_costs_the_link(length: int) -> None:
    framer = Framer(max_pdu_bytes=1024)
    framer.feed(SYNC + length.to_bytes(4, "big"))
    frames = framer.frames()
    assert next(frames) == SYNC
    with pytest.raises(OutOfStep):
        next(frames)


@pytest.mark.parametrize(
    ("period", "written"),
    [
        (timedelta(days=1), b"000001000000000R"),
        (timedelta(hours=1), b"000000010000000R"),
        (timedelta(days=2, hours=3, minutes=4, seconds=5), b"000002030405000R"),
        (timedelta(days=5000), b"000099000000000R"),
        (timedelta(0), b""),
    ],
)
def test_a_validity_period_is_relative(period: timedelta, written: bytes) -> None:
    assert relative(period) == written
