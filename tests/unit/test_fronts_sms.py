# SPDX-License-Identifier: Apache-2.0
"""The outbox that the SMS gateway sees: late, doubled and broken answers end no gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog

from sms_gateway.policy import not_sent
from sms_gateway.port import (
    Acceptance,
    Coding,
    InboundSms,
    Lane,
    MessageState,
    Reachable,
    Receipt,
    Retry,
    Sent,
    Unavailable,
    Waiting,
)
from tests.unit.services_world import ALICE, BOB, CALL, NOW, SMSC, TWO_SECONDS, World
from vvm.domain.errors import Outage
from vvm.domain.notification import Leased
from vvm.domain.subscriber import Fallback, ProvisioningStatus
from vvm.fronts.sms import InboundQueue, NotificationOutbox
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import RedeliverySettings
from vvm.store.port import Told as Way

LONG = timedelta(hours=1)


async def test_a_row_whose_lease_ran_out_may_be_in_our_hands_twice() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    (first,) = await outbox.lease(10, Lane())
    world.clock.advance(LONG)
    (second,) = await outbox.lease(10, Lane())
    assert (first.id, first.attempt + 1) == (second.id, second.attempt)
    for sms in (first, second):
        await outbox.settle(sms, Sent(Acceptance(1, 1, "00000001")), smsc=SMSC)
    world.clock.advance(LONG)
    assert await outbox.lease(10, Lane()) == []


async def test_an_end_that_is_said_again_is_not_that_of_a_later_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The answer to the first was lost; an attempt that did not count has the same number as the next."""
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    (first,) = await outbox.lease(10, Lane())
    retry = world.store.outbox.retry

    async def unheard(*words: Any, **more: Any) -> None:
        await retry(*words, **more)
        raise Outage("the connection ended after the commit")

    with monkeypatch.context() as patch:
        patch.setattr(world.store.outbox, "retry", unheard)
        with pytest.raises(Unavailable):
            await outbox.settle(first, not_sent(), smsc="")
    world.clock.advance(LONG)
    (second,) = await outbox.lease(10, Lane())
    assert (first.id, first.attempt) == (second.id, second.attempt)
    await outbox.settle(first, not_sent(), smsc="")
    assert await outbox.lease(10, Lane()) == []
    await outbox.settle(second, Sent(Acceptance(1, 1, "00000001")), smsc=SMSC)
    world.clock.advance(LONG)
    assert await outbox.lease(10, Lane()) == []


async def test_what_was_leased_in_an_answer_that_was_lost_can_be_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    await world.subscriber(msisdn=BOB)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    await outbox.hold("this process")
    await world.deposit(BOB, TWO_SECONDS, CALL)
    lease = world.store.outbox.lease

    async def lost(**words: Any) -> Sequence[Leased]:
        await lease(**words)
        raise Outage("the connection ended after the commit")

    with monkeypatch.context() as patch:
        patch.setattr(world.store.outbox, "lease", lost)
        with pytest.raises(Unavailable):
            await outbox.lease(10, Lane())
    assert await outbox.lease(10, Lane()) == []
    await outbox.take_back([])
    (again,) = await outbox.lease(10, Lane())
    assert again.recipient == BOB


def request(text: str, *, seconds: float = 0.0, originator: str = ALICE, reference: str = "") -> InboundSms:
    return InboundSms(
        smsc=SMSC,
        originator=originator,
        destination="5511",
        text=text,
        octets=text.encode(),
        coding=Coding.OCTETS,
        port=None,
        received_at=NOW + timedelta(seconds=seconds),
        deduplication_key=f"{originator} {text} {reference}",
        named=bool(reference),
    )


def queue_of(world: World) -> InboundQueue:
    return InboundQueue(world.store.inbound, world.hints, world.notification, redelivery=RedeliverySettings())


async def test_a_redelivery_is_taken_once_and_a_changed_mind_is_not_one() -> None:
    world = World()
    await world.subscriber(ProvisioningStatus.PROVISIONED)
    queue = queue_of(world)
    activate, deactivate = "Activate:pv=11;ct=X", "Deactivate:pv=11;ct=X"
    for second, text in enumerate([activate, activate, deactivate, activate]):
        await queue.received(request(text, seconds=second))
    waiting = await world.store.inbound.pending(limit=10)
    assert [sms.text for sms in waiting] == [activate, deactivate, activate]
    await world.activation.drain()
    assert (await world.current()).status is ProvisioningStatus.READY


async def test_a_late_copy_of_activate_does_not_undo_a_deactivate() -> None:
    world = World()
    await world.subscriber(ProvisioningStatus.PROVISIONED)
    queue = queue_of(world)
    activate = request("Activate:pv=11;ct=X", reference="7")
    for sms in (activate, request("Deactivate:pv=11;ct=X", seconds=60, reference="8")):
        await queue.received(sms)
    await queue.received(request("Activate:pv=11;ct=X", seconds=1800, reference="7"))
    await world.activation.drain()
    assert (await world.current()).status is ProvisioningStatus.PROVISIONED
    await queue.received(request("Activate:pv=11;ct=X", seconds=1801, reference="9"))
    await world.activation.drain()
    assert (await world.current()).status is ProvisioningStatus.READY


async def test_the_same_request_later_is_a_new_one() -> None:
    world = World()
    queue = queue_of(world)
    for seconds in (0, 30):
        await queue.received(request("STATUS", seconds=seconds))
    assert len(await world.store.inbound.pending(limit=10)) == 2


