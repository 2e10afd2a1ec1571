# SPDX-License-Identifier: Apache-2.0
"""The whole loop of the gateway against SMSCs that we did not write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Coding, MessageState, OutboundSms, Refused, Retry, Sent
from sms_gateway.settings import BindMode, SmscSettings, TlsSettings
from sms_gateway.simulator.ports import MemoryInbox, MemoryOutbox
from sms_gateway.text import coding as text_coding
from sms_gateway.text import udh
from sms_gateway.text.udh import Concatenation, Header, Ports
from tests.peers.smsc.peer import SECONDS, Event, SmscPeer
from tests.unit.sms_world import logged

pytestmark = pytest.mark.peers

SYNC = "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
LONG = "//VVM:STATUS:st=R;rc=0;srv=imap.vvm.example.com;" + "x" * 150
ACTIVATE = "Activate:pv=13;ct=google.vvm;pt=5499;//VVM"
DATA_CODING = {Coding.OCTETS: 0x04, Coding.GSM7: 0x00, Coding.UCS2: 0x08}


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Ours:
    """Our side of the loop."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()

    def send(self, text: str, *, number: int = 1, to: str = "+15551230001", coding: Coding) -> None:
        self.outbox.put(
            OutboundSms(
                id=number,
                recipient=to,
                source="5511",
                text=text,
                coding=coding,
                port=5499,
                reference=0x5A,
                validity=timedelta(days=1),
                attempt=0,
            )
        )


@asynccontextmanager
async def bound(
    peer: SmscPeer,
    *,
    password: str | None = None,
    tls: TlsSettings | None = None,
    bind_mode: BindMode = BindMode.TRANSCEIVER,
) -> AsyncIterator[Ours]:
    ours = Ours()
    settings = SmscSettings(
        host=peer.host,
        port=peer.port,
        system_id=peer.system_id,
        password=password or peer.password,
        tls=tls,
        bind_mode=bind_mode,
        throttle_pause_seconds=0.05,
        hold_first_seconds=0.05,
        retry_first_seconds=0.05,
        reconnect_first_seconds=0.05,
        locked_out_first_seconds=0.05,
    )
    gateway = SmsGateway([settings], ours.outbox, ours.inbox, clock=SystemClock())
    task = asyncio.create_task(gateway.run())
    try:
        async with asyncio.timeout(SECONDS):
            yield ours
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


@pytest.mark.parametrize("coding", [Coding.OCTETS, Coding.GSM7])
async def test_a_single_sms_arrives_and_its_receipt_comes_back(smsc_peer: SmscPeer, coding: Coding) -> None:
    async with bound(smsc_peer) as ours:
        ours.send(SYNC, coding=coding)
        (submit,) = await smsc_peer.wait_submits(1)
        header, octets = udh.decode(submit.octets)
        assert header == Header(Ports(5499))
        assert (submit.esm_class, submit.data_coding) == (0x40, DATA_CODING[coding])
        assert (submit.source, submit.destination) == ("5511", "15551230001")
        assert octets == SYNC.encode()  # all its characters are ASCII's in GSM 7-bit too
        assert await ours.outbox.settled(1) == Sent()
        await ours.outbox.until(lambda: bool(ours.outbox.receipts))
        (receipt,) = ours.outbox.receipts
        assert receipt.state is MessageState.DELIVERED
        assert [accepted.message_id for accepted in ours.outbox.accepted] == [receipt.message_id]
        answer = await smsc_peer.wait_for(lambda event: event.to == submit.message_id)
        assert answer.status == 0


async def whole_loop(peer: SmscPeer, ours: Ours) -> None:
    """An SMS to a handset, its receipt, and one from a handset."""
    ours.send(SYNC, coding=Coding.OCTETS)
    assert await ours.outbox.settled(1) == Sent()
    await ours.outbox.until(lambda: bool(ours.outbox.receipts))
    assert await peer.send_mo("15551230001", "5511", ACTIVATE, port=5499) == [0]
    (sms,) = await ours.inbox.wait_messages(1)
    assert (sms.text, sms.port) == (ACTIVATE, 5499)


async def test_over_tls_with_a_certificate_of_ours(node_smsc_tls: SmscPeer, certificate: Path) -> None:
    file = str(certificate)
    async with bound(node_smsc_tls, tls=TlsSettings(ca=file, certificate=file, key=file)) as ours:
        await whole_loop(node_smsc_tls, ours)


async def test_an_smsc_that_wants_a_certificate_binds_nobody_without(
    node_smsc_tls: SmscPeer, certificate: Path
) -> None:
    with logged() as logs:
        async with bound(node_smsc_tls, tls=TlsSettings(ca=str(certificate))):
            await logs.wait("smsc_lost")
    assert named(node_smsc_tls, "bound") == []


async def test_a_transmitter_and_a_receiver_make_a_loop(smsc_peer: SmscPeer) -> None:
    async with bound(smsc_peer, bind_mode=BindMode.PAIR) as ours:
        await whole_loop(smsc_peer, ours)


