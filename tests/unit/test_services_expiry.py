# SPDX-License-Identifier: Apache-2.0
"""Messages expire with notice, and a mailbox that gets full is told of: in the subscriber's language."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.unit.services_world import ALICE, AT_ONCE, BOB, CALL, TWO_SECONDS, World
from vvm.domain.cos import InvalidCos, Limits
from vvm.domain.message import INBOX
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName, ProvisioningStatus, Subscriber
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import ServiceSettings

DAY = timedelta(days=1)
LIMITS = Limits(message_days=30, expiry_notice_days=3)


async def world_with(limits: Limits, *, tui_number: str = "123", **texts: dict[str, str]) -> World:
    world = World(
        service=ServiceSettings(imap_port=1143, tui_number=tui_number, languages=("eng", "fra")),
        notification=msgspec.structs.replace(AT_ONCE, **texts),
    )
    await world.classes.put("gold", limits)
    return world


async def subscriber(
    world: World,
    status: ProvisioningStatus = ProvisioningStatus.READY,
    *,
    msisdn: Msisdn = ALICE,
    language: str = "eng",
) -> Subscriber:
    options = SubscriberOptions(cos=CosName("gold"), language=language)
    return await world.subscriber(status, msisdn=msisdn, options=options)


async def kept(world: World, owner: Subscriber) -> int:
    return len(await world.store.mailboxes.states(owner.mailbox, INBOX))


async def test_a_message_is_announced_then_expires_and_the_phone_follows() -> None:
    world = await world_with(LIMITS)
    alice = await subscriber(world)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    world.clock.advance(26 * DAY)
    assert await world.expiry() == 0
    assert await world.texts() == []
    world.clock.advance(DAY)
    assert await world.expiry() == 0
    await world.expiry()
    assert await world.texts() == [
        "Voice messages are deleted after 30 days, some of yours within 3. Call 123 to listen."
    ]
    world.clock.advance(3 * DAY)
    assert await world.expiry() == 1
    (text,) = await world.texts()
    assert "ev=MBU" in text
    assert await kept(world, alice) == 0


async def test_every_class_has_its_own_time_and_who_has_none_keeps_all() -> None:
    world = await world_with(Limits(message_days=10))
    alice = await subscriber(world)
    bob = await world.subscriber(msisdn=BOB)
    for number in (ALICE, BOB):
        await world.deposit(number, TWO_SECONDS, CALL)
    world.clock.advance(11 * DAY)
    assert await world.expiry() == 1
    assert (await kept(world, alice), await kept(world, bob)) == (0, 1)


async def test_a_class_of_many_is_walked_to_its_end() -> None:
    world = await world_with(Limits(message_days=10))
    numbers = [Msisdn(f"+336000{number:05}") for number in range(205)]
    for number in numbers:
        await world.provisioning.create(number, SubscriberOptions(cos=CosName("gold")))
    last = await world.current(numbers[-1])
    await world.deposit(last.msisdn, TWO_SECONDS, CALL)
    world.clock.advance(11 * DAY)
    assert await world.expiry() == 1


async def test_under_a_hold_nothing_expires() -> None:
    world = await world_with(Limits(message_days=10))
    alice = await subscriber(world)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.lifecycle.hold(ALICE, reason="case 12")
    world.clock.advance(11 * DAY)
    assert await world.expiry() == 0
    assert await kept(world, alice) == 1


async def test_a_warning_comes_with_the_crossing_and_in_the_subscribers_language() -> None:
    texts = {"fra": "Messagerie pleine à {percent} %. Appelez le {number}."}
    world = await world_with(Limits(max_messages=4, warn_percent=75), nearly_full_texts=texts)
    await subscriber(world, ProvisioningStatus.PROVISIONED, language="fra")
    for warned in (False, False, True, False):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
        expected = ["Messagerie pleine à 75 %. Appelez le 123."] if warned else []
        assert await world.texts() == expected


async def test_the_warning_goes_beside_the_sync_and_joins_no_sync() -> None:
    world = await world_with(Limits(max_messages=1, warn_percent=100))
    await subscriber(world)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    sync, warning = await world.texts()
    assert "ev=NM" in sync
    assert warning == "Your voicemail is 100 % full. Call 123 and delete messages you do not need."


async def test_nobody_is_told_to_call_where_there_are_no_menus() -> None:
    warned = Limits(message_days=30, expiry_notice_days=3, max_messages=1, warn_percent=100)
    world = await world_with(warned, tui_number="")
    await subscriber(world)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    _, nearly_full = await world.texts()
    assert nearly_full == "Your voicemail is 100 % full. Delete messages you do not need."
    world.clock.advance(27 * DAY)
    await world.expiry()
    assert await world.texts() == ["Voice messages are deleted after 30 days, some of yours within 3."]


async def test_a_warning_that_the_class_does_not_give_any_more_is_not_sent() -> None:
    world = await world_with(Limits(max_messages=1, warn_percent=100))
    alice = await subscriber(world, ProvisioningStatus.PROVISIONED)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.store.outbox.owe([world.owing.expiry(alice)])
    await world.classes.put("gold", Limits(max_messages=1))
    assert await world.texts() == []


async def test_who_is_blocked_is_not_warned() -> None:
    world = await world_with(Limits(max_messages=1, warn_percent=100))
    await subscriber(world, ProvisioningStatus.BLOCKED)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert [row.cause for row in await world.owed()] == [Cause.NEW_MESSAGE, Cause.NEARLY_FULL]
    world.clock.advance(timedelta(days=366))
    assert await world.texts() == []


@pytest.mark.parametrize(
    "limits",
    [
        Limits(warn_percent=101),
        Limits(message_days=36_501),
        Limits(expiry_notice_days=3),
        Limits(message_days=3, expiry_notice_days=3),
        Limits(heard_days=0),
    ],
)
async def test_a_class_that_makes_no_sense_is_refused(limits: Limits) -> None:
    with pytest.raises(InvalidCos):
        await World().classes.put("gold", limits)
