# SPDX-License-Identifier: Apache-2.0
"""Devices: logins of their own, which one revokes without touching the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, BOB, HintsHeard, World
from vvm.domain.device import DeviceId
from vvm.domain.errors import TooManyDevices, UnknownSubscriber
from vvm.domain.subscriber import ProvisioningStatus
from vvm.services.devices import InvalidDevice, NewCredentials, UnknownDevice
from vvm.services.login import Admitted, LoginRefusal, LoginRefused


async def opens(world: World, given: NewCredentials) -> Admitted:
    return await world.login(given.device.login, given.password.reveal())


async def refusal(world: World, given: NewCredentials) -> LoginRefusal:
    with pytest.raises(LoginRefused) as refused:
        await opens(world, given)
    return refused.value.reason


@pytest.mark.parametrize(
    "status", [ProvisioningStatus.PROVISIONED, ProvisioningStatus.NEW, ProvisioningStatus.READY]
)
async def test_a_device_opens_the_mailbox_of_its_subscriber_activated_or_not(
    status: ProvisioningStatus,
) -> None:
    world = World()
    alice = await world.subscriber(status)
    given = await world.devices.add(ALICE, name="Tablet", profile="mail")
    assert await opens(world, given) == Admitted(alice, given.device)


async def test_a_device_has_a_login_that_names_the_subscriber_and_a_password_of_131_bits() -> None:
    world = World()
    await world.subscriber()
    first = await world.devices.add(ALICE, name="Tablet")
    second = await world.devices.add(ALICE, name="Tablet")
    user, _, domain = first.device.login.partition("@")
    assert user.startswith("33612345678+")
    assert domain == "vvm.example.net"
    assert first.device.login != second.device.login
    assert len(first.password.reveal()) == 22
    assert first.password.reveal() not in repr(first)


async def test_a_wrong_password_and_that_of_another_device_open_nothing() -> None:
    world = World()
    await world.subscriber()
    tablet = await world.devices.add(ALICE, name="Tablet")
    laptop = await world.devices.add(ALICE, name="Laptop")
    crossed = NewCredentials(tablet.device, laptop.password)
    assert await refusal(world, crossed) is LoginRefusal.INVALID_PASSWORD


async def test_a_device_survives_the_rotation_of_the_subscribers_password() -> None:
    world = World()
    await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    await world.provisioning.rotate(ALICE)
    assert (await opens(world, given)).device == given.device


async def test_a_revoked_device_opens_nothing_and_the_others_go_on() -> None:
    world = World()
    await world.subscriber()
    tablet = await world.devices.add(ALICE, name="Tablet")
    laptop = await world.devices.add(ALICE, name="Laptop")
    await world.devices.revoke(ALICE, tablet.device.id)
    assert await refusal(world, tablet) is LoginRefusal.UNKNOWN_USER
    assert (await opens(world, laptop)).device == laptop.device
    assert [device.id for device in await world.devices.of(ALICE)] == [laptop.device.id]


async def test_revoking_wakes_the_open_sessions() -> None:
    world = World()
    alice = await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    heard = HintsHeard(world, alice.mailbox)
    await world.devices.revoke(ALICE, given.device.id)
    assert heard.count == 1


async def test_a_blocked_subscriber_has_no_devices_that_open() -> None:
    world = World()
    await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    await world.subscribers_status(ProvisioningStatus.BLOCKED)
    assert await refusal(world, given) is LoginRefusal.BLOCKED


async def test_the_last_use_is_recorded_once_a_minute() -> None:
    world = World()
    await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    first = world.clock.now()
    await opens(world, given)
    world.clock.advance(timedelta(seconds=59))
    await opens(world, given)
    assert [device.last_used_at for device in await world.devices.of(ALICE)] == [first]
    world.clock.advance(timedelta(seconds=1))
    await opens(world, given)
    assert [device.last_used_at for device in await world.devices.of(ALICE)] == [world.clock.now()]


async def test_a_proof_needs_the_password_of_the_device() -> None:
    world = World()
    alice = await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    login = given.device.login
    assert await world.login.password(login) == given.password
    assert await world.login.proven(login) == Admitted(alice, given.device)


async def test_a_device_tells_nothing_of_whether_the_phone_still_comes() -> None:
    world = World()
    alice = await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    row = world.owing.mailbox_update(alice)
    await world.store.outbox.owe([row])
    await world.texts()
    unanswered = (await world.current()).unanswered_syncs
    await opens(world, given)
    assert unanswered == (await world.current()).unanswered_syncs == 1


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines", "bell\a"])
async def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    world = World()
    await world.subscriber()
    with pytest.raises(InvalidDevice):
        await world.devices.add(ALICE, name=name)


@pytest.mark.parametrize("profile", ["Mail", "a b", "fancy", "é"])
async def test_a_profile_is_one_that_there_is(profile: str) -> None:
    world = World()
    await world.subscriber()
    with pytest.raises(InvalidDevice):
        await world.devices.add(ALICE, name="Tablet", profile=profile)


async def test_a_subscriber_has_so_many_devices_and_no_more() -> None:
    world = World()
    await world.subscriber()
    for _ in range(3):
        await world.devices.add(ALICE, name="Tablet")
    with pytest.raises(TooManyDevices, match="3 devices"):
        await world.devices.add(ALICE, name="Tablet")


async def test_whom_nobody_serves_has_no_devices() -> None:
    world = World()
    await world.subscriber()
    with pytest.raises(UnknownSubscriber):
        await world.devices.add(BOB, name="Tablet")
    with pytest.raises(UnknownSubscriber):
        await world.devices.of(BOB)
    with pytest.raises(UnknownDevice):
        await world.devices.revoke(ALICE, DeviceId(1))
