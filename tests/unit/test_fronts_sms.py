# SPDX-License-Identifier: Apache-2.0
"""The outbox that the SMS gateway sees: late, doubled and broken answers end no gateway."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_gateway.port import Sent, Unavailable
from tests.unit.services_world import ALICE, CALL, SMSC, TWO_SECONDS, World
from vvm.domain.errors import Outage
from vvm.fronts.sms import NotificationOutbox

LONG = timedelta(hours=1)


async def test_a_row_whose_lease_ran_out_may_be_in_our_hands_twice() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    outbox = NotificationOutbox(world.notification)
    (first,) = await outbox.lease(10)
    world.clock.advance(LONG)
    (second,) = await outbox.lease(10)
    assert (first.id, first.attempt + 1) == (second.id, second.attempt)
    for sms in (first, second):
        await outbox.segment_accepted(sms, 1, 1, "00000001", smsc=SMSC)
        await outbox.settle(sms, Sent(), smsc=SMSC)
    world.clock.advance(LONG)
    assert await outbox.lease(10) == []


async def test_an_outage_while_waiting_is_told_in_the_gateways_words(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    async def down() -> None:
        raise Outage("the disk is gone")

    monkeypatch.setattr(world.store.outbox, "next_due", down)
    with pytest.raises(Unavailable):
        await NotificationOutbox(world.notification).wait(timedelta(seconds=1))
