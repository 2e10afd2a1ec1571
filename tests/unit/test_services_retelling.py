# SPDX-License-Identifier: Apache-2.0
"""Whom a SYNC did not reach is told by one MBU: at a sign of life, or after some hours, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, CALL, SMSC, TWO_SECONDS, World
from vvm.services.settings import NotificationSettings
from vvm.store.port import Acceptance, Settlement

HOUR = timedelta(hours=1)
MBU = "//VVM:SYNC:ev=MBU;c="


async def told_in_vain(world: World, settlement: Settlement = Settlement.FAILED) -> None:
    """Send what is due; the SMSC takes it, and reports that it did not arrive."""
    (notice,) = await world.notification.lease(10)
    name = f"m{notice.row.id}"
    await world.notification.sent(notice, smsc=SMSC, last=Acceptance(1, 1, name))
    assert await world.notification.receipt(name, settlement)


async def missed(settings: NotificationSettings | None = None) -> World:
    world = World(notification=settings or NotificationSettings())
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await told_in_vain(world)
    return world


@pytest.mark.parametrize("settlement", [Settlement.FAILED, Settlement.EXPIRED])
async def test_nothing_is_sent_at_once_and_one_mbu_after_six_hours(settlement: Settlement) -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await told_in_vain(world, settlement)
    world.clock.advance(6 * HOUR - timedelta(seconds=1))
    assert await world.retelling() == 0
    world.clock.advance(timedelta(seconds=2))
    assert [await world.retelling(), await world.retelling()] == [1, 0]
    assert await world.texts() == [f"{MBU}1"]
    world.clock.advance(6 * HOUR)
    assert await world.retelling() == 0


async def test_a_new_message_tells_what_was_missed_and_is_not_told_twice() -> None:
    world = await missed()
    world.clock.advance(HOUR)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert len(await world.texts()) == 1
    world.clock.advance(6 * HOUR)
    assert await world.retelling() == 0


async def test_a_phone_that_is_gone_is_given_up_after_some_times_until_it_is_seen() -> None:
    world = await missed(NotificationSettings(retell_times=2))
    for _ in range(2):
        world.clock.advance(6 * HOUR + timedelta(minutes=1))
        assert await world.retelling() == 1
        await told_in_vain(world)
    world.clock.advance(6 * HOUR + timedelta(minutes=1))
    assert await world.retelling() == 0
    await world.sms_from_handset("STATUS")
    status, sync = await world.texts()
    assert (status[:12], sync) == ("//VVM:STATUS", f"{MBU}1")


async def test_a_program_that_was_down_at_the_time_tells_later() -> None:
    world = await missed()
    world.clock.advance(11 * HOUR)
    assert await world.retelling() == 1


async def test_whoever_missed_nothing_is_told_nothing_by_a_request() -> None:
    world = World()
    await world.subscriber()
    await world.sms_from_handset("STATUS")
    assert len(await world.texts()) == 1


async def test_without_hours_nobody_is_told_again_but_at_a_sign_of_life() -> None:
    world = await missed(NotificationSettings(retell_hours=0))
    world.clock.advance(24 * HOUR)
    assert await world.retelling() == 0
    assert await world.retelling.seen(ALICE)


async def test_what_the_smsc_never_took_is_an_operators_matter() -> None:
    world = World()
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (notice,) = await world.notification.lease(10)
    await world.notification.failed(notice.row, smpp_status=0x0B)
    world.clock.advance(7 * HOUR)
    assert await world.retelling() == 0