@pytest.mark.parametrize("coding", [Coding.OCTETS, Coding.GSM7])
async def test_a_long_sms_arrives_in_segments(smsc_peer: SmscPeer, coding: Coding) -> None:
    async with bound(smsc_peer) as ours:
        ours.send(LONG, coding=coding)
        submits = await smsc_peer.wait_submits(2)
        parts = [udh.decode(submit.octets) for submit in submits]
        assert [header for header, _ in parts] == [
            Header(Ports(5499), Concatenation(0x5A, 2, number)) for number in (1, 2)
        ]
        joined = b"".join(octets for _, octets in parts)
        assert text_coding.text(joined, DATA_CODING[coding]) == LONG
        await ours.outbox.until(lambda: len(ours.outbox.receipts) == 2)


@pytest.mark.parametrize(("to", "status"), [("+999001", 0x58), ("+999002", 0x14)])
async def test_a_busy_smsc_is_tried_again(smsc_peer: SmscPeer, to: str, status: int) -> None:
    async with bound(smsc_peer) as ours:
        ours.send(SYNC, to=to, coding=Coding.OCTETS)
        await ours.outbox.until(lambda: len(ours.outbox.outcomes) >= 2)
        outcomes = [outcome for _, outcome in ours.outbox.outcomes]
        assert all(isinstance(outcome, Retry) and outcome.status == status for outcome in outcomes)


async def test_an_invalid_destination_is_refused(smsc_peer: SmscPeer) -> None:
    async with bound(smsc_peer) as ours:
        ours.send(SYNC, to="+999003", coding=Coding.OCTETS)
        assert await ours.outbox.settled(1) == Refused(0x0B, reason="smsc_rinvdstadr")


async def test_a_vendors_status_costs_neither_the_sms_nor_the_link(node_smsc: SmscPeer) -> None:
    async with bound(node_smsc) as ours:
        ours.send(SYNC, to="+999004", coding=Coding.OCTETS)
        await ours.outbox.until(lambda: bool(ours.outbox.outcomes))
        (_, outcome) = ours.outbox.outcomes[0]
        assert isinstance(outcome, Retry)
        assert (outcome.status, outcome.counted) == (0x40B, True)
        ours.send(SYNC, number=2, coding=Coding.OCTETS)
        assert await ours.outbox.settled(2) == Sent()
        assert len(named(node_smsc, "bound")) == 1


async def test_an_odd_receipt_is_acknowledged(node_smsc: SmscPeer) -> None:
    async with bound(node_smsc) as ours:
        ours.send(SYNC, to="+999008", coding=Coding.OCTETS)
        await ours.outbox.until(lambda: bool(ours.outbox.receipts))
        assert ours.outbox.receipts[0].error == "00B"
        answer = await node_smsc.wait_for(lambda event: event.event == "answered")
        assert answer.status == 0


@pytest.mark.parametrize(("coding", "port"), [(Coding.OCTETS, 5499), (Coding.OCTETS, 0), (Coding.GSM7, 0)])
async def test_an_activate_from_a_handset_is_handed_over(
    smsc_peer: SmscPeer, coding: Coding, port: int
) -> None:
    async with bound(smsc_peer) as ours:
        await smsc_peer.wait_bound()
        assert await smsc_peer.send_mo("15551230001", "5511", ACTIVATE, port=port, coding=coding) == [0]
        (message,) = ours.inbox.messages
        assert (message.text, message.port) == (ACTIVATE, port or None)
        assert (message.originator, message.destination) == ("+15551230001", "5511")


async def test_a_long_sms_from_a_handset_is_handed_over_whole(smsc_peer: SmscPeer) -> None:
    async with bound(smsc_peer) as ours:
        await smsc_peer.wait_bound()
        text = ACTIVATE + "x" * 150
        assert await smsc_peer.send_mo("15551230001", "5511", text, port=5499) == [0, 0]
        assert [message.text for message in ours.inbox.messages] == [text]


async def test_an_inbox_that_is_away_nacks_the_delivery(smsc_peer: SmscPeer) -> None:
    async with bound(smsc_peer) as ours:
        await smsc_peer.wait_bound()
        ours.inbox.available = False
        assert await smsc_peer.send_mo("15551230001", "5511", ACTIVATE) == [0x64]


async def test_unbind_from_the_smsc_is_followed_by_a_new_bind(smsc_peer: SmscPeer) -> None:
    async with bound(smsc_peer) as ours:
        await smsc_peer.wait_bound()
        smsc_peer.unbind()
        await smsc_peer.wait_for(lambda _: len(named(smsc_peer, "bound")) >= 2)
        ours.send(SYNC, coding=Coding.OCTETS)
        assert await ours.outbox.settled(1) == Sent()


async def test_a_wrong_password_is_refused_and_raises_the_alarm(smsc_peer: SmscPeer) -> None:
    with structlog.testing.capture_logs() as logs:
        async with bound(smsc_peer, password="wrong"):
            await smsc_peer.wait_for(lambda _: len(named(smsc_peer, "refused")) >= 2)
    alarms = [entry for entry in logs if entry["log_level"] == "error"]
    assert alarms[0]["event"] == "smsc_credentials_refused"
    assert named(smsc_peer, "bound") == []


def named(peer: SmscPeer, event: str) -> list[Event]:
    return [said for said in peer.received if said.event == event]
