# SPDX-License-Identifier: Apache-2.0
"""What handsets send, through the simulated SMSC, over real sockets."""

from __future__ import annotations

import asyncio

import msgspec

from sms_gateway.port import Coding
from sms_gateway.simulator.faults import Fault
from sms_gateway.smpp.pdu import Address, Command, Pdu, Sm, encode
from sms_gateway.smpp.status import Status
from sms_gateway.text import segments
from tests.unit.sms_world import ACTIVATE, HANDSET, StillClock, logged, sms, world


def segment_of(text: str, index: int) -> Sm:
    data = segments.cut(text, coding=Coding.OCTETS, port=5499, reference=7)[index].user_data
    return Sm(Address(1, 1, b"15551230001"), Address(3, 0, b"5511"), data, esm_class=0x40, data_coding=4)


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


async def test_a_bug_in_the_inbox_costs_one_sms_its_acknowledgement_and_not_the_link() -> None:
    with logged() as logs:
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
        assert first == [Status.RX_T_APPN, Status.RX_T_APPN]
        it.inbox.available = True
        assert await it.smsc.send_mo("15551230001", "5511", text, port=5499, reference=7) == [0, 0]
        assert [message.text for message in it.inbox.messages] == [text]
        assert len(it.inbox.partials) == 0
        assert it.metrics.results == ["refused", "refused", "segment", "accepted"]


async def test_an_sms_of_more_segments_than_a_request_has_is_garbage() -> None:
    async with world(partial_segments=2) as it:
        await it.gateway.wait_bound()
        text = ACTIVATE + "x" * 300
        assert await it.smsc.send_mo("15551230001", "5511", text, port=5499) == [0, 0, 0]
        assert (len(it.inbox.partials), it.metrics.results) == (0, ["garbage"] * 3)


async def test_one_handset_does_not_take_the_room_of_another() -> None:
    async with world(partial_limit=3, partial_each=1) as it:
        await it.gateway.wait_bound()
        text = ACTIVATE + "x" * 200
        alice = segment_of(text, 0)
        assert await it.smsc.deliver(alice) == Status.ROK
        bob = Address(1, 1, b"15551239999")
        for reference in range(4):
            header = bytes((5, 0, 3, reference, 2, 1))
            half = msgspec.structs.replace(alice, source=bob, short_message=header + b"x")
            assert await it.smsc.deliver(half) == Status.ROK
        assert len(it.inbox.partials) == 2
        assert await it.smsc.deliver(segment_of(text, 1)) == Status.ROK
        assert [message.text for message in it.inbox.messages] == [text]


async def test_a_segment_that_was_acknowledged_outlives_the_gateway() -> None:
    text = ACTIVATE + "x" * 200
    one, two = (segment_of(text, number) for number in (0, 1))
    async with world() as before:
        await before.gateway.wait_bound()
        assert await before.smsc.deliver(one) == Status.ROK
    async with world() as after:
        after.inbox.partials = before.inbox.partials
        await after.gateway.wait_bound()
        assert await after.smsc.deliver(two) == Status.ROK
        assert [message.text for message in after.inbox.messages] == [text]


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


async def test_a_malformed_deliver_sm_is_nacked_and_the_link_goes_on() -> None:
    with logged() as logs:
        async with world() as it:
            await it.gateway.wait_bound()
            it.smsc.write(bytes.fromhex("00000011 00000005 00000000 00000063 ff"))
            assert await it.smsc.send_mo("15551230001", "5511", ACTIVATE) == [Status.ROK]
            reasons = [entry["reason"] for entry in logs.named("pdu_ignored")]
            assert reasons == [
                "malformed",
                "answers_nothing",
            ]  # the second: how it sees our nack


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
