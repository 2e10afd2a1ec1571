# SPDX-License-Identifier: Apache-2.0
"""What VisitStore promises of the acts of clients."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_subscriber
from vvm.domain.device import DeviceId
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.domain.visit import Act, Visit
from vvm.store.port import Store


def visit(subscriber: Subscriber, act: Act = Act.FETCHED, *, at: datetime = NOW, count: int = 3) -> Visit:
    return Visit(subscriber.id, DeviceId(7), act, "INBOX", at, at + MINUTE, count)


async def test_visits_are_found_as_they_were_added(store: Store, alice: Subscriber) -> None:
    first = visit(alice, Act.LOGGED_IN)
    second = msgspec.structs.replace(visit(alice), device=None, detail="")
    await store.visits.add([first], keep=10)
    await store.visits.add([second], keep=10)
    assert await store.visits.history(alice.id, limit=10) == [first, second]
    assert await store.visits.history(alice.id, limit=1) == [second]


async def test_of_each_subscriber_the_newest_are_kept(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.visits.add([visit(bob)], keep=2)
    for count in range(1, 6):
        await store.visits.add([visit(alice, count=count)], keep=2)
    kept = await store.visits.history(alice.id, limit=10)
    assert [one.count for one in kept] == [4, 5]
    await store.visits.add([visit(alice, count=count) for count in (6, 7, 8)], keep=2)
    assert [one.count for one in await store.visits.history(alice.id, limit=10)] == [7, 8]
    assert len(await store.visits.history(bob.id, limit=10)) == 1


async def test_who_is_gone_is_passed_over(store: Store, alice: Subscriber) -> None:
    gone = msgspec.structs.replace(alice, id=SubscriberId(alice.id + 1))
    await store.visits.add([visit(gone), visit(alice)], keep=10)
    assert await store.visits.history(gone.id, limit=10) == []
    assert await store.visits.history(alice.id, limit=10) == [visit(alice)]


async def test_visits_go_with_their_subscriber(store: Store, alice: Subscriber) -> None:
    await store.visits.add([visit(alice)], keep=10)
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.visits.history(alice.id, limit=10) == []


async def test_old_visits_are_forgotten_in_parts(store: Store, alice: Subscriber) -> None:
    late = NOW + 10 * MINUTE
    await store.visits.add([visit(alice), visit(alice), visit(alice), visit(alice, at=late)], keep=10)
    assert await store.visits.forget(before=late, limit=2) == 2
    assert await store.visits.forget(before=late, limit=2) == 1
    assert await store.visits.forget(before=late, limit=2) == 0
    assert await store.visits.history(alice.id, limit=10) == [visit(alice, at=late)]
