# SPDX-License-Identifier: Apache-2.0
"""The gateway against the simulated SMSC over real sockets, with every fault it knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from sms_gateway.errors import NotSent
from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Coding, MessageState, NoMetrics, OutboundSms, Refused, Retry, Sent
from sms_gateway.settings import SmscSettings
from sms_gateway.simulator.faults import Fault
from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.ports import Accepted, MemoryInbox, MemoryOutbox
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from sms_gateway.smpp.pdu import RESPONSE, Address, BindResponse, Command, Pdu, Sm, encode
from sms_gateway.smpp.status import Status

SYNC = "//VVM:SYNC:ev=NM;id=3446456;c=1;t=v;s=01234567898;dt=02/08/2008 12:53 +0200;l=30"
LONG = "//VVM:STATUS:st=R;" + "x" * 150
ACTIVATE = "Activate:pv=13;ct=google.vvm;pt=5499;//VVM"
HANDSET = "+15551230001"


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class CountingMetrics(NoMetrics):
    def __init__(self) -> None:
        self.statuses: list[int | None] = []
        self.results: list[str] = []
        self.widest = 0

    def submitted(self, smsc: str, status: int | None, seconds: float) -> None:
        self.statuses.append(status)

    def inbound(self, smsc: str, result: str) -> None:
        self.results.append(result)

    def window(self, smsc: str, in_flight: int) -> None:
        self.widest = max(self.widest, in_flight)


def sms(number: int = 1, text: str = SYNC, **changes: object) -> OutboundSms:
    fields: dict[str, object] = {
        "id": number,
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


def quick(port: int, **changes: object) -> SmscSettings:
    """Settings under which every timer that a test waits for is over at once."""
    fields: dict[str, object] = {
        "port": port,
        "password": "secret",
        "rate": 10_000.0,
        "slowest_rate": 1000.0,
        "throttle_pause_seconds": 0.01,
        "reconnect_first_seconds": 0.01,
        "retry_first_seconds": 0.01,
        "hold_first_seconds": 0.01,
        "unknown_seconds": 0.01,
        "drain_seconds": 5.0,
        "unbind_seconds": 5.0,
    }
    return SmscSettings(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


class Logs:
    """A structlog processor that keeps every entry and lets a test wait for one."""

    def __init__(self) -> None:
        self.entries: list[structlog.typing.EventDict] = []
        self._news = asyncio.Event()

    def __call__(
        self, _: object, level: str, entry: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        self.entries.append({**entry, "level": level})
        self._news.set()
        raise structlog.DropEvent

    def named(self, event: str) -> list[structlog.typing.EventDict]:
        return [entry for entry in self.entries if entry["event"] == event]

    async def wait(self, event: str) -> structlog.typing.EventDict:
        while not self.named(event):
            self._news.clear()
            await self._news.wait()
        return self.named(event)[0]


@pytest.fixture
def logs() -> Iterator[Logs]:
    before = structlog.get_config()["processors"]
    it = Logs()
    structlog.configure(processors=[it])
    yield it
    structlog.configure(processors=before)


class World:
    """One gateway, one simulated SMSC, and all that they say to each other."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[HandsetSms] = asyncio.Queue()
        self.smsc = SimulatedSmsc(on_sms=self.received.put_nowait)
        self.outbox = MemoryOutbox()
        self.inbox = MemoryInbox()
        self.metrics = CountingMetrics()
        self.gateway: SmsGateway

    async def statuses(self, number: int = 1) -> list[int | None]:
        """What was retried on the way to Sent."""
        assert await self.outbox.settled(number) == Sent()
        return [o.status for n, o in self.outbox.outcomes if n == number and isinstance(o, Retry)]


