# SPDX-License-Identifier: Apache-2.0
"""Our PDUs as Wireshark reads them, which was written by others from the same specifications."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sms_gateway.compose import compose
from sms_gateway.port import Coding, OutboundSms, Waiting, WaitingForm, WaitingKind
from sms_gateway.settings import HeaderForm, SmscSettings
from sms_gateway.smpp.pdu import (
    RESPONSE,
    Address,
    Alert,
    Bind,
    Command,
    Empty,
    Pdu,
    Raw,
    Sm,
    SmResponse,
    encode,
)
from sms_gateway.smpp.tlv import Tag, Tlv
from tests.peers.smsc.dissector import Missing, dissect
from tests.unit.sms_world import LONG, SYNC, sms

pytestmark = pytest.mark.peers

UDH = ("smpp.esm.submit.features", "gsm_sms.ie_identifier", "gsm_sms.destination_port", "smpp.data_coding")
PARTS = ("gsm_sms.udh.mm.msg_id", "gsm_sms.udh.mm.msg_parts", "gsm_sms.udh.mm.msg_part")
SAR = ("smpp.sar_msg_ref_num", "smpp.sar_total_segments", "smpp.sar_segment_seqnum")
WAITING = (
    "smpp.data_coding",
    "smpp.dcs.wait_ind",
    "smpp.dcs.wait_type",
    "gsm_sms.msg_ind_type_and_stor",
    "gsm_sms.msg_ind_type",
    "gsm_sms.msg_count",
)


def read(folder: Path, fields: tuple[str, ...], *pdus: Pdu) -> list[Mapping[str, str]]:
    try:
        return dissect([encode(pdu) for pdu in pdus], fields, folder)
    except Missing as missing:
        pytest.fail(str(missing))


def submits(
    folder: Path, fields: tuple[str, ...], message: OutboundSms, **settings: object
) -> list[tuple[str, ...]]:
    """The fields of each submit_sm, in the order asked for."""
    composed = compose(message, SmscSettings(**settings))  # type: ignore[arg-type]  # a test's shorthand
    pdus = [Pdu(Command.SUBMIT_SM, number, sm) for number, sm in enumerate(composed, start=1)]
    return [tuple(found.get(f, "") for f in fields) for found in read(folder, fields, *pdus)]


def test_a_sync_in_one_segment(tmp_path: Path) -> None:
    fields = (*UDH, "smpp.destination_addr", "smpp.validity_period_r", "gsm_sms_ud.short_msg")
    octets = SYNC.encode().hex()
    assert submits(tmp_path, fields, sms()) == [
        ("0x01", "0x05", "5499", "0x04", "15551230001", "86400.000000000", octets)
    ]


@pytest.mark.parametrize("coding", list(Coding))
def test_a_status_in_two_segments(tmp_path: Path, coding: Coding) -> None:
    data_coding = {Coding.OCTETS: "0x04", Coding.GSM7: "0x00", Coding.UCS2: "0x08"}[coding]
    found = submits(tmp_path, (*UDH, *PARTS), sms(text=LONG[:160], coding=coding))
    total = len(found)
    assert found == [
        ("0x01", "0x05,0x00", "5499", data_coding, "90", str(total), str(number))
        for number in range(1, total + 1)
    ]
    assert total > 1


def test_references_of_16_bits(tmp_path: Path) -> None:
    fields = ("gsm_sms.ie_identifier", "gsm_sms.udh.mm.msg_parts", "gsm_sms.udh.mm.msg_part")
    message = sms(text=LONG, reference=0x1234)
    assert submits(tmp_path, fields, message, header_form=HeaderForm.UDH16) == [
        ("0x05,0x08", "2", "1"),
        ("0x05,0x08", "2", "2"),
    ]


def test_segments_in_tlvs(tmp_path: Path) -> None:
    fields = ("smpp.esm.submit.features", "smpp.source_port", "smpp.destination_port", *SAR)
    message = sms(text=LONG, reference=0x1234)
    assert submits(tmp_path, fields, message, header_form=HeaderForm.TLV) == [
        ("0x00", "0x0000", "0x157b", "4660", "2", number) for number in "12"
    ]


def test_a_payload(tmp_path: Path) -> None:
    fields = ("smpp.sm_length", "smpp.message_payload", "smpp.destination_port")
    assert submits(tmp_path, fields, sms(text=LONG), header_form=HeaderForm.PAYLOAD) == [
        ("0", LONG.encode().hex(), "0x157b")
    ]


@pytest.mark.parametrize(
    ("waiting", "text", "coding", "expected"),
    [
        (Waiting(5), "", Coding.GSM7, ("0xc8", "0x01", "0x00", "0", "0", "5")),
        (Waiting(0), "", Coding.GSM7, ("0xc0", "0x00", "0x00", "0", "0", "0")),
        (Waiting(5, WaitingKind.FAX), "", Coding.GSM7, ("0xc9", "0x01", "0x01", "0", "1", "5")),
        (Waiting(3), "3 new", Coding.GSM7, ("0xd8", "0x01", "0x00", "1", "0", "3")),
        (Waiting(0), "none", Coding.UCS2, ("0xe0", "0x00", "0x00", "1", "0", "0")),
        (Waiting(5, form=WaitingForm.CODING), "", Coding.GSM7, ("0xc8", "0x01", "0x00", "", "", "")),
        (Waiting(5, form=WaitingForm.HEADER), "", Coding.GSM7, ("0x00", "", "", "0", "0", "5")),
    ],
)
def test_message_waiting_set_and_cleared(
    tmp_path: Path, waiting: Waiting, text: str, coding: Coding, expected: tuple[str, ...]
) -> None:
    message = sms(text=text, waiting=waiting, coding=coding, port=0)
    assert submits(tmp_path, WAITING, message) == [expected]


def test_everything_else_that_we_write_is_well_formed(tmp_path: Path) -> None:
    handset, service = Address(1, 1, b"15551230001"), Address(3, 0, b"5511")
    bodies = [
        (Command.BIND_TRANSCEIVER, Bind(b"vvm", b"secret", b"VMS")),
        (Command.BIND_RECEIVER, Bind(b"vvm", b"secret")),
        (Command.BIND_TRANSMITTER, Bind(b"vvm", b"secret")),
        (Command.ENQUIRE_LINK, Empty()),
        (Command.DELIVER_SM, Sm(handset, service, b"STATUS")),
        (Command.DELIVER_SM | RESPONSE, SmResponse()),
        (Command.DATA_SM | RESPONSE, SmResponse()),
        (Command.ALERT_NOTIFICATION, Alert(handset, service, (Tlv(Tag.AVAILABILITY, b"\0"),))),
        (Command.UNBIND, Empty()),
        (Command.UNBIND | RESPONSE, Empty()),
    ]
    pdus = [Pdu(command, number, body) for number, (command, body) in enumerate(bodies, start=1)]
    found = read(tmp_path, ("smpp.command_id", "smpp.sequence_number"), *pdus)
    assert [tuple(values.values()) for values in found] == [
        (f"{command:#010x}", str(number)) for number, (command, _) in enumerate(bodies, start=1)
    ]


def test_wireshark_would_have_complained(tmp_path: Path) -> None:
    cut_short = encode(Pdu(Command.SUBMIT_SM, 1, Raw(b"\0\x01\x01155")))
    with pytest.raises(AssertionError, match="PDU 0"):
        dissect([cut_short], (), tmp_path)
