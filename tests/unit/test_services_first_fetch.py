# SPDX-License-Identifier: Apache-2.0
"""The last leg of a message's way: from the SYNC to the first message that its client fetches."""

from __future__ import annotations

from datetime import datetime, timedelta

from sms_gateway.port import Acceptance, Lane, Sent
from tests.unit.services_world import ALICE, CALL, SMSC, TWO_SECONDS, World
from vvm.fronts.sms import NotificationOutbox
from vvm.services.first_fetch import FirstFetches
from vvm.store.port import Told

SECOND = timedelta(seconds=1)


class Seen:
    """vvm.services.first_fetch.FetchMetrics that remembers how long it took."""

    def __init__(self) -> None:
        self.legs: list[timedelta] = []

    def fetched(self, told: Told, at: datetime) -> None:
        assert told.smsc == SMSC
        self.legs.append(at - told.accepted_at)


async def tell(world: World) -> None:
    """Alice's client hears of a message."""
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification, clock=world.clock)
    (sms,) = await outbox.lease(10, Lane())
    await outbox.settle(sms, Sent(Acceptance(1, 1, "1")), smsc=SMSC)


async def test_the_first_of_several_fetches_counts() -> None:
    world, seen = World(), Seen()
    await tell(world)
    fetches = FirstFetches(world.store.outbox, world.clock, seen)
    for _ in range(3):
        world.clock.advance(2 * SECOND)
        fetches.note(ALICE)
    await fetches.flush()
    fetches.note(ALICE)
    await fetches.flush()
    assert seen.legs == [2 * SECOND]


async def test_a_process_that_starts_knows_what_waits_for_an_answer() -> None:
    world, seen = World(), Seen()
    await tell(world)
    killed = FirstFetches(world.store.outbox, world.clock, seen)
    killed.note(ALICE)  # and does not live to write it down
    again = FirstFetches(world.store.outbox, world.clock, seen)
    world.clock.advance(3 * SECOND)
    again.note(ALICE)
    await again.flush()
    assert seen.legs == [3 * SECOND]
