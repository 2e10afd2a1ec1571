# SPDX-License-Identifier: Apache-2.0

"""The timeline of a number: everything in order, and no text of any SMS."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from imap_server.backend import Denied, FlagChange, FlagMode
from tests.unit.imap_front import PEER, backend
from tests.unit.services_world import ALICE, BOB, CALL, NOW, SMSC, TWO_SECONDS, World
from vvm.domain.visit import Act
from vvm.services.paging import PAGE_LIMIT, InvalidLimit
from vvm.services.provisioning import SubscriberOptions
from vvm.services.timeline import Event
from vvm.store.port import Acceptance, Settlement

SECOND = timedelta(seconds=1)


async def activated(world: World) -> str:
    """Alice activates, has a message and hears of it, a second between each; her password."""
    alice = await world.provisioning.create(ALICE, SubscriberOptions())
    world.clock.advance(SECOND)
    await world.sms_from_handset("Activate:pv=11;ct=secret-of-alice")
    for message_id in ("m1", "m2"):
        world.clock.advance(SECOND)
        (notice,) = await world.notification.lease(10)
        await world.notification.sent(notice, smsc=SMSC, last=Acceptance(1, 1, message_id))
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    world.clock.advance(SECOND)
    await world.notification.receipt("m2", Settlement.DELIVERED)
    return world.keyring.open(alice.imap_user, alice.password_sealed).reveal()


# rows: SMS-14
async def test_a_timeline_has_every_sms_in_order_and_no_text() -> None:
    world = World()
    password = await activated(world)
    entries = await world.timeline(ALICE)
    assert [
        ((entry.at - NOW) // SECOND, entry.event.value, entry.what, entry.outcome) for entry in entries
    ] == [
        (0, "transition", "created", "P"),
        (1, "transition", "activate", "R"),
        (1, "client_sms", "Activate", None),
        (1, "owed", "status", None),
        (2, "accepted", "status", None),
        (2, "owed", "new_message", None),
        (3, "accepted", "new_message", None),
        (3, "owed", "new_message", None),
        (4, "closed", "new_message", "delivered"),
    ]
    told = msgspec.json.encode(entries).decode()
    assert password not in told
    assert "secret-of-alice" not in told


async def test_a_number_that_is_not_served_has_a_timeline_too() -> None:
    world = World()
    await world.sms_from_handset("hello, my PIN is 1234", originator=BOB)
    await world.sms_from_handset("STATUS", originator=BOB)
    entries = await world.timeline(BOB)
    assert [entry.what for entry in entries] == ["UnknownRequest", "StatusRequest", "status"]


async def test_of_a_long_timeline_the_newest_is_shown() -> None:
    world = World()
    await activated(world)
    everything = await world.timeline(ALICE)
    assert await world.timeline(ALICE, limit=3) == everything[-3:]
    for limit in (0, PAGE_LIMIT + 1):
        with pytest.raises(InvalidLimit):
            await world.timeline(ALICE, limit=limit)


async def test_a_timeline_shows_what_clients_did_and_how_often() -> None:
    world = World()
    alice = await world.subscriber()
    given = await world.devices.add(ALICE, name="Tablet")
    front = backend(world)
    with pytest.raises(Denied):
        await front.login(alice.imap_user, "wrong", PEER)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    account = await front.login(given.device.login, given.password.reveal(), PEER)
    inbox = await account.select("INBOX")
    assert inbox is not None
    await inbox.snapshot()
    for _ in range(3):
        await inbox.read(1)
    await inbox.store([1], FlagChange(FlagMode.ADD, frozenset({"\\Deleted"})))
    await inbox.expunge(None)
    await world.visits.flush()
    await world.visits.flush()
    visits = [entry for entry in await world.timeline(ALICE) if entry.event is Event.VISIT]
    tablet = given.device.id
    assert [(visit.what, visit.outcome, visit.device, visit.count) for visit in visits] == [
        ("refused", "invalid_password", None, 1),
        ("logged_in", None, tablet, 1),
        ("looked", "INBOX", tablet, 1),
        ("fetched", "INBOX", tablet, 3),
        ("marked", "INBOX", tablet, 1),
        ("expunged", "INBOX", tablet, 1),
    ]


async def test_visits_are_forgotten_with_the_rest() -> None:
    world = World()
    alice = await world.subscriber()
    world.visits.note(alice.id, Act.LOGGED_IN)
    await world.visits.flush()
    world.clock.advance(timedelta(days=31))
    await world.retention()
    assert [entry for entry in await world.timeline(ALICE) if entry.event is Event.VISIT] == []
