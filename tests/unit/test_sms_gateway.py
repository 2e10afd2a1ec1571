# SPDX-License-Identifier: Apache-2.0
"""The gateway against the simulated SMSC over real sockets, with every fault it knows."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest

from sms_gateway.errors import NotSent
from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Coding, MessageState, Refused, Retry, Sent
from sms_gateway.simulator.faults import Fault
from sms_gateway.simulator.ports import Accepted, MemoryInbox, MemoryOutbox
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from sms_gateway.smpp.pdu import RESPONSE, BindResponse, Command, Pdu, encode
from sms_gateway.smpp.status import Status
from tests.unit.sms_world import ACTIVATE, HANDSET, LONG, SYNC, StillClock, logged, quick, running, sms, world


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


async def test_a_gateway_that_has_no_part_of_the_rate_leases_nothing_until_it_has() -> None:
    async with world() as it:
        it.gateway.share(it.gateway.names[0], 0.0, math.inf)
        assert not it.gateway.bound
        it.outbox.put(sms())
        it.gateway.share(it.gateway.names[0], 0.5, math.inf)
        await it.received.get()
        assert await it.outbox.settled(1) == Sent()
        assert it.gateway.bound


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


async def test_what_waits_for_the_window_of_a_lost_link_was_not_sent() -> None:
    async with world(window=1) as it:
        it.smsc.inject(Fault.DROP)
        it.outbox.put(sms(1), sms(2))
        assert await it.outbox.settled(1) == Sent()
        assert await it.outbox.settled(2) == Sent()
        assert (2, Retry(timedelta(0), None, counted=False)) in it.outbox.outcomes


async def test_what_cannot_be_written_leaves_the_window_to_the_next() -> None:
    async with world(window=1) as it:
        it.outbox.put(sms(1), sms(2, source="\0"), sms(3))
        assert await it.outbox.settled(1) == Sent()
        assert await it.outbox.settled(2) == Refused(None, reason="unencodable")
        assert await it.outbox.settled(3) == Sent()
        assert it.metrics.widest == 1


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
    with logged() as logs:
        async with world() as it:
            it.smsc.inject(0x0B, recipient="15550000000")
            it.outbox.put(sms(1, recipient="+15550000000"), sms(2))
            assert await it.outbox.settled(1) == Refused(0x0B, reason="smsc_rinvdstadr")
            assert await it.outbox.settled(2) == Sent()
        told = await logs.wait("sms_not_sent")
    assert (told["outcome"], told["status"]) == ("refused", "0x0000000b RINVDSTADR")


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


async def test_unbind_from_the_smsc_is_answered_and_the_bind_made_again() -> None:
    async with world() as it:
        await it.gateway.wait_bound()
        assert await it.smsc.unbind() == Status.ROK
        await it.smsc.until(lambda: it.smsc.bound == 0)
        it.outbox.put(sms())
        assert await it.outbox.settled(1) == Sent()


async def test_a_refused_password_is_tried_slowly_and_raises_the_alarm() -> None:
    with logged() as logs:
        async with world(SimulatorSettings(password="other"), locked_out_first_seconds=600.0) as it:
            alarm = await logs.wait("smsc_credentials_refused")
            assert not it.gateway.bound
        assert (alarm["level"], alarm["status"], alarm["again_in_seconds"]) == (
            "error",
            "0x0000000e RINVPASWD",
            600.0,
        )
        assert "secret" not in repr(logs.entries)


async def test_a_corrected_password_is_found_by_the_slow_retry() -> None:
    async with world(SimulatorSettings(password="other"), locked_out_first_seconds=0.01) as it:
        await it.smsc.until(lambda: it.smsc.refused_binds >= 3)
        it.smsc.password = "secret"
        await it.gateway.wait_bound()


async def test_an_smsc_that_is_down_is_tried_until_it_is_back() -> None:
    with logged() as logs:
        smsc = SimulatedSmsc()
        async with smsc.running():
            port = smsc.port
        outbox = MemoryOutbox()
        outbox.put(sms())
        gateway = SmsGateway([quick(port)], outbox, MemoryInbox(), clock=StillClock())
        async with running(gateway):
            await logs.wait("smsc_lost")
            async with SimulatedSmsc(SimulatorSettings(port=port)).running():
                assert await outbox.settled(1) == Sent()


async def test_a_peer_that_is_silent_is_dropped_and_bound_again() -> None:
    with logged() as logs:
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
            async with running(SmsGateway([settings], MemoryOutbox(), MemoryInbox(), clock=StillClock())):
                assert await binds.get() == await binds.get()
            assert logs.named("smsc_lost")[0]["reason"] == "silent: enquire_link was not answered"


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\x04", b""])
async def test_a_port_where_no_smsc_listens_costs_only_another_try(greeting: bytes) -> None:
    with logged() as logs:
        callers: asyncio.Queue[None] = asyncio.Queue()

        async def stranger(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            callers.put_nowait(None)
            writer.write(greeting)
            writer.close()

        async with await asyncio.start_server(stranger, "127.0.0.1", 0) as server:
            settings = quick(server.sockets[0].getsockname()[1])
            async with running(SmsGateway([settings], MemoryOutbox(), MemoryInbox(), clock=StillClock())):
                await callers.get()
                await callers.get()
        assert logs.named("smsc_lost")[0]["reason"] == "bind_unanswered"


async def test_an_outbox_that_is_away_is_asked_again() -> None:
    with logged() as logs:
        async with world(idle_seconds=0.01) as it:
            it.outbox.available = False
            await it.gateway.wait_bound()
            it.outbox.put(sms())
            await logs.wait("outbox_unavailable")
            it.outbox.available = True
            assert await it.outbox.settled(1) == Sent()


async def test_what_was_leased_in_an_answer_that_was_lost_waits_for_nothing_that_is_in_hands() -> None:
    async with world(SimulatorSettings(receipts=False), idle_seconds=0.01, drain_seconds=0.01) as it:
        it.smsc.inject(Fault.SILENCE)
        it.outbox.put(sms(1))
        await it.smsc.until(lambda: it.smsc.submitted == 1)
        it.outbox.answers_lost = 1
        it.outbox.put(sms(2), sms(3))
        for number in (2, 3):
            assert await it.outbox.settled(number) == Sent()
        assert it.outbox.leased.keys() == {1}
        assert it.smsc.submitted == 3


async def test_what_was_sent_is_said_until_it_is_heard_and_not_sent_again() -> None:
    async with world(SimulatorSettings(receipts=False), idle_seconds=0.01) as it:
        it.outbox.unheard = 3
        it.outbox.put(sms(1), sms(2, HANDSET[:-1] + "2"))
        for number in (1, 2):
            assert await it.outbox.settled(number) == Sent()
        assert it.smsc.submitted == 2


async def test_what_nobody_heard_until_its_lease_was_over_is_due_again() -> None:
    async with world(SimulatorSettings(receipts=False), idle_seconds=0.01) as it:
        await it.gateway.wait_bound()
        it.outbox.unheard = 1_000_000
        it.outbox.put(sms(1, held_until=asyncio.get_running_loop().time() + 0.05))
        await it.outbox.until(lambda: it.outbox.taken_back == 1)
        it.outbox.unheard = 0
        await it.outbox.until(lambda: bool(it.outbox.outcomes))
        assert it.outbox.outcomes[0] == (1, Retry(timedelta(), None, counted=False))


async def test_what_somebody_else_may_have_by_now_is_not_sent() -> None:
    """A process that was stopped, or was too slow, wakes up with leases that are over."""
    async with world(SimulatorSettings(receipts=False)) as it:
        await it.gateway.wait_bound()
        now = asyncio.get_running_loop().time()
        it.outbox.put(sms(1, held_until=now))
        await it.outbox.until(lambda: bool(it.outbox.outcomes))
        assert it.outbox.outcomes[0] == (1, Retry(timedelta(), None, counted=False))
        assert it.smsc.submitted == 0


async def test_what_cannot_be_written_is_refused_by_us() -> None:
    async with world() as it:
        it.outbox.put(sms(text="\N{TELEPHONE RECEIVER}", coding=Coding.GSM7))
        assert await it.outbox.settled(1) == Refused(None, reason="not_in_alphabet")
        it.outbox.put(sms(2, text="x" * 40_000))
        assert await it.outbox.settled(2) == Refused(None, reason="too_long")
        it.outbox.put(sms(3, port=70_000), sms(4, source="55\0" + "11"))
        assert await it.outbox.settled(3) == Refused(None, reason="unencodable")
        assert await it.outbox.settled(4) == Refused(None, reason="unencodable")


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
            second = SmsGateway([quick(other.port)], one.outbox, MemoryInbox(), clock=StillClock())
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
