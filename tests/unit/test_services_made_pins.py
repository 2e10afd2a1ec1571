# SPDX-License-Identifier: Apache-2.0
"""A PIN that the service makes: its subscriber reads it in an SMS, and nobody reads it anywhere else."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.unit.services_world import ALICE, BOB, CHEAP_PINS, World
from vvm.domain.cos import Limits
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.notification import Cause
from vvm.domain.pin import PinRules, fault
from vvm.domain.provisioning import Trigger
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import CosName, ProvisioningStatus, Subscriber
from vvm.services.made_pins import MadePins, PinTexts
from vvm.services.pins import UnfitPin
from vvm.services.provisioning import SubscriberOptions
from vvm.services.resending import NothingToTell
from vvm.services.settings import ServiceSettings

GOLD = CosName("gold")
REQUEST = b"r" * 32


@pytest.fixture
async def world() -> World:
    world = World()
    await world.subscriber(ProvisioningStatus.READY)
    await world.texts()
    return world


async def pin_of(world: World) -> str:
    """What the phone reads."""
    (text,) = await world.texts()
    (pin,) = re.findall(r"\d{4,}", text)
    return str(pin)


async def test_the_pin_of_the_sms_opens_the_menus(world: World) -> None:
    alice = await world.pin_reset(ALICE, reason="at the counter")
    (notice,) = await world.notification.lease(10)
    assert (notice.row.cause, notice.row.recipient, notice.port) == (Cause.PIN, ALICE, 0)
    assert (notice.to_client, notice.coding.value) == (False, "gsm7")
    pin = re.findall(r"\d{6}", notice.text)[0]
    await world.pins.verify(alice.id, Secret(pin))
    assert pin not in repr(notice) + str(await world.timeline(ALICE))
    (*_, entry) = await world.store.subscribers.audit(ALICE, limit=9)
    assert (entry.trigger, entry.reason, entry.before) == (Trigger.PIN_RESET, "at the counter", entry.after)


async def test_every_try_of_the_sms_tells_the_same_pin(world: World) -> None:
    """It is in no row: each worker finds it again."""
    await world.pin_reset(ALICE)
    (first,) = await world.notification.lease(10)
    await world.notification.retry(first.row, after=first.validity / 9, smpp_status=None, counted=True)
    world.clock.advance(first.validity / 2)
    (second,) = await world.notification.lease(10)
    assert second.text == first.text


async def test_a_pin_that_the_subscriber_has_changed_is_not_told(world: World) -> None:
    alice = await world.pin_reset(ALICE)
    first = await pin_of(world)
    await world.pin_reset(ALICE)
    await world.provisioning.change(ALICE, SubscriberOptions(pin=Secret("2580")))
    assert await world.texts() == []
    await world.pins.verify(alice.id, Secret("2580"))
    assert first != "2580"


async def test_a_new_pin_ends_the_old_one_and_a_lockout(world: World) -> None:
    alice = await world.pin_reset(ALICE)
    old = await pin_of(world)
    for _ in range(CHEAP_PINS.max_tries):
        with pytest.raises(Exception, match="mismatch"):
            await world.pins.verify(alice.id, Secret("0"))
    await world.pin_reset(ALICE)
    new = await pin_of(world)
    await world.pins.verify(alice.id, Secret(new))
    with pytest.raises(Exception, match="mismatch"):
        await world.pins.verify(alice.id, Secret(old))


@pytest.mark.parametrize(("least", "most", "digits"), [(8, 9, 8), (4, 5, 5), (4, 9, 6)])
async def test_it_has_as_many_digits_as_the_class_allows(
    world: World, least: int, most: int, digits: int
) -> None:
    await world.classes.put(GOLD, Limits(pin_min_digits=least, pin_max_digits=most))
    await world.provisioning.change(ALICE, SubscriberOptions(cos=GOLD))
    await world.pin_reset(ALICE)
    assert len(await pin_of(world)) == digits


async def test_a_class_that_changes_meanwhile_does_not_hide_the_pin(world: World) -> None:
    await world.pin_reset(ALICE)
    await world.classes.put(GOLD, Limits(pin_min_digits=9))
    await world.provisioning.change(ALICE, SubscriberOptions(cos=GOLD))
    assert len(await pin_of(world)) == 6


def test_no_pin_is_made_that_the_rules_refuse(world: World) -> None:
    made = MadePins(world.pin_hash, world.keyring)
    rules = PinRules(4, 4, refuse_repeats=True, refuse_runs=True, refuse_own_digits=True)
    for number in range(3000):
        salt = made.salt(4, rules, msisdn=ALICE, request=number.to_bytes(32, "big"))
        assert fault(made._pin(salt).reveal(), rules, msisdn=ALICE) is None
    nothing = msgspec.structs.replace(rules, min_digits=5)
    with pytest.raises(UnfitPin):
        made.salt(4, nothing, msisdn=ALICE, request=None)


def test_pins_are_spread_evenly(world: World) -> None:
    made = MadePins(world.pin_hash, world.keyring)
    free = PinRules(4, 4, refuse_repeats=False, refuse_runs=False, refuse_own_digits=False)
    firsts = [
        made._pin(made.salt(4, free, msisdn=ALICE, request=number.to_bytes(32, "big"))).reveal()[0]
        for number in range(5000)
    ]
    assert all(400 < firsts.count(digit) < 600 for digit in "0123456789")


async def test_the_text_is_in_the_language_of_the_subscriber(world: World) -> None:
    service = ServiceSettings(imap_port=1143, languages=("eng", "fra"), service_number="5511")
    settings = msgspec.structs.replace(CHEAP_PINS, texts={"fra": "Votre code: {pin}, {number}"})
    texts = PinTexts(MadePins(world.pin_hash, world.keyring), service=service, settings=settings)

    async def text(subscriber: Subscriber) -> str:
        sms = await texts.sms(subscriber)
        assert sms is not None
        return sms.text

    alice = await world.pin_reset(ALICE)
    pin = await pin_of(world)
    assert await text(msgspec.structs.replace(alice, language="fra")) == f"Votre code: {pin}, 5511"
    assert await text(msgspec.structs.replace(alice, language="spa")) == f"Votre code: {pin}, 5511"
    english = PinTexts(MadePins(world.pin_hash, world.keyring), service=service, settings=CHEAP_PINS)
    sms = await english.sms(alice)
    assert sms is not None
    assert sms.text == f"{pin} is the new PIN of your voicemail. Do not tell it to anybody."
    assert await texts.sms(msgspec.structs.replace(alice, status=ProvisioningStatus.BLOCKED)) is None


async def test_it_follows_the_subscriber_to_another_number(world: World) -> None:
    await world.pin_reset(ALICE)
    await world.lifecycle.renumber(ALICE, BOB, reason="")
    notices = [*await world.notification.lease(10), *await world.notification.lease(10)]
    told = [notice.row.recipient for notice in notices if notice.row.cause is Cause.PIN]
    assert told == [BOB]


async def test_the_same_request_makes_one_pin(world: World) -> None:
    alice = await world.pin_reset(ALICE, request=REQUEST)
    assert await world.pin_reset(ALICE, request=REQUEST) == alice
    pin = await pin_of(world)
    await world.pin_reset(ALICE, request=b"s" * 32)
    assert await pin_of(world) != pin


async def test_nobody_is_told_who_is_not_served(world: World) -> None:
    with pytest.raises(UnknownSubscriber):
        await world.pin_reset(BOB)
    await world.provisioning.change(ALICE, SubscriberOptions(blocked=True))
    with pytest.raises(NothingToTell):
        await world.pin_reset(ALICE)


async def test_no_pin_follows_from_another_master_key_or_from_a_chosen_pin(world: World) -> None:
    alice = await world.pin_reset(ALICE)
    assert await MadePins(world.pin_hash, type(world.keyring)(b"x" * 32)).of(alice) is None
    chosen = await world.provisioning.change(ALICE, SubscriberOptions(pin=Secret("2580")))
    made = MadePins(world.pin_hash, world.keyring)
    assert await made.of(chosen) is None
    assert await made.of(msgspec.structs.replace(alice, pin_check=None)) is None
    assert await made.of(msgspec.structs.replace(alice, pin_check="$argon2id$v=19$m=8$x$y")) is None
