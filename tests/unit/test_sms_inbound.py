# SPDX-License-Identifier: Apache-2.0
"""The other ways in which an SMSC may say the same thing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
import structlog

from sms_gateway.inbound import Receiver
from sms_gateway.port import Coding, MessageState, NoMetrics
from sms_gateway.receipts import IdForm, normal_id
from sms_gateway.settings import HandsetNumbers, SmscSettings
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from sms_gateway.smpp.pdu import Address, DataSm, Sm
from sms_gateway.smpp.status import Status
from sms_gateway.smpp.tlv import Tag, Tlv, Tlvs

HANDSET = Address(1, 1, b"15551230001")
SERVICE = Address(3, 0, b"5511")
TEXT = b"Activate:pv=13;ct=google.vvm;pt=5499;//VVM"


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)


async def nothing_is_sent(_: str) -> None:
    return


class Ends:
    def __init__(self, settings: SmscSettings | None = None) -> None:
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.receive = Receiver(
            settings or SmscSettings(),
            self.outbox,
            self.inbox,
            settled=nothing_is_sent,
            clock=StillClock(),
            metrics=NoMetrics(),
        )


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.mark.parametrize(
    ("sm", "port"),
    [
        (Sm(HANDSET, SERVICE, TEXT), None),
        (Sm(HANDSET, SERVICE, bytes.fromhex("060504157b0000") + TEXT, esm_class=0x40), 5499),
        (Sm(HANDSET, SERVICE, bytes.fromhex("040402f000") + TEXT, esm_class=0x40), 240),
        (Sm(HANDSET, SERVICE, TEXT, tlvs=(Tlv(Tag.DESTINATION_PORT, b"\x15\x7b"),)), 5499),
        (Sm(HANDSET, SERVICE, tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, TEXT),)), None),
        (DataSm(HANDSET, SERVICE, data_coding=4, tlvs=(Tlv(Tag.MESSAGE_PAYLOAD, TEXT),)), None),
        (Sm(HANDSET, SERVICE, TEXT, tlvs=(Tlv(0x1400, b"vendor"),)), None),
    ],
)
async def test_a_text_and_its_port_are_found_wherever_they_are(
    ends: Ends, sm: Sm | DataSm, port: int | None
) -> None:
    assert await ends.receive(sm) == Status.ROK
    (message,) = ends.inbox.messages
    assert (message.text, message.port) == (TEXT.decode(), port)


async def test_segments_may_be_counted_by_tlvs(ends: Ends) -> None:
    for number, piece in ((2, TEXT[20:]), (1, TEXT[:20])):
        tlvs = (
            Tlv(Tag.SAR_REFERENCE, b"\0\x09"),
            Tlv(Tag.SAR_TOTAL, b"\x02"),
            Tlv(Tag.SAR_NUMBER, bytes((number,))),
        )
        assert await ends.receive(Sm(HANDSET, SERVICE, piece, data_coding=4, tlvs=tlvs)) == Status.ROK
    assert [message.octets for message in ends.inbox.messages] == [TEXT]


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (HANDSET, "+15551230001"),
        (Address(1, 1, b"+15551230001"), "+15551230001"),
        (Address(3, 0, b"5511"), "5511"),
        (Address(5, 0, b"Caf\xe9"), "Café"),
        (Address(0x63, 0x63, b"15551230001"), "15551230001"),
    ],
)
async def test_only_the_type_of_number_makes_a_number_international(
    ends: Ends, address: Address, written: str
) -> None:
    await ends.receive(Sm(address, SERVICE, TEXT))
    assert ends.inbox.messages[0].originator == written


async def test_octets_that_are_no_text_are_handed_over_as_octets(ends: Ends) -> None:
    assert await ends.receive(Sm(HANDSET, SERVICE, b"\xff\xfe", data_coding=4)) == Status.ROK
    (message,) = ends.inbox.messages
    assert (message.text, message.octets, message.coding) == (None, b"\xff\xfe", Coding.OCTETS)


async def test_an_inbox_that_takes_too_long_is_as_good_as_away() -> None:
    ends = Ends(SmscSettings(inbox_seconds=0.01))

    async def stuck(_: object) -> None:
        await asyncio.Event().wait()

    ends.inbox.received = stuck  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logs:
        assert await ends.receive(Sm(HANDSET, SERVICE, TEXT)) == Status.RX_T_APPN
    assert [entry["event"] for entry in logs] == ["inbound_not_kept"]


async def test_a_receipt_goes_to_the_outbox_and_waits_for_it(ends: Ends) -> None:
    receipt = Sm(HANDSET, SERVICE, b"id:000A stat:EXPIRED err:00B", esm_class=4)
    ends.outbox.available = False
    assert await ends.receive(receipt) == Status.RX_T_APPN
    ends.outbox.available = True
    assert await ends.receive(receipt) == Status.ROK
    (kept,) = ends.outbox.receipts
    assert (kept.message_id, kept.state, kept.error) == ("a", MessageState.EXPIRED, "00B")
    assert kept.recipient == "+15551230001"
    assert ends.inbox.messages == []


async def test_receipts_whose_ids_are_decimal_meet_responses_whose_ids_are_hexadecimal() -> None:
    ends = Ends(SmscSettings(receipt_id_form=IdForm.DECIMAL))
    await ends.receive(Sm(HANDSET, SERVICE, b"id:0000000010 stat:DELIVRD", esm_class=4))
    assert ends.outbox.receipts[0].message_id == normal_id(b"0000000A", IdForm.HEXADECIMAL)


async def test_where_the_smsc_misnames_international_numbers_they_are_read_as_such() -> None:
    ends = Ends(SmscSettings(handset_numbers=HandsetNumbers.INTERNATIONAL))
    assert await ends.receive(Sm(Address(3, 0, b"15551230001"), SERVICE, TEXT)) == Status.ROK
    (sms,) = ends.inbox.messages
    assert (sms.originator, sms.destination) == ("+15551230001", "5511")


async def test_a_receipt_for_a_busy_handset_waits_a_moment_and_comes_again() -> None:
    ends = Ends(SmscSettings(early_receipt_seconds=0.01))

    async def for_ever(_: str) -> None:
        await asyncio.Event().wait()

    ends.receive._settled = for_ever
    receipt = Sm(HANDSET, SERVICE, b"id:1 stat:DELIVRD err:000", esm_class=0x04)
    assert await ends.receive(receipt) == Status.RX_T_APPN
    assert ends.outbox.receipts == []


@pytest.mark.parametrize("value", [b"\x00\x07", b"\x07"])
async def test_the_reference_of_the_handset_tells_one_request_from_the_next(ends: Ends, value: bytes) -> None:
    for tlvs in ((Tlv(Tag.USER_REFERENCE, value),), (Tlv(Tag.USER_REFERENCE, b"\x00\x08"),)):
        for _ in range(2):
            await ends.receive(Sm(HANDSET, SERVICE, TEXT, tlvs=tlvs))
    first, again, second, _ = ends.inbox.messages
    assert first.deduplication_key == again.deduplication_key != second.deduplication_key
    assert {message.named for message in ends.inbox.messages} == {True}


@pytest.mark.parametrize("tlvs", [(), (Tlv(Tag.USER_REFERENCE, b"\0\0"),)])
async def test_a_reference_that_is_always_nought_tells_nothing(ends: Ends, tlvs: Tlvs) -> None:
    await ends.receive(Sm(HANDSET, SERVICE, TEXT, tlvs=tlvs))
    await ends.receive(Sm(HANDSET, SERVICE, TEXT))
    one, other = ends.inbox.messages
    assert not one.named
    assert one.deduplication_key == other.deduplication_key


async def test_a_concatenated_sms_is_known_by_its_own_reference(ends: Ends) -> None:
    for reference in (9, 9, 10):
        for number, piece in ((1, TEXT[:20]), (2, TEXT[20:])):
            header = bytes((5, 0, 3, reference, 2, number))
            await ends.receive(Sm(HANDSET, SERVICE, header + piece, esm_class=0x40, data_coding=4))
    first, again, second = ends.inbox.messages
    assert first.deduplication_key == again.deduplication_key != second.deduplication_key
    assert first.named