@asynccontextmanager
async def running(gateway: SmsGateway) -> AsyncIterator[None]:
    task = asyncio.create_task(gateway.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


@asynccontextmanager
async def world(simulator: SimulatorSettings | None = None, **changes: object) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        it = World()
        if simulator is not None:
            it.smsc = SimulatedSmsc(simulator, on_sms=it.received.put_nowait)
        await stack.enter_async_context(it.smsc.running())
        it.gateway = SmsGateway(
            quick(it.smsc.port, **changes), it.outbox, it.inbox, clock=StillClock(), metrics=it.metrics
        )
        await stack.enter_async_context(running(it.gateway))
        yield it


async def test_a_single_sms_arrives_and_its_receipt_comes_back() -> None:
    async with world() as it:
        it.outbox.put(sms())
        arrived = await it.received.get()
        assert (arrived.text, arrived.port, arrived.originator) == (SYNC, 5499, "5511")
        assert arrived.recipient == HANDSET
        assert await it.outbox.settled(1) == Sent()
        await it.outbox.until(lambda: bool(it.outbox.receipts))
        (receipt,) = it.outbox.receipts
        (accepted,) = it.outbox.accepted
        assert accepted == Accepted(1, 1, 1, receipt.message_id)
        assert (receipt.state, receipt.recipient) == (MessageState.DELIVERED, HANDSET)


@pytest.mark.parametrize("coding", list(Coding))
async def test_a_long_sms_arrives_whole_in_every_coding(coding: Coding) -> None:
    async with world() as it:
        it.outbox.put(sms(text=LONG, coding=coding))
        arrived = await it.received.get()
        assert (arrived.text, arrived.coding) == (LONG, coding)
        assert await it.outbox.settled(1) == Sent()
        numbers = [accepted.segment for accepted in it.outbox.accepted]
        assert numbers == list(range(1, len(arrived.segments) + 1))
        assert len(numbers) > 1


async def test_segments_that_the_smsc_took_before_are_not_sent_again() -> None:
    async with world() as it:
        it.outbox.put(sms(text=LONG, accepted=frozenset({1})))
        assert await it.outbox.settled(1) == Sent()
        (submitted,) = it.smsc.submits
        assert submitted.header.concatenation is not None
        assert submitted.header.concatenation.number == 2


async def test_a_retry_resumes_behind_the_accepted_segments() -> None:
    async with world() as it:
        it.smsc.inject(0, 0x08)
        it.outbox.put(sms(text=LONG))
        assert await it.statuses() == [0x08]
        assert [accepted.segment for accepted in it.outbox.accepted] == [1, 2]
        assert it.smsc.submitted == 3


async def test_the_window_is_filled_and_never_passed() -> None:
    async with world(window=4) as it:
        it.outbox.put(*(sms(number) for number in range(100)))
        await it.outbox.until(lambda: len(it.outbox.outcomes) == 100)
        assert it.metrics.widest == 4
        assert len(it.outbox.leased) == 0


async def test_no_more_is_leased_than_can_be_sent_soon() -> None:
    async with world(window=4, drain_seconds=0.01) as it:
        it.smsc.inject(*[Fault.SILENCE] * 8)
        it.outbox.put(*(sms(number) for number in range(100)))
        await it.smsc.until(lambda: it.smsc.submitted == 4)
        assert len(it.outbox.leased) == 8


@pytest.mark.parametrize("status", [0x58, 0x14, 0x40B, 0x08, 0x64])
async def test_temporary_errors_are_tried_again(status: int) -> None:
    async with world() as it:
        it.smsc.inject(status, status)
        it.outbox.put(sms())
        assert await it.statuses() == [status, status]
        assert it.metrics.statuses == [status, status, 0]


async def test_throttling_slows_the_sending_down_and_is_not_counted() -> None:
    async with world(throttle_pause_seconds=0.02) as it:
        it.smsc.inject(0x58)
        it.outbox.put(sms())
        assert await it.statuses() == [0x58]
        _, throttled = it.outbox.outcomes[0]
        assert throttled == Retry(timedelta(seconds=0.02), 0x58, counted=False)


async def test_an_invalid_destination_is_refused_and_the_others_go_on() -> None:
    async with world() as it:
        it.smsc.inject(0x0B, recipient="15550000000")
        it.outbox.put(sms(1, recipient="+15550000000"), sms(2))
        assert await it.outbox.settled(1) == Refused(0x0B, reason="smsc_rinvdstadr")
        assert await it.outbox.settled(2) == Sent()


async def test_a_forgotten_bind_is_made_again() -> None:
    async with world() as it:
        it.smsc.inject(0x04)
        it.outbox.put(sms())
        assert await it.statuses() == [0x04]


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.HALF_PDU, Fault.OVERSIZED])
async def test_a_link_lost_in_mid_window_loses_no_sms(fault: Fault) -> None:
    async with world(window=8) as it:
        it.smsc.inject(0, 0, 0, fault, recipient=None)
        it.outbox.put(*(sms(number) for number in range(20)))
        for number in range(20):
            assert await it.outbox.settled(number) == Sent()
        unknown = [o for _, o in it.outbox.outcomes if isinstance(o, Retry) and o.counted]
        assert unknown
        assert {o.status for o in unknown} == {None}


