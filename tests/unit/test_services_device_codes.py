# SPDX-License-Identifier: Apache-2.0
"""A code by SMS adds a device: once, for a while, with few tries, and nobody learns who is served."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, BOB, World
from vvm.domain.errors import TooManyDevices
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ProvisioningStatus
from vvm.services.allowance import TooManyRequests
from vvm.services.device_codes import WrongCode
from vvm.services.devices import InvalidDevice


async def code_of(world: World) -> str:
    """What the phone reads."""
    await world.device_codes.request(ALICE)
    (text,) = await world.texts()
    (code,) = re.findall(r"\d{8}", text)
    return str(code)


async def redeem(world: World, code: str) -> str:
    return (await world.device_codes.redeem(ALICE, code, name="Tablet")).device.login


@pytest.mark.parametrize("status", [ProvisioningStatus.PROVISIONED, ProvisioningStatus.READY])
async def test_the_code_from_the_sms_adds_a_device(status: ProvisioningStatus) -> None:
    world = World()
    alice = await world.subscriber(status)
    code = await code_of(world)
    given = await world.device_codes.redeem(ALICE, code, name="Tablet")
    admitted = await world.login(given.device.login, given.password.reveal())
    assert (admitted.subscriber.id, admitted.device) == (alice.id, given.device)


async def test_the_sms_is_for_a_person() -> None:
    world = World()
    await world.subscriber()
    await world.device_codes.request(ALICE)
    (notice,) = await world.notification.lease(10)
    assert (notice.row.cause, notice.port) == (Cause.CODE, 0)
    assert not notice.text.startswith("//")
    assert re.search(r"\d{8}", repr(notice)) is None


async def test_a_code_is_good_once() -> None:
    world = World()
    await world.subscriber()
    code = await code_of(world)
    await redeem(world, code)
    with pytest.raises(WrongCode):
        await redeem(world, code)


async def test_a_new_code_ends_the_old_one() -> None:
    world = World()
    await world.subscriber()
    old, new = await code_of(world), await code_of(world)
    if old != new:
        with pytest.raises(WrongCode):
            await redeem(world, old)
    await redeem(world, new)


async def test_after_five_wrong_codes_the_right_one_is_wrong_too() -> None:
    world = World()
    await world.subscriber()
    code = await code_of(world)
    wrong = f"{(int(code) + 1) % 10**8:08}"
    for _ in range(5):
        with pytest.raises(WrongCode):
            await redeem(world, wrong)
    with pytest.raises(WrongCode):
        await redeem(world, code)
    await redeem(world, await code_of(world))


async def test_a_code_is_good_for_ten_minutes() -> None:
    world = World()
    await world.subscriber()
    code = await code_of(world)
    world.clock.advance(timedelta(minutes=10))
    with pytest.raises(WrongCode):
        await redeem(world, code)


async def test_a_code_that_expired_before_its_sms_left_is_not_told() -> None:
    world = World()
    await world.subscriber()
    await world.device_codes.request(ALICE)
    world.clock.advance(timedelta(minutes=10))
    assert await world.texts() == []


@pytest.mark.parametrize("code", ["", "x", "0" * 7, "\udcff", "é" * 8])
async def test_odd_codes_are_only_wrong(code: str) -> None:
    world = World()
    await world.subscriber()
    await code_of(world)
    with pytest.raises(WrongCode):
        await redeem(world, code)


async def test_a_number_that_is_not_served_is_answered_alike_and_hears_nothing() -> None:
    world = World()
    await world.subscriber(ProvisioningStatus.BLOCKED)
    for number in (ALICE, BOB):
        await world.device_codes.request(number)
        with pytest.raises(WrongCode):
            await world.device_codes.redeem(number, "12345678", name="Tablet")
    assert await world.owed() == []


async def test_a_number_is_sent_so_many_codes_an_hour_served_or_not() -> None:
    world = World()
    await world.subscriber()
    for number in (ALICE, BOB):
        for _ in range(5):
            await world.device_codes.request(number)
        with pytest.raises(TooManyRequests):
            await world.device_codes.request(number)
    world.clock.advance(timedelta(hours=1))
    await world.device_codes.request(ALICE)


async def test_a_bad_name_costs_no_code() -> None:
    world = World()
    await world.subscriber()
    code = await code_of(world)
    with pytest.raises(InvalidDevice):
        await world.device_codes.redeem(ALICE, code, name="")
    await redeem(world, code)


async def test_the_limit_on_devices_holds_here_too() -> None:
    world = World()
    await world.subscriber()
    for _ in range(3):
        await world.devices.add(ALICE, name="Tablet")
    with pytest.raises(TooManyDevices):
        await redeem(world, await code_of(world))
