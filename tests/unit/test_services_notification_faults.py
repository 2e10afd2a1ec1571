# SPDX-License-Identifier: Apache-2.0
"""One notification that cannot be made holds up no other."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.services_world import ALICE, BOB, CALL, TWO_SECONDS, World
from vvm.domain.notification import Cause, Owed
from vvm.store.port import SubscriberChange


async def test_a_password_that_does_not_open_costs_its_own_status_only() -> None:
    world = World()
    alice = await world.subscriber(msisdn=ALICE)
    await world.subscriber(msisdn=BOB)
    now = world.clock.now()
    await world.store.subscribers.change(
        ALICE,
        SubscriberChange(changed_at=now, password_sealed=b"damaged"),
        [
            Owed(
                recipient=ALICE,
                subscriber=alice.id,
                cause=Cause.STATUS,
                due_at=now,
                expires_at=now + timedelta(hours=1),
            )
        ],
    )
    await world.deposit(BOB, TWO_SECONDS, CALL)
    (text,) = await world.texts()
    assert ":SYNC:ev=NM;" in text
    assert (await world.store.outbox.counts()).owed == 0


async def test_what_is_sent_late_is_kept_by_the_smsc_only_as_long_as_it_is_owed() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    world.clock.advance(timedelta(hours=23))
    (notice,) = await world.notification.lease(10)
    assert notice.validity == timedelta(hours=1)
