# SPDX-License-Identifier: Apache-2.0
"""Receipts in the odd forms that SMSCs write."""

from __future__ import annotations

import pytest

from sms_gateway.port import MessageState
from sms_gateway.receipts import IdForm, Report, is_receipt, normal_id, read
from sms_gateway.smpp.pdu import Address, Sm
from sms_gateway.smpp.tlv import Tag, Tlv, Tlvs

USUAL = (
    b"id:0000000A sub:001 dlvrd:001 submit date:2601021304 done date:2601021305 stat:DELIVRD err:000 text:"
)


def sm(body: bytes = USUAL, esm_class: int = 4, tlvs: Tlvs = ()) -> Sm:
    return Sm(Address(), Address(), body, esm_class=esm_class, tlvs=tlvs)


@pytest.mark.parametrize(
    ("body", "report"),
    [
        (USUAL, Report(b"0000000A", MessageState.DELIVERED, "000")),
        (USUAL.replace(b"err:000", b"err:00B"), Report(b"0000000A", MessageState.DELIVERED, "00B")),
        (USUAL.replace(b"2601021304", b"260102130455"), Report(b"0000000A", MessageState.DELIVERED, "000")),
        (USUAL.replace(b"DELIVRD", b"delivered"), Report(b"0000000A", MessageState.DELIVERED, "000")),
        (b"ID: 7 STAT: UNDELIV ERR: x1", Report(b"7", MessageState.UNDELIVERABLE, "x1")),
        (b"id:7 stat:EXPIRED text:id:8 stat:DELIVRD", Report(b"7", MessageState.EXPIRED, "")),
        (b"id:7 stat:REJECTD Text:err:5", Report(b"7", MessageState.REJECTED, "")),
        (b"id:7 stat:ENROUTE", Report(b"7", MessageState.ENROUTE, "")),
        (b"id:7 stat:ACCEPTD", Report(b"7", MessageState.ACCEPTED, "")),
        (b"id:7 stat:DELETED", Report(b"7", MessageState.DELETED, "")),
        (b"id:7 stat:SOMETHING", Report(b"7", MessageState.UNKNOWN, "")),
        (b"id: sub:001 stat:DELIVRD", Report(b"", MessageState.DELIVERED, "")),
        (b"id:7", Report(b"7", MessageState.UNKNOWN, "")),
        (b"", Report(b"", MessageState.UNKNOWN, "")),
        (b"\xff\x00stat:\xe9\xe9", Report(b"", MessageState.UNKNOWN, "")),
    ],
)
def test_the_text_is_read_as_far_as_it_goes(body: bytes, report: Report) -> None:
    assert read(sm(body), body) == report


def test_tlvs_are_believed_first() -> None:
    tlvs = (Tlv(Tag.RECEIPTED_MESSAGE_ID, b"B\0"), Tlv(Tag.MESSAGE_STATE, b"\x05"))
    assert read(sm(tlvs=tlvs), USUAL) == Report(b"B", MessageState.UNDELIVERABLE, "000")


def test_a_receipt_may_be_nothing_but_tlvs() -> None:
    tlvs = (
        Tlv(Tag.RECEIPTED_MESSAGE_ID, b"B"),
        Tlv(Tag.MESSAGE_STATE, b"\x00\x03"),
        Tlv(Tag.NETWORK_ERROR_CODE, b"\x03\x00\x0b"),
    )
    assert read(sm(b"", tlvs=tlvs), b"") == Report(b"B", MessageState.EXPIRED, "03000b")


def test_a_state_that_no_specification_has_is_unknown() -> None:
    assert read(sm(b"", tlvs=(Tlv(Tag.MESSAGE_STATE, b"\x63"),)), b"").state is MessageState.UNKNOWN


@pytest.mark.parametrize("esm_class", [0x04, 0x44, 0x07, 0x20])
def test_esm_class_tells_a_receipt(esm_class: int) -> None:
    assert is_receipt(sm(esm_class=esm_class))


def test_a_handset_cannot_write_a_receipt() -> None:
    assert not is_receipt(sm(USUAL, esm_class=0x00))
    assert not is_receipt(sm(USUAL, esm_class=0x40))


def test_the_tlv_tells_a_receipt_whose_esm_class_does_not() -> None:
    assert is_receipt(sm(b"", esm_class=0, tlvs=(Tlv(Tag.RECEIPTED_MESSAGE_ID, b"1"),)))


def test_only_some_states_are_final() -> None:
    assert MessageState.DELIVERED.final
    assert MessageState.REJECTED.final
    assert not MessageState.ENROUTE.final
    assert not MessageState.UNKNOWN.final


@pytest.mark.parametrize(
    ("written", "form", "normal"),
    [
        (b"0000000A", IdForm.TEXT, "a"),
        (b"0000000a", IdForm.TEXT, "a"),
        (b"A", IdForm.HEXADECIMAL, "10"),
        (b"0010", IdForm.DECIMAL, "10"),
        (b"000", IdForm.DECIMAL, "0"),
        (b"msg_id_not_implemented", IdForm.HEXADECIMAL, "msg_id_not_implemented"),
        (b"", IdForm.DECIMAL, ""),
        (b"\xe9", IdForm.TEXT, "é"),
        (b"9" * 5000, IdForm.DECIMAL, "9" * 5000),
    ],
)
def test_message_ids_have_a_normal_form(written: bytes, form: IdForm, normal: str) -> None:
    assert normal_id(written, form) == normal
