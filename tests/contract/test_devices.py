# SPDX-License-Identifier: Apache-2.0
"""What DeviceStore promises of the logins of devices."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_subscriber, owed_to
from vvm.domain.device import Device, DeviceId
from vvm.domain.errors import LoginTaken, TooManyDevices, UnknownSubscriber
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ProvisioningStatus, Subscriber, SubscriberId
from vvm.store.port import NewCode, NewDevice, Store, SubscriberChange


def new_device(subscriber: Subscriber, login: str = "33612345678+tablet@vvm.example.net") -> NewDevice:
    return NewDevice(
        subscriber=subscriber.id,
        login=login,
        name="Tablet in the kitchen",
        profile="mail",
        password_check=b"\x03" * 32,
        password_sealed=b"\x04" * 50,
        created_at=NOW,
    )


async def add(store: Store, subscriber: Subscriber, login: str = "a+1@x") -> Device:
    return await store.devices.add(new_device(subscriber, login), most=3)


async def test_a_device_is_found_as_it_was_added(store: Store, alice: Subscriber) -> None:
    new = new_device(alice)
    device = await store.devices.add(new, most=1)
    assert device == Device(id=device.id, **msgspec.structs.asdict(new))
    assert await store.devices.by_login(new.login) == device
    assert await store.devices.by_id(device.id) == device
    assert await store.devices.of(alice.id) == [device]


async def test_a_login_counts_letter_by_letter(store: Store, alice: Subscriber) -> None:
    await add(store, alice, "a+tag@x")
    assert await store.devices.by_login("a+TAG@x") is None
    assert await store.devices.by_login(alice.imap_user) is None


async def test_devices_of_a_subscriber_stand_in_the_order_in_which_they_came(
    store: Store, alice: Subscriber
) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    first = await add(store, alice, "z")
    others = await add(store, bob, "y")
    second = await add(store, alice, "x")
    assert await store.devices.of(alice.id) == [first, second]
    assert await store.devices.of(bob.id) == [others]


async def test_a_login_is_given_once(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await add(store, alice, "same")
    with pytest.raises(LoginTaken):
        await add(store, bob, "same")
    assert await store.devices.of(bob.id) == []


async def test_more_devices_than_the_limit_are_refused_also_at_one_moment(
    store: Store, alice: Subscriber
) -> None:
    added = await asyncio.gather(
        *(add(store, alice, f"login {number}") for number in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, TooManyDevices) for one in added) == 3
    assert len(await store.devices.of(alice.id)) == 3


async def test_nobody_has_no_device(store: Store, alice: Subscriber) -> None:
    nobody = msgspec.structs.replace(alice, id=SubscriberId(alice.id + 1))
    with pytest.raises(UnknownSubscriber):
        await add(store, nobody)
    assert await store.devices.of(nobody.id) == []


async def test_the_last_use_is_noted(store: Store, alice: Subscriber) -> None:
    device = await add(store, alice)
    assert device.last_used_at is None
    await store.devices.used(device.id, at=NOW + MINUTE)
    assert await store.devices.by_id(device.id) == msgspec.structs.replace(device, last_used_at=NOW + MINUTE)


async def test_a_revoked_device_is_gone_and_its_owner_may_add_another(
    store: Store, alice: Subscriber
) -> None:
    device = await store.devices.add(new_device(alice), most=1)
    assert await store.devices.revoke(alice.id, device.id)
    assert await store.devices.by_login(device.login) is None
    assert await store.devices.by_id(device.id) is None
    assert not await store.devices.revoke(alice.id, device.id)
    await store.devices.used(device.id, at=NOW)
    assert await store.devices.of(alice.id) == []
    another = await store.devices.add(new_device(alice), most=1)
    assert another.id > device.id


async def test_nobody_revokes_the_device_of_another(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    device = await add(store, alice)
    assert not await store.devices.revoke(bob.id, device.id)
    assert await store.devices.of(alice.id) == [device]


@pytest.mark.parametrize("status", ProvisioningStatus)
async def test_a_device_is_admitted_while_its_subscriber_is_served(
    store: Store, alice: Subscriber, status: ProvisioningStatus
) -> None:
    device = await add(store, alice)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, status=status))
    assert await store.devices.admits(device.id) is status.served
    await store.devices.revoke(alice.id, device.id)
    assert not await store.devices.admits(device.id)
    assert not await store.devices.admits(DeviceId(device.id + 1))


async def test_the_devices_of_a_subscriber_go_with_it(store: Store, alice: Subscriber) -> None:
    device = await add(store, alice)
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.devices.by_login(device.login) is None
    assert not await store.devices.admits(device.id)
    again = await store.subscribers.create(new_subscriber())
    assert await store.devices.of(again.id) == []


def new_code(check: bytes = b"\x05" * 32) -> NewCode:
    return NewCode(check=check, sealed=b"sealed " + check, expires_at=NOW + 10 * MINUTE)


async def take(store: Store, alice: Subscriber, now: datetime = NOW) -> bytes | None:
    return await store.devices.take_code_try(alice.id, now=now, most=3)


async def test_a_code_is_offered_together_with_its_sms(store: Store, alice: Subscriber) -> None:
    await store.devices.offer(alice.id, new_code(), [owed_to(alice, cause=Cause.CODE)])
    assert await store.devices.offered(alice.id, now=NOW) == new_code().sealed
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert row.cause is Cause.CODE


async def test_nobody_is_offered_no_code_and_no_sms(store: Store, alice: Subscriber) -> None:
    nobody = SubscriberId(alice.id + 1)
    with pytest.raises(UnknownSubscriber):
        await store.devices.offer(nobody, new_code(), [owed_to(alice, cause=Cause.CODE)])
    assert await store.outbox.lease(now=NOW, lease=MINUTE, limit=10) == []
    assert await store.devices.take_code_try(nobody, now=NOW, most=3) is None


async def test_a_code_has_so_many_tries_and_a_new_one_has_them_anew(store: Store, alice: Subscriber) -> None:
    check = new_code().check
    assert await take(store, alice) is None
    await store.devices.offer(alice.id, new_code(), [])
    assert [await take(store, alice) for _ in range(4)] == [check, check, check, None]
    await store.devices.offer(alice.id, new_code(b"\x06" * 32), [])
    assert await take(store, alice) == b"\x06" * 32


async def test_tries_of_a_code_at_one_moment_cannot_pass_the_limit(store: Store, alice: Subscriber) -> None:
    await store.devices.offer(alice.id, new_code(), [])
    taken = await asyncio.gather(*(take(store, alice) for _ in range(10)))
    assert sum(check is not None for check in taken) == 3


async def test_a_code_expires(store: Store, alice: Subscriber) -> None:
    await store.devices.offer(alice.id, new_code(), [])
    late = new_code().expires_at
    assert await store.devices.offered(alice.id, now=late) is None
    assert await take(store, alice, late) is None


async def test_a_code_is_spent_once_and_only_if_it_is_still_that_one(store: Store, alice: Subscriber) -> None:
    await store.devices.offer(alice.id, new_code(), [])
    assert not await store.devices.use_code(alice.id, b"\x06" * 32)
    used = await asyncio.gather(*(store.devices.use_code(alice.id, new_code().check) for _ in range(5)))
    assert sorted(used) == [False, False, False, False, True]
    assert await store.devices.offered(alice.id, now=NOW) is None


async def test_a_code_goes_with_its_subscriber(store: Store, alice: Subscriber) -> None:
    await store.devices.offer(alice.id, new_code(), [])
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.devices.offered(alice.id, now=NOW) is None


async def test_a_code_is_told_after_a_status_and_before_a_sync(store: Store, alice: Subscriber) -> None:
    for cause in (Cause.MAILBOX_UPDATE, Cause.CODE, Cause.STATUS):
        await store.outbox.owe([owed_to(alice, cause=cause)])
    rows = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert [row.cause for row in rows] == [Cause.STATUS, Cause.CODE, Cause.MAILBOX_UPDATE]


async def test_a_second_code_joins_the_sms_of_the_first(store: Store, alice: Subscriber) -> None:
    for _ in range(2):
        await store.devices.offer(alice.id, new_code(), [owed_to(alice, cause=Cause.CODE)])
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert row.cause is Cause.CODE
