# SPDX-License-Identifier: Apache-2.0
"""Who goes first: carriers take turns, and no phone has more than one SMS of a family in hands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import pytest

from tests.contract.samples import MINUTE, NOW, SECOND, owed_to, owed_to_stranger
from vvm.domain.notification import EVERYBODY, Cause, Lane, Leased, Owed
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Acceptance, Settlement, Store

RED = Lane(frozenset({"red"}), others=False)
BUT_RED = Lane(frozenset({"red"}))


def owed(number: int, carrier: str, *, due_at: datetime = NOW) -> Owed:
    return msgspec.structs.replace(owed_to_stranger(number, due_at=due_at), carrier=carrier)


async def owe(store: Store, *carriers: str) -> None:
    """To one phone each, the first one due first."""
    for number, carrier in enumerate(carriers):
        await store.outbox.owe([owed(number, carrier, due_at=NOW - MINUTE + number * SECOND)])


async def lease(
    store: Store, *, limit: int = 100, lane: Lane = EVERYBODY, after: str = "", now: datetime = NOW
) -> Sequence[Leased]:
    return await store.outbox.lease(now=now, lease=MINUTE, limit=limit, lane=lane, after=after)


async def carriers(store: Store, *, limit: int = 100, lane: Lane = EVERYBODY, after: str = "") -> list[str]:
    return [row.carrier for row in await lease(store, limit=limit, lane=lane, after=after)]


# Carriers


async def test_carriers_take_turns_however_much_one_of_them_is_owed(store: Store) -> None:
    await owe(store, "red", "red", "red", "red", "blue", "blue", "")
    assert await carriers(store) == ["blue", "red", "", "blue", "red", "red", "red"]


async def test_the_next_turn_is_behind_the_last_one(store: Store) -> None:
    """Also of a worker that has room for one at a time."""
    await owe(store, *("red" for _ in range(5)), "blue", "green")
    turns: list[str] = []
    for _ in range(5):
        turns += await carriers(store, limit=1, after=turns[-1] if turns else "")
    assert turns == ["blue", "green", "red", "red", "red"]


async def test_of_each_carrier_the_oldest_goes_first(store: Store) -> None:
    await owe(store, "red", "blue", "red", "blue")
    taken = await lease(store)
    for carrier in ("red", "blue"):
        due = [row.owed_at for row in taken if row.carrier == carrier]
        assert due == sorted(due)


@pytest.mark.parametrize(
    ("lane", "found"),
    [
        (RED, ["red"]),
        (BUT_RED, ["blue", ""]),
        (Lane(frozenset({"red", "blue"}), others=False), ["blue", "red"]),
        (Lane(frozenset(), others=False), []),
    ],
)
async def test_a_lane_has_its_carriers_and_no_others(store: Store, lane: Lane, found: list[str]) -> None:
    await owe(store, "red", "blue", "")
    assert await carriers(store, lane=lane) == found


async def test_what_is_due_next_is_known_of_each_lane(store: Store) -> None:
    await store.outbox.owe([owed(1, "red", due_at=NOW + MINUTE), owed(2, "blue", due_at=NOW + SECOND)])
    assert await store.outbox.next_due(now=NOW) == NOW + SECOND
    assert await store.outbox.next_due(now=NOW, lane=RED) == NOW + MINUTE
    assert await store.outbox.next_due(now=NOW, lane=Lane(frozenset(), others=False)) is None


async def test_what_is_owed_is_counted_by_carrier(store: Store) -> None:
    await owe(store, "red", "blue", "red")
    counts = (await store.outbox.counts()).by_carrier
    assert {carrier: count.owed for carrier, count in counts.items()} == {"red": 2, "blue": 1}
    assert counts["blue"].oldest_due_at == NOW - MINUTE + SECOND


# Phones


async def test_a_phone_has_one_sync_in_hands_and_the_next_one_waits(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice, cause=Cause.NEW_MESSAGE)])
    (first,) = await lease(store)
    await store.outbox.owe([owed_to(alice, cause=Cause.NEW_MESSAGE)])
    assert await lease(store) == []
    await store.outbox.settle(first, Settlement.SENT, now=NOW)
    assert [row.cause for row in await lease(store)] == [Cause.NEW_MESSAGE]


async def test_what_waits_for_its_turn_wakes_nobody(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    await lease(store)
    await store.outbox.owe([owed_to(alice)])
    assert await store.outbox.next_due(now=NOW) == NOW + MINUTE  # the end of the lease


async def test_families_are_in_hands_side_by_side(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice, cause=Cause.NEW_MESSAGE), owed_to(alice)])
    assert [row.cause for row in await lease(store)] == [Cause.STATUS, Cause.NEW_MESSAGE]


async def test_the_end_of_a_lease_lets_the_older_one_go_first(store: Store, alice: Subscriber) -> None:
    await store.outbox.owe([owed_to(alice)])
    (first,) = await lease(store)
    await store.outbox.owe([owed_to(alice)])
    assert [row.id for row in await lease(store, now=NOW + MINUTE)] == [first.id]


async def test_an_sms_taken_in_part_goes_before_the_next_one(store: Store, alice: Subscriber) -> None:
    """It cannot join, because the phone has some of it."""
    await store.outbox.owe([owed_to(alice, cause=Cause.NEW_MESSAGE)])
    (first,) = await lease(store)
    await store.outbox.accepted(first, Acceptance(1, 2, "a1"), now=NOW)
    await store.outbox.owe([owed_to(alice, cause=Cause.NEW_MESSAGE)])
    await store.outbox.retry(first, due_at=NOW, status=None, counted=True)
    assert [row.id for row in await lease(store)] == [first.id]


async def test_a_phone_whose_next_attempt_is_later_holds_up_its_next_sms_no_longer(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([owed_to(alice)])
    (first,) = await lease(store)
    await store.outbox.accepted(first, Acceptance(1, 2, "a1"), now=NOW)
    await store.outbox.retry(first, due_at=NOW + MINUTE, status=None, counted=True)
    await store.outbox.owe([owed_to(alice)])
    assert len(await lease(store)) == 1
