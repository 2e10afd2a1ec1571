# SPDX-License-Identifier: Apache-2.0
"""What OutboxStore promises of receipts: the gate that they open, and whom a SYNC did not reach."""

from __future__ import annotations

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, SECOND, new_subscriber, owed_to
from tests.contract.test_outbox_joining import GATE, HOUR, lease, lease_one, owed_causes, shut, sync
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Acceptance, Settlement, Store


async def test_behind_a_gate_one_row_waits_for_the_receipt(store: Store, alice: Subscriber) -> None:
    await shut(store, alice)
    for _ in range(3):
        await store.outbox.owe([sync(alice)])
    assert await lease(store, MINUTE) == []
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW + MINUTE) is not None
    assert (await lease_one(store, MINUTE)).cause is Cause.MAILBOX_UPDATE


async def test_a_receipt_with_nothing_behind_the_gate_owes_nothing(store: Store, alice: Subscriber) -> None:
    await shut(store, alice)
    await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW)
    assert await owed_causes(store) == []


async def test_what_waited_when_the_gate_was_shut_is_behind_it(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    row = await lease_one(store)
    await store.outbox.owe([sync(alice)])
    await store.outbox.accepted(row, Acceptance(1, 1, "a1"), now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + GATE)
    assert await lease(store, MINUTE) == []
    await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW + MINUTE)
    assert len(await lease(store, MINUTE)) == 1


async def test_a_gate_without_a_receipt_opens_by_itself(store: Store, alice: Subscriber) -> None:
    await shut(store, alice)
    await store.outbox.owe([sync(alice)])
    assert await store.outbox.next_due(now=NOW) == NOW + GATE
    (through,) = await lease(store, GATE)
    await store.outbox.settle(through, Settlement.SENT, now=NOW + GATE)
    await store.outbox.owe([sync(alice, at=GATE)])
    assert len(await lease(store, GATE)) == 1


@pytest.mark.parametrize("settlement", [Settlement.FAILED, Settlement.EXPIRED])
async def test_any_final_receipt_opens_the_gate(
    store: Store, alice: Subscriber, settlement: Settlement
) -> None:
    await shut(store, alice)
    await store.outbox.owe([sync(alice)])
    await store.outbox.receipt("a1", settlement, now=NOW)
    assert len(await lease(store)) == 1


async def test_what_would_expire_behind_a_gate_does_not_wait_for_it(store: Store, alice: Subscriber) -> None:
    await shut(store, alice, until=2 * HOUR)
    await store.outbox.owe([sync(alice)])
    assert len(await lease(store, MINUTE)) == 1


async def test_what_waited_and_would_expire_behind_the_new_gate_stays_due(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice)])
    row = await lease_one(store)
    await store.outbox.owe([sync(alice)])
    await store.outbox.accepted(row, Acceptance(1, 1, "a1"), now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + 2 * HOUR)
    assert len(await lease(store, MINUTE)) == 1


async def missed(store: Store, *, after: int = 0) -> list[Msisdn]:
    found = await store.outbox.missed(since=NOW, before=NOW + HOUR, after=after, limit=10)
    return [record.recipient for record in found]


async def test_a_sync_that_was_reported_lost_is_missed_until_a_newer_one_is_owed(
    store: Store, alice: Subscriber
) -> None:
    await shut(store, alice)
    assert await missed(store) == []
    await store.outbox.receipt("a1", Settlement.FAILED, now=NOW + MINUTE)
    assert await missed(store) == [alice.msisdn]
    assert await store.outbox.missed(since=NOW + HOUR, before=NOW + 2 * HOUR, after=0, limit=10) == []
    assert await store.outbox.missed(since=NOW, before=NOW + MINUTE, after=0, limit=10) == []
    (letter,) = await store.outbox.dead_letters(after=0, limit=10)
    assert await missed(store, after=letter.id) == []
    await store.outbox.owe([sync(alice, at=MINUTE)])
    assert await missed(store) == []


async def test_what_no_smsc_took_was_not_missed(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    await store.outbox.settle(await lease_one(store), Settlement.FAILED, now=NOW)
    assert await missed(store) == []


async def test_of_two_gates_the_last_counts(store: Store, alice: Subscriber) -> None:
    short_lived = msgspec.structs.replace(sync(alice), expires_at=NOW + GATE - SECOND)  # waits for no gate
    for message_id in ("a1", "a2"):
        await store.outbox.owe([short_lived])
        row = await lease_one(store)
        await store.outbox.accepted(row, Acceptance(1, 1, message_id), now=NOW)
        await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + GATE)
    await store.outbox.owe([sync(alice)])
    await store.outbox.receipt("a2", Settlement.DELIVERED, now=NOW)
    assert await lease(store, MINUTE) == []
    await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW)
    assert len(await lease(store, MINUTE)) == 1


async def test_a_gate_is_in_nobody_elses_way_and_not_in_that_of_status(
    store: Store, alice: Subscriber
) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await shut(store, alice)
    await store.outbox.owe([sync(bob), owed_to(alice)])
    assert {(row.recipient, row.cause) for row in await lease(store)} == {
        (BOB, Cause.NEW_MESSAGE),
        (ALICE, Cause.STATUS),
    }


async def test_a_receipt_before_the_worker_closed_its_row_shuts_no_gate(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice)])
    row = await lease_one(store)
    await store.outbox.accepted(row, Acceptance(1, 1, "a1"), now=NOW)
    await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + GATE)
    await store.outbox.owe([sync(alice)])
    assert len(await lease(store)) == 1
