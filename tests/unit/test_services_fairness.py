# SPDX-License-Identifier: Apache-2.0
"""However much one subscriber is owed, the others hear of their messages as if it were not there."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.services_world import ALICE, BOB, CALL, SMSC, TWO_SECONDS, World
from vvm.domain.numbers import Msisdn
from vvm.services.notification import Notice
from vvm.services.settings import NotificationSettings

FLOOD = 15


async def flooded(debounce_seconds: float = 0) -> World:
    """Alice gets a flood of messages, then Bob one."""
    world = World(notification=NotificationSettings(debounce_seconds=debounce_seconds))
    for msisdn in (ALICE, BOB):
        await world.subscriber(msisdn=msisdn)
    await flood(world)
    await world.deposit(BOB, TWO_SECONDS, CALL)
    return world


async def flood(world: World) -> None:
    for _ in range(FLOOD):
        await world.deposit(ALICE, TWO_SECONDS, CALL)


async def leased(world: World) -> list[Notice]:
    return list(await world.notification.lease(1000))


def recipients(notices: list[Notice]) -> list[Msisdn]:
    return [notice.row.recipient for notice in notices]


async def test_a_flood_for_one_subscriber_is_one_sms_in_the_queue() -> None:
    world = await flooded()
    assert recipients(await leased(world)) == [ALICE, BOB]


async def test_a_subscriber_whose_queue_is_full_delays_nobody_and_takes_no_more_room() -> None:
    world = await flooded()
    for notice in await leased(world):
        if notice.row.recipient == ALICE:
            after = timedelta(seconds=30)
            await world.notification.retry(notice.row, after=after, smpp_status=0x14, counted=True)
        else:
            await world.notification.sent(notice, smsc=SMSC)
    await flood(world)
    await world.deposit(BOB, TWO_SECONDS, CALL)
    assert recipients(await leased(world)) == [BOB]
    world.clock.advance(timedelta(seconds=30))
    assert recipients(await leased(world)) == [ALICE]


async def test_a_flood_gets_one_sms_in_each_debounce_time_and_others_are_told_at_once() -> None:
    world = await flooded(debounce_seconds=1.0)
    for notice in await leased(world):
        await world.notification.sent(notice, smsc=SMSC)
    for _ in range(5):
        await flood(world)
        assert recipients(await leased(world)) == []
        world.clock.advance(timedelta(seconds=1))
        await world.deposit(BOB, TWO_SECONDS, CALL)
        told = await leased(world)
        assert sorted(recipients(told)) == sorted([ALICE, BOB])
        for notice in told:
            await world.notification.sent(notice, smsc=SMSC)


async def test_a_storm_of_requests_of_one_handset_delays_nobodys_answer() -> None:
    world = World(notification=NotificationSettings(status_spacing_seconds=5))
    for msisdn in (ALICE, BOB):
        await world.subscriber(msisdn=msisdn)
    for _ in range(FLOOD):
        await world.sms_from_handset("STATUS")
    await world.sms_from_handset("STATUS", originator=BOB)
    assert recipients(await leased(world)) == [ALICE, BOB]


async def test_a_silent_phone_has_one_sms_in_hands_whatever_comes_for_it() -> None:
    world = await flooded()
    silent, answered = await leased(world)
    await world.notification.sent(answered, smsc=SMSC)
    for _ in range(3):
        await flood(world)
        await world.deposit(BOB, TWO_SECONDS, CALL)
        (told,) = await leased(world)
        assert told.row.recipient == BOB
        await world.notification.sent(told, smsc=SMSC)
    await world.notification.sent(silent, smsc=SMSC)
    assert recipients(await leased(world)) == [ALICE]
