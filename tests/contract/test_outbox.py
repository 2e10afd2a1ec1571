# SPDX-License-Identifier: Apache-2.0
"""What OutboxStore promises: owed is owed until it is closed, and one worker at a time has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, SECOND, new_subscriber, owed_to, owed_to_stranger
from vvm.domain.notification import Cause, Leased, Owed
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Acceptance, OutboxCounts, OwedCount, Settlement, Store


async def lease(store: Store, now: datetime = NOW, limit: int = 100) -> Sequence[Leased]:
    return await store.outbox.lease(now=now, lease=MINUTE, limit=limit)


async def lease_one(store: Store, now: datetime = NOW) -> Leased:
    (row,) = await lease(store, now)
    return row


# Owing and leasing


async def test_a_leased_row_says_what_was_owed(store: Store, alice: Subscriber) -> None:
    owed = owed_to(alice, return_code=2)
    await store.outbox.owe([owed])
    row = await lease_one(store)
    assert row == Leased(
        id=row.id,
        recipient=ALICE,
        subscriber=alice.id,
        cause=Cause.STATUS,
        uid=None,
        return_code=2,
        attempt=1,
        owed_at=NOW,
        taken_at=row.taken_at,
        expires_at=owed.expires_at,
        accepted=frozenset(),
    )


async def test_somebody_whom_we_do_not_serve_can_be_answered(store: Store) -> None:
    owed = Owed(BOB, None, Cause.STATUS, due_at=NOW, expires_at=NOW + MINUTE, return_code=4)
    await store.outbox.owe([owed])
    row = await lease_one(store)
    assert (row.recipient, row.subscriber, row.return_code) == (BOB, None, 4)


async def test_nothing_owed_is_nothing_to_do(store: Store) -> None:
    await store.outbox.owe([])
    assert await lease(store) == []
    assert await store.outbox.next_due(now=NOW) is None
    assert await store.outbox.counts() == OutboxCounts()


async def test_a_row_is_not_taken_before_it_is_due(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice, due_at=NOW + SECOND)])
    assert await lease(store, NOW + SECOND - timedelta(microseconds=1)) == []
    assert len(await lease(store, NOW + SECOND)) == 1


async def test_the_oldest_due_goes_first(store: Store) -> None:
    for code, due_at in ((1, NOW), (2, NOW - MINUTE), (3, NOW - SECOND), (4, NOW - MINUTE)):
        await store.outbox.owe([owed_to_stranger(code, due_at=due_at, return_code=code)])
    first = await lease(store, limit=2)
    assert {row.return_code for row in first} == {2, 4}
    assert [row.return_code for row in await lease(store, limit=1)] == [3]
    assert [row.return_code for row in await lease(store)] == [1]


async def test_a_leased_row_is_nobody_elses_until_its_lease_ends(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    first = await lease_one(store)
    assert await lease(store, NOW + MINUTE - timedelta(microseconds=1)) == []
    again = await lease_one(store, NOW + MINUTE)
    assert (again.id, again.attempt) == (first.id, 2)


async def test_no_row_is_leased_to_two_workers(store: Store) -> None:
    await store.outbox.owe([owed_to_stranger(number) for number in range(40)])
    batches = await asyncio.gather(*(lease(store, limit=7) for _ in range(8)))
    taken = [row.id for batch in batches for row in batch]
    assert len(taken) == len(set(taken)) == 40


async def test_a_row_past_its_expiry_is_still_owed(store: Store, alice: Subscriber) -> None:
    """Who leases it decides: it has to be closed, and not to vanish."""
    owed = owed_to(alice)
    await store.outbox.owe([owed])
    row = await lease_one(store, owed.expires_at + MINUTE)
    assert row.expires_at == owed.expires_at


# Segments


async def test_segments_that_were_accepted_come_back_with_the_next_lease(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([owed_to(alice), owed_to_stranger()])
    row, other = await lease(store)
    await store.outbox.accepted(row, Acceptance(1, 3, "a1"), now=NOW)
    await store.outbox.accepted(row, Acceptance(3, 3, "a3"), now=NOW)
    again = {row.id: row for row in await lease(store, NOW + MINUTE)}
    assert again[row.id].accepted == frozenset({1, 3})
    assert again[other.id].accepted == frozenset()


async def test_a_segment_may_be_accepted_twice(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    for message_id in ("a1", "b1"):
        await store.outbox.accepted(row, Acceptance(1, 1, message_id), now=NOW)
    assert (await lease_one(store, NOW + MINUTE)).accepted == frozenset({1})
    await store.outbox.settle(row, Settlement.SENT, now=NOW)
    assert await store.outbox.receipt("b1", Settlement.DELIVERED, now=NOW) is not None


# Giving back


async def test_a_row_given_back_is_due_when_it_was_said(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    for due_at in (NOW + SECOND, NOW + 10 * MINUTE):
        await store.outbox.retry(row, due_at=due_at, status=0x58, counted=True)
        assert await store.outbox.next_due(now=NOW) == due_at
        assert await lease(store, due_at - timedelta(microseconds=1)) == []
        again = await lease_one(store, due_at)
        assert again.id == row.id
        row = again


@pytest.mark.parametrize(("counted", "attempts"), [(True, [1, 2, 3]), (False, [1, 1, 1])])
async def test_an_attempt_that_is_not_counted_is_taken_back(
    store: Store,
    alice: Subscriber,
    counted: bool,
    attempts: list[int],
) -> None:
    await store.outbox.owe([owed_to(alice)])
    seen = []
    for _ in attempts:
        row = await lease_one(store)
        seen.append(row.attempt)
        await store.outbox.retry(row, due_at=NOW, status=None, counted=counted)
    assert seen == attempts


async def test_segments_survive_a_retry(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    await store.outbox.accepted(row, Acceptance(1, 2, "a1"), now=NOW)
    await store.outbox.retry(row, due_at=NOW, status=0x14, counted=True)
    assert (await lease_one(store)).accepted == frozenset({1})


async def test_who_lost_its_lease_cannot_give_the_row_back(store: Store, alice: Subscriber) -> None:
    """Or the row would be sent by a third worker while the second one still has it."""
    await store.outbox.owe([owed_to(alice)])
    slow = await lease_one(store)
    await lease_one(store, NOW + MINUTE)
    await store.outbox.retry(slow, due_at=NOW, status=None, counted=False)
    assert await lease(store, NOW + MINUTE) == []
    assert (await lease_one(store, NOW + 2 * MINUTE)).attempt == 3


# Closing


@pytest.mark.parametrize("settlement", Settlement)
async def test_a_closed_row_is_not_owed(store: Store, alice: Subscriber, settlement: Settlement) -> None:
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    await store.outbox.settle(row, settlement, now=NOW, status=0x0B)
    assert await lease(store, NOW + 10 * MINUTE) == []
    assert await store.outbox.next_due(now=NOW) is None
    dead = settlement in {Settlement.FAILED, Settlement.EXPIRED}
    assert await store.outbox.counts() == OutboxCounts(dead=int(dead))


async def test_a_closed_row_stays_closed(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice), owed_to_stranger()])
    row, other = await lease(store)
    await store.outbox.settle(row, Settlement.SENT, now=NOW)
    await store.outbox.settle(row, Settlement.FAILED, now=NOW)
    await store.outbox.retry(row, due_at=NOW, status=None, counted=True)
    assert [found.id for found in await lease(store, NOW + MINUTE)] == [other.id]


# Receipts


async def sent(store: Store, alice: Subscriber, *message_ids: str) -> Leased:
    """A row that was sent in as many segments."""
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    *others, last = [Acceptance(each, len(message_ids), name) for each, name in enumerate(message_ids, 1)]
    for segment in others:
        await store.outbox.accepted(row, segment, now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW, last=last)
    return row


async def test_who_lost_its_lease_notes_no_last_segment(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    old = await lease_one(store)
    await lease_one(store, NOW + MINUTE)
    await store.outbox.settle(old, Settlement.SENT, now=NOW, last=Acceptance(1, 1, "a1"))
    assert (await lease_one(store, NOW + 2 * MINUTE)).accepted == frozenset()
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW) is None


async def test_a_receipt_of_an_unknown_message_is_not_ours(store: Store, alice: Subscriber) -> None:
    await sent(store, alice, "a1")
    assert await store.outbox.receipt("z9", Settlement.DELIVERED, now=NOW) is None
    assert await store.outbox.receipt("A1", Settlement.DELIVERED, now=NOW) is None


async def test_every_segment_has_its_receipt(store: Store, alice: Subscriber) -> None:
    await sent(store, alice, "a1", "a2")
    assert await store.outbox.receipt("a2", Settlement.DELIVERED, now=NOW) is not None
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW) is not None


async def test_a_repeated_receipt_does_no_harm(store: Store, alice: Subscriber) -> None:
    await sent(store, alice, "a1")
    for settlement in (Settlement.DELIVERED, Settlement.DELIVERED, Settlement.FAILED):
        assert await store.outbox.receipt("a1", settlement, now=NOW) is not None
    assert await lease(store, NOW + 10 * MINUTE) == []


async def half_sent(store: Store, alice: Subscriber) -> Leased:
    """A row of two segments; the SMSC took the first, and the worker has not closed it."""
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    await store.outbox.accepted(row, Acceptance(1, 2, "a1"), now=NOW)
    return row


async def test_a_row_with_a_segment_to_come_is_owed_whatever_was_delivered(
    store: Store, alice: Subscriber
) -> None:
    await half_sent(store, alice)
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW) is not None
    assert (await store.outbox.counts()).owed == 1
    assert (await lease_one(store, NOW + MINUTE)).accepted == frozenset({1})


async def test_a_row_that_was_delivered_whole_is_closed(store: Store, alice: Subscriber) -> None:
    """Its worker may have been killed before it could close it."""
    row = await half_sent(store, alice)
    await store.outbox.accepted(row, Acceptance(2, 2, "a2"), now=NOW)
    assert await store.outbox.receipt("a2", Settlement.DELIVERED, now=NOW) is not None
    assert (await store.outbox.counts()).owed == 1
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW) is not None
    assert (await store.outbox.counts()).owed == 0


async def test_a_row_with_a_segment_that_cannot_be_delivered_is_closed(
    store: Store, alice: Subscriber
) -> None:
    await half_sent(store, alice)
    assert await store.outbox.receipt("a1", Settlement.FAILED, now=NOW) is not None
    assert (await store.outbox.counts()).owed == 0


async def test_an_smsc_may_use_an_id_again(store: Store, alice: Subscriber) -> None:
    await sent(store, alice, "a1")
    await sent(store, alice, "a1")
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW) is not None


# Looking


async def test_counts_tell_how_much_is_owed_and_since_when(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.outbox.owe([owed_to(alice, due_at=NOW + SECOND), owed_to(bob), owed_to_stranger()])
    assert await store.outbox.counts() == OutboxCounts({"": OwedCount(3, NOW)})
    row, _ = await lease(store)
    assert await store.outbox.counts() == OutboxCounts({"": OwedCount(3, NOW + SECOND)})
    await store.outbox.settle(row, Settlement.SENT, now=NOW)
    assert (await store.outbox.counts()).owed == 2


async def test_counts_tell_how_many_were_given_up(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice), owed_to_stranger()])
    first, second = await lease(store)
    await store.outbox.settle(first, Settlement.FAILED, now=NOW)
    await store.outbox.settle(second, Settlement.EXPIRED, now=NOW)
    assert await store.outbox.counts() == OutboxCounts(dead=2)
    await store.outbox.resend(first.id, now=NOW, expires_at=NOW + MINUTE)
    assert (await store.outbox.counts()).dead == 1


async def test_next_due_is_the_earliest(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice, due_at=NOW + 5 * MINUTE), owed_to_stranger()])
    assert await store.outbox.next_due(now=NOW) == NOW
    await lease(store)
    assert await store.outbox.next_due(now=NOW) == NOW + MINUTE  # the end of the lease
    await lease(store, NOW + MINUTE)
    await lease(store, NOW + 2 * MINUTE)
    assert await store.outbox.next_due(now=NOW) == NOW + 3 * MINUTE
