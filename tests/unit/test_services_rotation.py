# SPDX-License-Identifier: Apache-2.0

"""A new password, a new host: the client is told unasked, and the old password works for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, BOB, NOW, World
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus
from vvm.services.login import LoginRefused
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import ServiceSettings

NEW, READY = ProvisioningStatus.NEW, ProvisioningStatus.READY
PROVISIONED, BLOCKED = ProvisioningStatus.PROVISIONED, ProvisioningStatus.BLOCKED


async def password(world: World) -> str:
    alice = await world.current()
    return world.keyring.open(alice.imap_user, alice.password_sealed).reveal()


async def opens(world: World, word: str) -> bool:
    try:
        await world.login((await world.current()).imap_user, word)
    except LoginRefused:
        return False
    return True


# rows: ST-15 ST-16 ST-18
async def test_a_rotated_password_works_at_once_is_pushed_and_the_old_one_works_a_while() -> None:
    world = World(service=ServiceSettings(imap_port=1143, password_grace_hours=2))
    await world.subscriber(READY)
    old = await password(world)
    await world.provisioning.rotate(ALICE)
    new = await password(world)
    assert old != new
    assert await opens(world, new)
    (text,) = await world.texts()
    assert f";pw={new};" in text
    world.clock.advance(timedelta(hours=2) - timedelta(microseconds=1))
    assert await opens(world, old)
    world.clock.advance(timedelta(microseconds=1))
    assert not await opens(world, old)
    assert await opens(world, new)


async def test_of_two_rotations_the_first_password_is_dead_at_once() -> None:
    world = World()
    await world.subscriber(READY)
    first = await password(world)
    await world.provisioning.rotate(ALICE)
    second = await password(world)
    await world.provisioning.rotate(ALICE)
    assert [await opens(world, word) for word in (first, second, await password(world))] == [
        False,
        True,
        True,
    ]


# rows: ST-16
@pytest.mark.parametrize(("status", "told"), [(NEW, 1), (READY, 1), (PROVISIONED, 0), (BLOCKED, 0)])
async def test_only_an_active_client_is_told_unasked(status: ProvisioningStatus, told: int) -> None:
    world = World()
    await world.subscriber(status)
    await world.provisioning.rotate(ALICE)
    assert len(await world.texts()) == told
    assert await world.provisioning.announce(ALICE) is bool(told)
    assert len(await world.texts()) == told


# rows: ST-16
async def test_a_new_host_is_announced_to_every_active_client() -> None:
    world = World()
    for number in range(5):
        await world.subscriber(READY if number % 2 else PROVISIONED, msisdn=Msisdn(f"+3370000000{number}"))
    assert await world.provisioning.announce_all() == 2
    assert all(text.startswith("//VVM:STATUS:st=R;rc=0;srv=") for text in await world.texts())
    assert await world.provisioning.announce_all() == 2
    assert len(await world.texts()) == 2


async def test_nobody_is_rotated_or_announced_who_is_not_there() -> None:
    world = World()
    for call in (world.provisioning.rotate, world.provisioning.announce):
        with pytest.raises(UnknownSubscriber):
            await call(BOB)


# rows: PRV-06
async def test_every_transition_is_audited_with_its_cause() -> None:
    world = World()
    await world.provisioning.create(ALICE, SubscriberOptions(setup_done=False))
    await world.sms_from_handset("Activate:pv=11;ct=X")
    await world.sms_from_handset("STATUS")
    await world.provisioning.rotate(ALICE)
    await world.sms_from_handset("Deactivate:pv=11;ct=X")
    await world.provisioning.change(ALICE, SubscriberOptions(blocked=True))
    await world.provisioning.change(ALICE, SubscriberOptions(blocked=False))
    await world.provisioning.remove(ALICE)
    entries = await world.store.subscribers.audit(ALICE, limit=99)
    assert [(entry.trigger, entry.before, entry.after) for entry in entries] == [
        (Trigger.CREATED, None, PROVISIONED),
        (Trigger.ACTIVATE, PROVISIONED, NEW),
        (Trigger.ROTATED, NEW, NEW),
        (Trigger.DEACTIVATE, NEW, PROVISIONED),
        (Trigger.BLOCKED, PROVISIONED, BLOCKED),
        (Trigger.UNBLOCKED, BLOCKED, PROVISIONED),
        (Trigger.REMOVED, PROVISIONED, None),
    ]
    assert {entry.at for entry in entries} == {NOW}