async def test_silence_is_an_unknown_outcome_and_the_link_goes_on() -> None:
    async with world(response_seconds=0.05) as it:
        it.smsc.inject(Fault.SILENCE)
        it.outbox.put(sms())
        assert await it.statuses() == [None]
        assert it.metrics.statuses == [None, 0]
        assert it.smsc.bound == 1


async def test_an_answer_without_a_body_is_an_answer() -> None:
    async with world() as it:
        it.smsc.inject(Fault.NO_BODY)
        it.outbox.put(sms())
        assert await it.statuses() == []
        assert it.outbox.accepted == [Accepted(1, 1, 1, "")]


async def test_an_answer_that_dribbles_in_is_an_answer() -> None:
    async with world() as it:
        it.smsc.inject(Fault.DRIBBLE)
        it.outbox.put(sms())
        assert await it.statuses() == []


async def test_a_receipt_that_overtakes_its_answer_finds_its_message_id_known() -> None:
    async with world() as it:
        it.smsc.inject(Fault.RECEIPT_FIRST)
        known: list[bool] = []
        keep = it.outbox.receipt

        async def receipt(receipt: object) -> None:
            known.append(bool(it.outbox.accepted))
            await keep(receipt)  # type: ignore[arg-type]  # only looks on

        it.outbox.receipt = receipt  # type: ignore[method-assign]
        it.outbox.put(sms())
        await it.smsc.until(lambda: bool(it.smsc.receipt_answers))
        assert known == [True]


async def test_a_receipt_with_an_odd_error_is_acknowledged() -> None:
    odd = SimulatorSettings(receipt_tlvs=False, receipt_text=b"id:%(id)s stat:UNDELIV err:00B")
    async with world(odd) as it:
        it.outbox.put(sms())
        await it.smsc.until(lambda: bool(it.smsc.receipt_answers))
        (receipt,) = it.outbox.receipts
        assert (receipt.state, receipt.error) == (MessageState.UNDELIVERABLE, "00B")
        assert it.outbox.accepted[0].message_id == receipt.message_id
        assert [status for _, status in it.smsc.receipt_answers] == [Status.ROK]


async def test_an_activate_is_handed_over_before_it_is_acknowledged() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE, port=5499) == [Status.ROK]
        (message,) = it.inbox.messages
        assert (message.text, message.port, message.coding) == (ACTIVATE, 5499, Coding.OCTETS)
        assert (message.originator, message.destination, message.smsc) == (HANDSET, "5511", "main")
        assert message.received_at == StillClock().now()


async def test_an_inbox_that_is_away_has_the_smsc_deliver_again() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        it.inbox.available = False
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.RX_T_APPN]
        it.inbox.available = True
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.ROK]
        assert len(it.inbox.messages) == 1
        assert it.metrics.results == ["refused", "accepted"]


async def test_a_bug_in_the_inbox_costs_one_sms_its_acknowledgement_and_not_the_link(logs: Logs) -> None:
    async with world() as it:

        async def broken(_: object) -> None:
            raise KeyError("a bug")

        await it.gateway.wait_bound()
        it.inbox.received = broken  # type: ignore[method-assign]
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.RX_T_APPN]
        assert logs.named("inbound_failed")
        assert it.gateway.bound


async def test_garbage_is_acknowledged_and_counted() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        broken = Sm(Address(1, 1, b"15551230001"), Address(3, 0, b"5511"), b"\x20\x05", esm_class=0x40)
        assert await it.smsc.deliver(broken) == Status.ROK
        assert it.inbox.messages == []
        assert it.metrics.results == ["garbage"]


