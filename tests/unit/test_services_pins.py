# SPDX-License-Identifier: Apache-2.0
"""Who knows a PIN, how it is changed, and what guessing costs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, BOB, CHEAP_PINS, World
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.pin import PinFault
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus, Subscriber, SubscriberId
from vvm.services.pin_hash import PinHash
from vvm.services.pins import PinNotAccepted, UnfitPin, WrongPin
from vvm.services.provisioning import SubscriberOptions

OLD, NEW, WRONG = Secret("2580"), Secret("4711"), Secret("9999")
WITH_PIN = SubscriberOptions(pin=OLD)


async def alice(world: World) -> Subscriber:
    return await world.subscriber(options=WITH_PIN)


async def reason(world: World, subscriber: Subscriber, pin: Secret) -> WrongPin:
    with pytest.raises(PinNotAccepted) as refused:
        await world.pins.verify(subscriber.id, pin)
    return refused.value.reason


async def exhaust(world: World, subscriber: Subscriber) -> None:
    for _ in range(CHEAP_PINS.max_tries):
        assert await reason(world, subscriber, WRONG) is WrongPin.MISMATCH


# rows: PIN-05
async def test_a_changed_pin_is_the_right_one_at_once() -> None:
    world = World()
    subscriber = await alice(world)
    await world.pins.change(subscriber.id, new=NEW, old=OLD)
    await world.pins.verify(subscriber.id, NEW)
    assert await reason(world, subscriber, OLD) is WrongPin.MISMATCH


# rows: PIN-04
async def test_to_change_a_pin_to_itself_only_asks_whether_it_is_right() -> None:
    world = World()
    subscriber = await alice(world)
    before = await world.current()
    await world.pins.change(subscriber.id, new=OLD, old=OLD)
    assert await world.current() == before


# rows: PIN-04
async def test_a_wrong_old_pin_is_told_before_a_bad_new_one() -> None:
    world = World()
    subscriber = await alice(world)
    with pytest.raises(PinNotAccepted) as refused:
        await world.pins.change(subscriber.id, new=Secret("1"), old=WRONG)
    assert refused.value.reason is WrongPin.MISMATCH


@pytest.mark.parametrize(
    ("new", "expected"),
    [("1", PinFault.TOO_SHORT), ("1234", PinFault.TOO_WEAK), ("12x4", PinFault.INVALID_CHARACTERS)],
)
async def test_a_bad_new_pin_changes_nothing(new: str, expected: PinFault) -> None:
    world = World()
    subscriber = await alice(world)
    with pytest.raises(UnfitPin) as refused:
        await world.pins.change(subscriber.id, new=Secret(new), old=OLD)
    assert refused.value.reason is expected
    assert new not in str(refused.value)
    await world.pins.verify(subscriber.id, OLD)


async def test_after_too_many_wrong_pins_the_right_one_waits_too() -> None:
    world = World()
    subscriber = await alice(world)
    await exhaust(world, subscriber)
    assert await reason(world, subscriber, OLD) is WrongPin.LOCKED
    world.clock.advance(timedelta(minutes=CHEAP_PINS.lockout_minutes))
    await world.pins.verify(subscriber.id, OLD)


async def test_parallel_guesses_get_no_more_tries() -> None:
    world = World()
    subscriber = await alice(world)
    guesses = [world.pins.verify(subscriber.id, Secret(f"900{n}")) for n in range(8)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    reasons = [answer.reason for answer in answers if isinstance(answer, PinNotAccepted)]
    assert reasons.count(WrongPin.MISMATCH) == CHEAP_PINS.max_tries
    assert reasons.count(WrongPin.LOCKED) == 8 - CHEAP_PINS.max_tries


async def test_a_right_pin_starts_the_count_anew() -> None:
    world = World()
    subscriber = await alice(world)
    for _ in range(3):
        assert await reason(world, subscriber, WRONG) is WrongPin.MISMATCH
        await world.pins.verify(subscriber.id, OLD)


async def test_an_operator_ends_a_lockout_by_a_new_pin() -> None:
    world = World()
    subscriber = await alice(world)
    await exhaust(world, subscriber)
    await world.provisioning.change(ALICE, SubscriberOptions(pin=NEW))
    await world.pins.verify(subscriber.id, NEW)


async def test_an_operator_may_not_give_a_weak_pin_either() -> None:
    world = World()
    with pytest.raises(UnfitPin):
        await world.provisioning.create(ALICE, SubscriberOptions(pin=Secret("0000")))
    assert await world.store.subscribers.by_msisdn(ALICE) is None


async def test_who_never_had_a_pin_has_none_to_guess() -> None:
    world = World()
    subscriber = await world.subscriber()
    for guess in ("", "0000", "1" + ALICE[-4:]):
        with pytest.raises(PinNotAccepted):
            await world.pins.verify(subscriber.id, Secret(guess))


async def test_who_is_gone_has_no_pin() -> None:
    world = World()
    with pytest.raises(UnknownSubscriber):
        await world.pins.verify(SubscriberId(4711), OLD)


# rows: PIN-06
async def test_a_new_verizon_subscriber_has_a_default_pin_until_it_sets_one() -> None:
    world = World()
    options = SubscriberOptions(client=ClientProfile(dialect=Dialect.VVM3))
    subscriber = await world.subscriber(ProvisioningStatus.NEW, options=options)
    default = Secret("1" + ALICE[-4:])
    await world.pins.verify(subscriber.id, default)
    await world.pins.change(subscriber.id, new=NEW, old=default)
    assert await reason(world, subscriber, default) is WrongPin.MISMATCH


@pytest.mark.parametrize(
    ("status", "dialect"),
    [(ProvisioningStatus.READY, Dialect.VVM3), (ProvisioningStatus.NEW, Dialect.OMTP)],
)
async def test_nobody_else_has_a_default_pin(status: ProvisioningStatus, dialect: Dialect) -> None:
    world = World()
    options = SubscriberOptions(client=ClientProfile(dialect=dialect))
    subscriber = await world.subscriber(status, options=options)
    assert await reason(world, subscriber, Secret("1" + ALICE[-4:])) is WrongPin.MISMATCH


async def test_the_same_pin_is_kept_differently_each_time_and_shows_nowhere() -> None:
    world = World()
    first = await world.subscriber(options=WITH_PIN)
    second = await world.subscriber(msisdn=BOB, options=WITH_PIN)
    assert first.pin_check is not None
    assert first.pin_check != second.pin_check
    assert first.pin_check.startswith("$argon2id$")
    assert OLD.reveal() not in repr(WITH_PIN)


async def test_a_hash_is_worth_nothing_without_the_pepper() -> None:
    ours = PinHash(b"p" * 32, CHEAP_PINS)
    theirs = PinHash(b"q" * 32, CHEAP_PINS)
    check = await ours.make(OLD)
    assert await ours.matches(OLD, check)
    assert not await theirs.matches(OLD, check)
    assert not await ours.matches(NEW, check)
    ours.close()
    theirs.close()


async def test_a_text_that_is_no_hash_matches_nothing() -> None:
    hashes = PinHash(b"p" * 32, CHEAP_PINS)
    for text in ("", "2580", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"):
        assert not await hashes.matches(OLD, text)
    hashes.close()