async def test_an_outage_while_waiting_is_told_in_the_gateways_words(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    async def down(**_: object) -> None:
        raise Outage("the disk is gone")

    monkeypatch.setattr(world.store.outbox, "next_due", down)
    with pytest.raises(Unavailable):
        await NotificationOutbox(world.notification, clock=world.clock).wait(timedelta(seconds=1), Lane())


class Told:
    """vvm.fronts.sms.NotificationMetrics that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, float]] = []

    def told(self, row: Leased, smsc: str, at: datetime) -> None:
        self.calls.append((row.cause.value, smsc, (at - row.owed_at).total_seconds()))

    def delivered(self, told: Way, smsc: str, at: datetime) -> None:
        self.calls.append((f"{told.cause.value} delivered", smsc, (at - told.owed_at).total_seconds()))


async def test_the_time_from_the_first_cause_to_acceptance_is_measured() -> None:
    world, told = World(), Told()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    world.clock.advance(timedelta(seconds=2))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    world.clock.advance(timedelta(seconds=1))
    outbox = NotificationOutbox(world.notification, clock=world.clock, metrics=told)
    (sms,) = await outbox.lease(10, Lane())
    await outbox.settle(sms, Sent(Acceptance(1, 1, "00000001")), smsc=SMSC)
    assert told.calls == [("mailbox_update", SMSC, 3.0)]
    world.clock.advance(timedelta(seconds=4))
    again = NotificationOutbox(world.notification, clock=world.clock, metrics=told)
    for _ in range(2):  # the second is a redelivery; the process is another one
        await again.receipt(Receipt(SMSC, "00000001", MessageState.DELIVERED, "", ALICE, NOW, b""))
    assert told.calls[1:] == [("mailbox_update delivered", SMSC, 7.0)]


async def test_a_phone_that_was_not_reached_is_not_among_the_delivered() -> None:
    world, told = World(), Told()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock, metrics=told)
    (sms,) = await outbox.lease(10, Lane())
    await outbox.settle(sms, Sent(Acceptance(1, 1, "00000001")), smsc=SMSC)
    await outbox.receipt(Receipt(SMSC, "00000001", MessageState.UNDELIVERABLE, "", ALICE, NOW, b""))
    assert [cause for cause, *_ in told.calls] == ["new_message"]


async def test_an_indication_reaches_the_gateway_with_its_count() -> None:
    world = World()
    options = SubscriberOptions(fallback=Fallback.MWI)
    await world.subscriber(ProvisioningStatus.PROVISIONED, options=options)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (sms,) = await NotificationOutbox(world.notification, clock=world.clock).lease(10, Lane())
    assert (sms.waiting, sms.text, sms.port) == (Waiting(1), "", 0)


async def seen_again(world: World, handset: str = ALICE) -> None:
    queue = queue_of(world)
    await queue.reachable(Reachable(SMSC, handset, NOW))


async def test_what_waits_for_another_attempt_is_due_when_its_phone_is_seen_again() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    (sms,) = await outbox.lease(10, Lane())
    await outbox.settle(sms, Retry(after=LONG, status=0x14, counted=True), smsc=SMSC)
    assert await outbox.lease(10, Lane()) == []
    await seen_again(world)
    assert [again.id for again in await outbox.lease(10, Lane())] == [sms.id]


@pytest.mark.parametrize("state", [MessageState.UNDELIVERABLE, MessageState.EXPIRED])
async def test_a_phone_that_missed_a_sync_hears_one_mbu_when_it_is_seen_again(state: MessageState) -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    (sms,) = await outbox.lease(10, Lane())
    await outbox.settle(sms, Sent(Acceptance(1, 1, "00000001")), smsc=SMSC)
    await outbox.receipt(Receipt(SMSC, "00000001", state, "", ALICE, NOW, b""))
    assert await world.texts() == []
    await seen_again(world)
    await seen_again(world)
    (text,) = await world.texts()
    assert "ev=MBU" in text
    await seen_again(world)
    assert await world.texts() == []


async def test_the_networks_error_of_what_was_not_delivered_is_logged() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    (sms,) = await outbox.lease(10, Lane())
    await outbox.settle(sms, Sent(Acceptance(1, 1, "1")), smsc=SMSC)
    receipt = Receipt(SMSC, "1", MessageState.UNDELIVERABLE, "00B" + 100 * "x", ALICE, NOW, b"")
    with structlog.testing.capture_logs() as logs:
        await outbox.receipt(receipt)
    (entry,) = [entry for entry in logs if entry["event"] == "sms_not_delivered"]
    assert (entry["msisdn"], entry["state"], entry["error"]) == (ALICE, "undeliverable", "00B" + 17 * "x")


@pytest.mark.parametrize("handset", [ALICE, BOB, "612345678", ""])
async def test_a_phone_that_missed_nothing_is_told_nothing(handset: str) -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert len(await world.texts()) == 1
    await seen_again(world, handset)
    assert await world.texts() == []


async def test_a_sender_that_comes_back_goes_on_with_what_it_had_in_hands() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    killed, other, again = (NotificationOutbox(world.notification, clock=world.clock) for _ in range(3))
    await killed.hold("one")
    (sms,) = await killed.lease(10, Lane())
    await other.hold("two")
    assert await other.lease(10, Lane()) == []
    await again.hold("one")
    (same,) = await again.lease(10, Lane())
    assert (same.id, same.attempt) == (sms.id, sms.attempt)