async def test_a_delivery_that_is_repeated_has_the_same_deduplication_key() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        await it.smsc.send_mo("15551230001", "5511", ACTIVATE)
        await it.smsc.send_mo("15551230001", "5511", ACTIVATE)
        await it.smsc.send_mo("15551230002", "5511", ACTIVATE)
        first, second, other = [message.deduplication_key for message in it.inbox.messages]
        assert first == second != other


async def test_a_long_sms_from_a_handset_is_handed_over_once_and_whole() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        it.inbox.available = False
        text = ACTIVATE + "x" * 200
        first = await it.smsc.send_mo("15551230001", "5511", text, port=5499, reference=7)
        assert first == [Status.ROK, Status.RX_T_APPN]
        it.inbox.available = True
        assert await it.smsc.send_mo("15551230001", "5511", text, port=5499, reference=7) == [0, 0]
        assert [message.text for message in it.inbox.messages] == [text]


async def test_a_half_pdu_from_the_smsc_waits_for_its_other_half() -> None:
    async with world(drain_seconds=0.01) as it:
        await it.gateway.wait_bound()
        octets = encode(Pdu(Command.DELIVER_SM, 99, Sm(Address(1, 1, b"1"), Address(3, 0, b"2"), b"hi")))
        it.smsc.write(octets[:20])
        it.outbox.put(sms())
        it.smsc.inject(Fault.SILENCE)
        await it.smsc.until(lambda: it.smsc.submitted == 1)
        assert it.inbox.messages == []
        it.smsc.write(octets[20:])
        (message,) = await it.inbox.wait_messages(1)
        assert message.text == "hi"


async def test_a_malformed_deliver_sm_is_nacked_and_the_link_goes_on(logs: Logs) -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        it.smsc.write(bytes.fromhex("00000011 00000005 00000000 00000063 ff"))
        assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.ROK]
        reasons = [entry["reason"] for entry in logs.named("pdu_ignored")]
        assert reasons == ["malformed", "answers_nothing"]  # the second is how the simulator sees the nack


async def test_a_flood_is_sent_back_for_later() -> None:
    async with world(inbound_queue=1, inbound_workers=1) as it:
        await it.gateway.wait_bound()
        gate = asyncio.Event()
        keep = it.inbox.received

        async def slow(message: object) -> None:
            await gate.wait()
            await keep(message)  # type: ignore[arg-type]  # only waits

        it.inbox.received = slow  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as group:
            flood = [group.create_task(it.smsc.send_mo("1", "5511", f"{n}")) for n in range(20)]
            done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
            assert {tuple(task.result()) for task in done} == {(Status.RX_T_APPN,)}
            gate.set()
        statuses = [task.result()[0] for task in flood]
        assert statuses.count(Status.ROK) == len(it.inbox.messages) > 0


async def test_unbind_from_the_smsc_is_answered_and_the_bind_made_again() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        assert await it.smsc.unbind() == Status.ROK
        await it.smsc.until(lambda: it.smsc.bound == 0)
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()


async def test_a_refused_password_is_tried_slowly_and_raises_the_alarm(logs: Logs) -> None:
    async with world(SimulatorSettings(password="other"), locked_out_first_seconds=600.0) as it:
        alarm = await logs.wait("smsc_credentials_refused")
        assert not it.gateway.bound
    assert (alarm["level"], alarm["status"], alarm["again_in_seconds"]) == ("error", "RINVPASWD", 600.0)
    assert "secret" not in repr(logs.entries)


async def test_a_corrected_password_is_found_by_the_slow_retry() -> None:
    async with world(SimulatorSettings(password="other"), locked_out_first_seconds=0.01) as it:
        await it.smsc.until(lambda: it.smsc.refused_binds >= 3)


async def test_an_smsc_that_is_down_is_tried_until_it_is_back(logs: Logs) -> None:
    smsc = SimulatedSmsc()
    async with smsc.running():
        port = smsc.port
    outbox = MemoryOutbox()
    outbox.put(sms())
    gateway = SmsGateway(quick(port), outbox, MemoryInbox(), clock=StillClock())
    async with running(gateway):
        await logs.wait("smsc_lost")
        async with SimulatedSmsc(SimulatorSettings(port=port)).running():
            assert await outbox.settled(1) == Sent()


