# SPDX-License-Identifier: Apache-2.0
"""What SubscriberStore promises of the PIN and of the tries that are counted against it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_subscriber
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.store.port import Store, SubscriberChange

LOCKOUT = timedelta(minutes=15)


async def take(store: Store, subscriber: Subscriber, now: datetime = NOW) -> bool:
    return await store.subscribers.take_pin_try(subscriber.id, now=now, most=3, lockout=LOCKOUT)


async def exhaust(store: Store, subscriber: Subscriber, now: datetime = NOW) -> None:
    assert [await take(store, subscriber, now) for _ in range(4)] == [True, True, True, False]


async def test_a_subscriber_may_be_created_with_a_pin(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(pin_check="check"))
    assert alice.pin_check == "check"
    assert await store.subscribers.by_msisdn(ALICE) == alice


async def test_after_the_last_try_there_is_none(store: Store, alice: Subscriber) -> None:
    await exhaust(store, alice)
    assert not await take(store, alice, NOW + LOCKOUT - MINUTE)


async def test_after_the_lockout_counting_starts_anew(store: Store, alice: Subscriber) -> None:
    await exhaust(store, alice)
    await exhaust(store, alice, NOW + LOCKOUT)


async def test_a_right_pin_forgets_the_tries(store: Store, alice: Subscriber) -> None:
    assert await take(store, alice)
    assert await take(store, alice)
    await store.subscribers.forget_pin_tries(alice.id)
    await exhaust(store, alice)


async def test_a_right_pin_at_the_last_try_locks_nothing(store: Store, alice: Subscriber) -> None:
    for _ in range(3):
        assert await take(store, alice)
    await store.subscribers.forget_pin_tries(alice.id)
    assert await take(store, alice)


async def test_a_new_pin_ends_the_lockout(store: Store, alice: Subscriber) -> None:
    await exhaust(store, alice)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, pin_check="another"))
    await exhaust(store, alice)


async def test_any_other_change_leaves_the_lockout(store: Store, alice: Subscriber) -> None:
    await exhaust(store, alice)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, language="fra"))
    assert not await take(store, alice)


async def test_tries_at_the_same_moment_cannot_pass_the_limit(store: Store, alice: Subscriber) -> None:
    taken = await asyncio.gather(*(take(store, alice) for _ in range(10)))
    assert sum(taken) == 3


async def test_tries_are_counted_for_each_subscriber_alone(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await exhaust(store, alice)
    await exhaust(store, bob)


async def test_who_is_not_there_has_no_try(store: Store, alice: Subscriber) -> None:
    nobody = SubscriberId(alice.id + 1)
    assert not await store.subscribers.take_pin_try(nobody, now=NOW, most=3, lockout=LOCKOUT)
    await store.subscribers.forget_pin_tries(nobody)


async def test_a_number_that_comes_back_starts_with_all_tries(store: Store, alice: Subscriber) -> None:
    await exhaust(store, alice)
    await store.subscribers.remove(ALICE, at=NOW)
    await exhaust(store, await store.subscribers.create(new_subscriber()))
