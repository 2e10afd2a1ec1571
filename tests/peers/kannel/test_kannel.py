# SPDX-License-Identifier: Apache-2.0
"""The whole loop through a real Kannel: what handsets get, what they send, what is reported."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import structlog

from sms_gateway.port import Coding, InboundSms, MessageState, OutboundSms, Sent, Waiting, WaitingForm
from sms_gateway.text import udh
from sms_gateway.text.udh import Concatenation, Header, Indication, Ports
from tests.peers.kannel.conftest import Start
from tests.peers.kannel.kannel import HANDSET, SECONDS

pytestmark = pytest.mark.peers

SYNC = "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
LONG = "//VVM:STATUS:st=R;rc=0;srv=imap.vvm.example.com;u=1@x;" + "x" * 150
ACTIVATE = "Activate:pv=13;ct=google.vvm;pt=5499;//VVM"
ELSEWHERE = "+33612345678"
"""A number that Kannel reaches by SMPP."""


def sms(text: str, **changes: object) -> OutboundSms:
    fields: dict[str, object] = {
        "id": 1,
        "recipient": HANDSET,
        "source": "5511",
        "text": text,
        "coding": Coding.OCTETS,
        "port": 5499,
        "reference": 0x5A,
        "validity": timedelta(days=1),
        "attempt": 0,
    }
    return OutboundSms(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


async def test_a_sync_arrives_at_its_port_and_its_delivery_is_reported(world: Start) -> None:
    async with world() as it, it.kannel.handset() as handset, asyncio.timeout(SECONDS):
        it.outbox.put(sms(SYNC))
        assert await it.outbox.settled(1) == Sent()
        ((header, octets),) = await handset.received()
        assert udh.decode(header)[0] == Header(Ports(5499))
        assert octets == SYNC.encode()
        await it.outbox.until(lambda: bool(it.outbox.receipts))
        (receipt,), (accepted,) = it.outbox.receipts, it.outbox.accepted
        assert (receipt.state, receipt.message_id) == (MessageState.DELIVERED, accepted.message_id)


async def test_a_long_status_arrives_in_segments_that_kannel_does_not_cut_again(world: Start) -> None:
    async with world() as it, it.kannel.handset() as handset, asyncio.timeout(SECONDS):
        it.outbox.put(sms(LONG))
        assert await it.outbox.settled(1) == Sent()
        received = await handset.received(2)
        assert [udh.decode(header)[0] for header, _ in received] == [
            Header(Ports(5499), Concatenation(0x5A, 2, number)) for number in (1, 2)
        ]
        assert b"".join(octets for _, octets in received) == LONG.encode()
        await it.outbox.until(lambda: len(it.outbox.receipts) == 2)


@pytest.mark.parametrize("coding", list(Coding))
@pytest.mark.parametrize("text", [SYNC + "@_é", LONG])
async def test_every_coding_is_read_again_behind_kannels_own_smpp(
    world: Start, coding: Coding, text: str
) -> None:
    async with world() as it, asyncio.timeout(SECONDS):
        it.outbox.put(sms(text, coding=coding, recipient=ELSEWHERE))
        arrived = await it.arrived.get()
        assert (arrived.text, arrived.coding, arrived.port) == (text, coding, 5499)
        assert arrived.recipient == ELSEWHERE
        await it.outbox.until(lambda: len(it.outbox.receipts) == len(arrived.segments))
        assert {receipt.state for receipt in it.outbox.receipts} == {MessageState.DELIVERED}


async def test_what_the_smsc_behind_kannel_refuses_is_reported(world: Start) -> None:
    async with world() as it, asyncio.timeout(SECONDS):
        it.smsc.inject(0x0B)
        it.outbox.put(sms(SYNC, recipient=ELSEWHERE))
        await it.outbox.until(lambda: bool(it.outbox.receipts))
        (receipt,) = it.outbox.receipts
        assert receipt.state is MessageState.REJECTED
        assert receipt.octets.startswith(b"NACK/")


@pytest.mark.parametrize(
    ("waiting", "text", "data_coding", "indication"),
    [
        (Waiting(5), "", 0xC8, Indication(0x00, 5)),
        (Waiting(0), "", 0xC0, Indication(0x00, 0)),
        (Waiting(2), "2 new messages", 0xD8, Indication(0x80, 2)),
        (Waiting(2, form=WaitingForm.CODING), "2 new messages", 0xD8, None),
        (Waiting(2, form=WaitingForm.HEADER), "2 new messages", 0x00, Indication(0x80, 2)),
    ],
)
async def test_an_indication_keeps_its_coding_and_its_count(
    world: Start, waiting: Waiting, text: str, data_coding: int, indication: Indication | None
) -> None:
    async with world() as it, asyncio.timeout(SECONDS):
        it.outbox.put(sms(text, waiting=waiting, port=0, coding=Coding.GSM7, recipient=ELSEWHERE))
        arrived = await it.arrived.get()
        assert (arrived.text, arrived.indication) == (text, indication)
        assert arrived.segments[0].sm.data_coding == data_coding


async def test_an_activate_from_a_handset_is_handed_over(world: Start) -> None:
    data = "udh-data %06%05%04%15%7B%00%00 " + ACTIVATE.replace(":", "%3A").replace("/", "%2F")
    async with world() as it, it.kannel.handset(data), asyncio.timeout(SECONDS):
        (message,) = await it.inbox.wait_messages(1)
        assert (message.text, message.port, message.coding) == (ACTIVATE, 5499, Coding.OCTETS)
        assert message.named  # by its %I
        assert (message.originator, message.destination) == (HANDSET, "5511")


async def test_a_text_from_a_handset_is_handed_over(world: Start) -> None:
    async with world() as it, it.kannel.handset("text STATUS"), asyncio.timeout(SECONDS):
        (message,) = await it.inbox.wait_messages(1)
        assert (message.text, message.port, message.coding) == ("STATUS", None, Coding.GSM7)


async def test_an_inbox_that_is_away_is_tried_again_by_kannel(world: Start) -> None:
    async with world() as it, asyncio.timeout(SECONDS):
        it.inbox.available = False
        keep, asked = it.inbox.received, asyncio.Event()

        async def received(message: InboundSms) -> None:
            asked.set()
            await keep(message)

        it.inbox.received = received  # type: ignore[method-assign]  # only looks on
        async with it.kannel.handset("text STATUS"):
            await asked.wait()
            assert it.inbox.messages == []
            it.inbox.available = True
            (message,) = await it.inbox.wait_messages(1)
            assert message.text == "STATUS"


async def test_a_wrong_password_raises_the_alarm_and_costs_no_attempt(world: Start) -> None:
    with structlog.testing.capture_logs() as logs:
        async with world(password="wrong") as it, asyncio.timeout(SECONDS):
            it.outbox.put(sms(SYNC))
            await it.outbox.until(lambda: bool(it.outbox.outcomes))
    assert logs[0]["event"] == "smsc_credentials_refused"
    assert getattr(it.outbox.outcomes[0][1], "counted", None) is False
    assert "wrong" not in repr(logs)
