# SPDX-License-Identifier: Apache-2.0
"""What OutboxStore promises of notifications that come while others wait: they join, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, SECOND, new_subscriber, owed_to, owed_to_stranger
from vvm.domain.notification import Cause, Leased, Owed
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Acceptance, Settlement, Store

HOUR = timedelta(hours=1)
GATE = timedelta(minutes=30)
"""Shorter than anything here lives."""


async def lease(store: Store, at: timedelta = timedelta(), limit: int = 100) -> Sequence[Leased]:
    return await store.outbox.lease(now=NOW + at, lease=MINUTE, limit=limit)


async def lease_one(store: Store, at: timedelta = timedelta()) -> Leased:
    (row,) = await lease(store, at)
    return row


def sync(
    alice: Subscriber,
    cause: Cause = Cause.NEW_MESSAGE,
    *,
    at: timedelta = timedelta(),
    spacing: timedelta = timedelta(),
) -> Owed:
    return msgspec.structs.replace(owed_to(alice, cause=cause, due_at=NOW + at), spacing=spacing)


async def owed_causes(store: Store) -> list[Cause]:
    """Of everything that is owed, whenever it is due."""
    return [row.cause for row in await lease(store, timedelta(days=1))]


async def shut(store: Store, alice: Subscriber, message_id: str = "a1", *, until: timedelta = GATE) -> None:
    """Send a SYNC through an SMSC that gives receipts; none has come."""
    await store.outbox.owe([sync(alice)])
    row = await lease_one(store)
    await store.outbox.accepted(row, Acceptance(1, 1, message_id), now=NOW)
    await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + until)


# Joining


@pytest.mark.parametrize(
    ("waiting", "newer", "joined"),
    [
        (Cause.NEW_MESSAGE, Cause.NEW_MESSAGE, Cause.MAILBOX_UPDATE),
        (Cause.NEW_MESSAGE, Cause.MAILBOX_UPDATE, Cause.MAILBOX_UPDATE),
        (Cause.MAILBOX_UPDATE, Cause.NEW_MESSAGE, Cause.MAILBOX_UPDATE),
        (Cause.STATUS, Cause.STATUS, Cause.STATUS),
    ],
)
async def test_what_waits_is_joined_by_the_newer_one(
    store: Store, alice: Subscriber, waiting: Cause, newer: Cause, joined: Cause
) -> None:
    await store.outbox.owe([sync(alice, waiting)])
    await store.outbox.owe([sync(alice, newer)])
    row = await lease_one(store)
    assert (row.cause, row.uid) == (joined, None)


async def test_of_two_status_the_newer_counts_and_lives_longer(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice, return_code=5), owed_to(alice, due_at=NOW + SECOND)])
    row = await lease_one(store)
    assert (row.return_code, row.expires_at) == (0, NOW + SECOND + HOUR)


async def test_the_row_that_is_joined_keeps_its_place(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    await store.outbox.owe([owed_to_stranger(), sync(alice, at=MINUTE)])
    assert await store.outbox.next_due(now=NOW) == NOW
    assert (await store.outbox.counts()).owed == 2


async def test_neither_families_nor_recipients_join_each_other(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.outbox.owe([sync(alice), owed_to(alice), sync(bob), owed_to(bob)])
    assert sorted((row.recipient, row.cause) for row in await lease(store)) == [
        (ALICE, Cause.NEW_MESSAGE),
        (ALICE, Cause.STATUS),
        (BOB, Cause.NEW_MESSAGE),
        (BOB, Cause.STATUS),
    ]


async def test_a_row_in_a_workers_hands_is_never_joined(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    first = await lease_one(store)
    await store.outbox.owe([sync(alice)])
    await store.outbox.settle(first, Settlement.SENT, now=NOW)
    second = await lease_one(store)
    assert (first.cause, second.cause) == (Cause.NEW_MESSAGE, Cause.NEW_MESSAGE)
    assert first.id != second.id


async def test_a_lease_that_ended_unheard_of_may_still_be_in_hands(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    first = await lease_one(store)
    await store.outbox.owe([sync(alice, at=2 * MINUTE)])
    again = await lease_one(store, 2 * MINUTE)
    assert (again.id, again.cause) == (first.id, Cause.NEW_MESSAGE)
    await store.outbox.settle(again, Settlement.SENT, now=NOW + 2 * MINUTE)
    assert (await lease_one(store, 2 * MINUTE)).cause is Cause.NEW_MESSAGE


async def test_a_row_with_an_accepted_segment_is_not_joined(store: Store, alice: Subscriber) -> None:
    """The handset waits for the rest of that text, and of no other."""
    await store.outbox.owe([owed_to(alice, return_code=1)])
    row = await lease_one(store)
    await store.outbox.accepted(row, Acceptance(1, 2, "a1"), now=NOW)
    await store.outbox.retry(row, due_at=NOW, status=0x14, counted=True)
    await store.outbox.owe([owed_to(alice, return_code=2)])
    again = await lease_one(store)
    assert (again.return_code, again.accepted) == (1, frozenset({1}))
    await store.outbox.settle(again, Settlement.SENT, now=NOW)
    newer = await lease_one(store)
    assert (newer.return_code, newer.accepted) == (2, frozenset())


async def test_a_row_that_was_given_back_is_joined_and_starts_its_attempts_anew(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice)])
    for _ in range(3):
        await store.outbox.retry(await lease_one(store), due_at=NOW, status=0x14, counted=True)
    await store.outbox.owe([sync(alice)])
    row = await lease_one(store)
    assert (row.cause, row.attempt) == (Cause.MAILBOX_UPDATE, 1)


async def test_a_row_that_is_given_back_joins_the_one_that_came_meanwhile(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice)])
    first = await lease_one(store)
    await store.outbox.owe([sync(alice)])
    await store.outbox.retry(first, due_at=NOW + MINUTE, status=0x14, counted=True)
    assert await store.outbox.next_due(now=NOW) == NOW + MINUTE  # the SMSC wants this phone to wait
    row = await lease_one(store, MINUTE)
    assert (row.cause, row.id != first.id) == (Cause.MAILBOX_UPDATE, True)


async def test_a_status_that_is_given_back_gives_way_to_the_newer_one(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([owed_to(alice, return_code=5)])
    first = await lease_one(store)
    await store.outbox.owe([owed_to(alice, return_code=0)])
    await store.outbox.retry(first, due_at=NOW, status=None, counted=False)
    assert (await lease_one(store)).return_code == 0


async def test_of_two_status_the_newer_counts_when_the_older_is_given_back(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([owed_to(alice, return_code=5)])
    older = await lease_one(store)
    await store.outbox.owe([owed_to(alice, return_code=6)])
    await store.outbox.retry(older, due_at=NOW, status=0x58, counted=False)
    assert (await lease_one(store)).return_code == 6


async def test_status_goes_before_sync_whatever_is_due_longer(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice, at=-MINUTE), owed_to(alice)])
    assert [row.cause for row in await lease(store)] == [Cause.STATUS, Cause.NEW_MESSAGE]


# Spacing


async def test_a_notification_keeps_its_distance_from_the_last_of_its_family(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice, spacing=SECOND)])
    await store.outbox.settle(await lease_one(store), Settlement.SENT, now=NOW)
    await store.outbox.owe([sync(alice, spacing=SECOND)])
    await store.outbox.owe([sync(alice, spacing=SECOND, at=SECOND / 2)])
    assert await store.outbox.next_due(now=NOW) == NOW + SECOND
    assert (await lease_one(store, SECOND)).cause is Cause.MAILBOX_UPDATE


async def test_the_first_one_and_one_long_after_do_not_wait(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice, spacing=SECOND)])
    await store.outbox.settle(await lease_one(store), Settlement.SENT, now=NOW)
    await store.outbox.owe([sync(alice, spacing=SECOND, at=MINUTE), owed_to(alice)])
    assert await store.outbox.next_due(now=NOW) == NOW  # another family keeps no distance
    assert len(await lease(store, MINUTE)) == 2


# Dead letters


async def dead(store: Store, owed: Owed, settlement: Settlement = Settlement.FAILED) -> Leased:
    await store.outbox.owe([owed])
    row = await lease_one(store)
    await store.outbox.settle(row, settlement, now=NOW + SECOND, status=0x0B)
    return row


async def test_what_failed_and_what_expired_are_dead_letters_in_order(
    store: Store, alice: Subscriber
) -> None:
    failed = await dead(store, sync(alice))
    expired = await dead(store, owed_to_stranger(), Settlement.EXPIRED)
    await dead(store, sync(alice), Settlement.SENT)
    await dead(store, sync(alice), Settlement.NOT_WANTED)
    first, second = await store.outbox.dead_letters(after=0, limit=10)
    assert (first.id, first.recipient, first.cause, first.state) == (
        failed.id,
        ALICE,
        Cause.NEW_MESSAGE,
        Settlement.FAILED,
    )
    assert (first.smpp_status, first.attempts, first.owed_at, first.taken_at, first.settled_at) == (
        0x0B,
        1,
        NOW,
        NOW,
        NOW + SECOND,
    )
    assert (second.id, second.state) == (expired.id, Settlement.EXPIRED)
    assert await store.outbox.dead_letters(after=0, limit=1) == [first]
    assert await store.outbox.dead_letters(after=first.id, limit=10) == [second]


async def test_a_dead_letter_is_owed_again_once(store: Store, alice: Subscriber) -> None:
    row = await dead(store, owed_to(alice, return_code=2))
    until = NOW + 2 * HOUR
    assert await store.outbox.resend(row.id, now=NOW + MINUTE, expires_at=until) is True
    assert await store.outbox.dead_letters(after=0, limit=10) == []
    assert await store.outbox.resend(row.id, now=NOW + MINUTE, expires_at=until) is False
    again = await lease_one(store, MINUTE)
    assert (again.cause, again.return_code, again.subscriber) == (Cause.STATUS, 2, alice.id)
    assert (again.attempt, again.expires_at) == (1, until)


async def test_what_is_owed_or_unknown_is_no_dead_letter(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    row = await lease_one(store)
    for number in (row.id, row.id + 1):
        assert await store.outbox.resend(number, now=NOW, expires_at=NOW + HOUR) is False


async def test_a_dead_letter_that_is_owed_again_joins_what_waits(store: Store, alice: Subscriber) -> None:
    row = await dead(store, sync(alice))
    await store.outbox.owe([sync(alice)])
    await store.outbox.resend(row.id, now=NOW, expires_at=NOW + HOUR)
    assert (await lease_one(store)).cause is Cause.MAILBOX_UPDATE


# Forgetting


async def test_only_what_was_closed_long_ago_is_forgotten(store: Store, alice: Subscriber) -> None:
    await dead(store, owed_to(alice))
    await dead(store, owed_to_stranger())
    await store.outbox.owe([owed_to(alice)])
    assert await store.outbox.forget(before=NOW + SECOND, limit=10) == 0
    assert await store.outbox.forget(before=NOW + MINUTE, limit=1) == 1
    assert await store.outbox.forget(before=NOW + MINUTE, limit=10) == 1
    assert await store.outbox.dead_letters(after=0, limit=10) == []
    assert (await store.outbox.counts()).owed == 1


async def test_a_row_that_holds_a_gate_shut_is_not_forgotten(store: Store, alice: Subscriber) -> None:
    await shut(store, alice, until=HOUR)
    assert await store.outbox.forget(before=NOW + MINUTE, limit=10) == 0
    assert await store.outbox.forget(before=NOW + 2 * HOUR, limit=10) == 1
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=NOW) is None


# History


async def test_the_history_of_a_number_has_what_is_owed_and_what_was_closed(
    store: Store, alice: Subscriber
) -> None:
    await shut(store, alice, until=HOUR)
    await dead(store, owed_to_stranger())
    await store.outbox.owe([owed_to(alice, due_at=NOW + MINUTE)])
    sent, owed = await store.outbox.history(ALICE, limit=10)
    assert (sent.cause, sent.state, sent.accepted_at, sent.settled_at) == (
        Cause.NEW_MESSAGE,
        Settlement.SENT,
        NOW,
        NOW,
    )
    assert (owed.cause, owed.state, owed.owed_at) == (Cause.STATUS, None, NOW + MINUTE)
    assert (owed.taken_at, owed.accepted_at, owed.settled_at) == (None, None, None)
    assert await store.outbox.history(ALICE, limit=1) == [owed]
    assert await store.outbox.history(BOB, limit=10) == []


@pytest.mark.parametrize("late", [Settlement.SENT, Settlement.FAILED])
async def test_who_lost_a_lease_cannot_close_what_has_joined_since(
    store: Store, alice: Subscriber, late: Settlement
) -> None:
    await store.outbox.owe([sync(alice)])
    first = await lease_one(store)
    second = await lease_one(store, 2 * MINUTE)
    await store.outbox.retry(second, due_at=NOW + 2 * MINUTE, status=None, counted=False)
    await store.outbox.owe([sync(alice, at=2 * MINUTE)])
    await store.outbox.settle(first, late, now=NOW + 2 * MINUTE)
    assert (await lease_one(store, 3 * MINUTE)).cause is Cause.MAILBOX_UPDATE


# What a dead worker had in its hands, and phones that are seen again


async def hold(store: Store, holder: str, at: timedelta = timedelta()) -> Sequence[Leased]:
    return await store.outbox.lease(now=NOW + at, lease=MINUTE, limit=100, holder=holder)


async def test_what_a_dead_worker_had_is_due_at_once_and_no_attempt_is_counted(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice), owed_to_stranger()])
    first = await hold(store, "one")
    assert (len(first), await store.outbox.take_back("two"), await hold(store, "one")) == (2, 0, [])
    assert await store.outbox.take_back("one") == 2
    assert [(row.id, row.attempt) for row in await hold(store, "one", SECOND)] == [
        (row.id, 1) for row in first
    ]


async def test_what_a_worker_knows_of_is_not_taken_back(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice), owed_to_stranger()])
    known, unknown = await hold(store, "one")
    assert await store.outbox.take_back("one", but=[known.id]) == 1
    assert [row.id for row in await hold(store, "one", SECOND)] == [unknown.id]
    await store.outbox.settle(known, Settlement.SENT, now=NOW)
    assert (await store.outbox.counts()).owed == 1


async def test_what_is_taken_back_joins_what_waits_by_now(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    await hold(store, "one")
    await store.outbox.owe([sync(alice, at=SECOND)])
    assert await store.outbox.take_back("one") == 1
    assert (await lease_one(store, SECOND)).cause is Cause.MAILBOX_UPDATE


async def test_a_worker_that_lost_its_name_settles_nothing(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    (old,) = await hold(store, "one")
    await store.outbox.take_back("one")
    (new,) = await hold(store, "one", SECOND)
    await store.outbox.settle(old, Settlement.SENT, now=NOW + SECOND)
    assert (await store.outbox.counts()).owed == 1
    await store.outbox.settle(new, Settlement.SENT, now=NOW + SECOND)
    assert (await store.outbox.counts()).owed == 0


async def test_what_is_settled_or_given_back_is_in_nobodys_hands(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice), owed_to_stranger()])
    first, second = await hold(store, "one")
    await store.outbox.settle(first, Settlement.SENT, now=NOW)
    await store.outbox.retry(second, due_at=NOW + HOUR, status=None, counted=False)
    assert await store.outbox.take_back("one") == 0
    assert await lease(store) == []


async def test_what_waits_for_a_phone_is_hastened_and_nothing_of_others(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([sync(alice, at=HOUR), owed_to_stranger(due_at=NOW + HOUR)])
    assert await store.outbox.hasten(alice.msisdn, now=NOW) == 1
    assert (await lease_one(store)).recipient == alice.msisdn
    assert await store.outbox.hasten(alice.msisdn, now=NOW) == 0


async def test_a_gate_is_not_opened_by_haste(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([sync(alice)])
    row = await lease_one(store)
    await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + GATE)
    await store.outbox.owe([sync(alice)])
    assert await store.outbox.hasten(alice.msisdn, now=NOW + SECOND) == 0
    assert await lease(store, SECOND) == []