async def test_a_peer_that_is_silent_is_dropped_and_bound_again(logs: Logs) -> None:
    binds: asyncio.Queue[bytes] = asyncio.Queue()

    async def hung(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = (await reader.readexactly(32))[:16]
        writer.write(encode(Pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, BindResponse(b"hung"))))
        binds.put_nowait(header)
        await reader.read()  # to the end, without an answer
        writer.close()

    server = await asyncio.start_server(hung, "127.0.0.1", 0)
    async with server:
        settings = quick(
            server.sockets[0].getsockname()[1],
            enquire_seconds=0.02,
            enquire_response_seconds=0.02,
            unbind_seconds=0.02,
        )
        async with running(SmsGateway(settings, MemoryOutbox(), MemoryInbox(), clock=StillClock())):
            assert await binds.get() == await binds.get()
        assert logs.named("smsc_lost")[0]["reason"] == "silent: enquire_link was not answered"


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x04", b""])
async def test_a_port_where_no_smsc_listens_costs_only_another_try(logs: Logs, greeting: bytes) -> None:
    callers: asyncio.Queue[None] = asyncio.Queue()

    async def stranger(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.put_nowait(None)
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(stranger, "127.0.0.1", 0) as server:
        settings = quick(server.sockets[0].getsockname()[1])
        async with running(SmsGateway(settings, MemoryOutbox(), MemoryInbox(), clock=StillClock())):
            await callers.get()
            await callers.get()
    assert logs.named("smsc_lost")[0]["reason"] == "bind_unanswered"


async def test_an_outbox_that_is_away_is_asked_again(logs: Logs) -> None:
    async with world(idle_seconds=0.01) as it:
        it.outbox.available = False
        await it.gateway.wait_bound()
        it.outbox.put(sms())
        await logs.wait("outbox_unavailable")
        it.outbox.available = True
        assert await it.outbox.settled(1) == Sent()


async def test_a_text_that_its_coding_cannot_say_is_refused_by_us() -> None:
    async with world() as it:
        it.outbox.put(sms(text="\N{TELEPHONE RECEIVER}", coding=Coding.GSM7))
        assert await it.outbox.settled(1) == Refused(None, reason="not_in_alphabet")
        it.outbox.put(sms(2, text="x" * 40_000))
        assert await it.outbox.settled(2) == Refused(None, reason="too_long")


async def test_stopping_finishes_what_is_in_flight_and_unbinds() -> None:
    async with world(SimulatorSettings(receipts=False)) as it:
        await it.gateway.wait_bound()
        it.outbox.put(sms())
        await it.smsc.until(lambda: it.smsc.submitted == 1)
    assert it.outbox.outcomes == [(1, Sent())]
    assert it.smsc.unbinds == 1


async def test_stopping_returns_what_the_smsc_does_not_answer() -> None:
    async with world(drain_seconds=0.02, window=2) as it:
        it.smsc.inject(*[Fault.SILENCE] * 2)
        it.outbox.put(*(sms(number) for number in range(4)))
        await it.smsc.until(lambda: it.smsc.submitted == 2)
    retries = [outcome for _, outcome in it.outbox.outcomes if isinstance(outcome, Retry)]
    assert [retry.counted for retry in retries].count(True) == 2, "those that the SMSC may have taken"
    assert [retry.counted for retry in retries].count(False) == 2, "those that it never saw"


async def test_two_gateways_share_one_outbox() -> None:
    async with world() as one:
        other = SimulatedSmsc()
        async with other.running():
            second = SmsGateway(quick(other.port), one.outbox, MemoryInbox(), clock=StillClock())
            async with running(second):
                await second.wait_bound()
                one.outbox.put(*(sms(number) for number in range(200)))
                await one.outbox.until(lambda: len(one.outbox.outcomes) == 200)
        assert one.smsc.submitted + other.submitted == 200


async def test_an_sms_from_a_handset_needs_a_bind() -> None:
    smsc = SimulatedSmsc()
    async with smsc.running():
        with pytest.raises(NotSent):
            await smsc.send_mo("15551230001", "5511", ACTIVATE)
