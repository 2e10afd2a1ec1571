# SPDX-License-Identifier: Apache-2.0

"""What a subscriber without an active client hears, and when a client counts as gone."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.services_world import ALICE, CALL, SMSC, TWO_SECONDS, World
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import Fallback, ProvisioningStatus, SmsCoding, Subscriber
from vvm.services.notification import Notice
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import NotificationSettings, ServiceSettings

READY, PROVISIONED = ProvisioningStatus.READY, ProvisioningStatus.PROVISIONED
UNKNOWN, BLOCKED = ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED
TEXTS = {"eng": "{count} new, call {number}", "fra": "{count} nouveaux messages, appelez le {number} ☎"}
SERVICE = ServiceSettings(imap_port=1143, languages=("eng", "fra"), tui_number="123")


def settings(**more: int) -> NotificationSettings:
    return NotificationSettings(debounce_seconds=0, texts=TEXTS, **more)


async def world_with(
    fallback: Fallback, status: ProvisioningStatus = PROVISIONED, *, language: str = "eng", after: int = 10
) -> tuple[World, Subscriber]:
    """A subscriber with a fallback; a client counts as gone after so many SYNC."""
    world = World(service=SERVICE, notification=settings(suspend_after_syncs=after))
    options = SubscriberOptions(fallback=fallback, language=language)
    return world, await world.subscriber(status, options=options)


async def hears(world: World) -> Notice | None:
    """What a message that comes now is told by."""
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    notices = await world.notification.lease(10)
    for notice in notices:
        await world.notification.sent(notice, smsc=SMSC)
    assert await world.owed() == []
    return notices[0] if notices else None


async def test_without_a_client_the_lamp_shows_how_many_wait() -> None:
    world, _ = await world_with(Fallback.MWI)
    for count in (1, 2):
        notice = await hears(world)
        assert notice is not None
        assert (notice.waiting, notice.text, notice.port) == (count, "", 0)
        assert (notice.coding, notice.source) == (SmsCoding.GSM7, "5511")


async def test_the_lamp_goes_out_when_the_last_message_was_heard() -> None:
    world, alice = await world_with(Fallback.MWI)
    await hears(world)
    await world.retrieval.mark(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    await world.store.outbox.owe([world.owing.mailbox_update(alice)])
    (notice,) = await world.notification.lease(10)
    assert notice.waiting == 0


@pytest.mark.parametrize(
    ("language", "text", "coding"),
    [
        ("eng", "1 new, call 123", SmsCoding.GSM7),
        ("fra", "1 nouveaux messages, appelez le 123 ☎", SmsCoding.UCS2),
    ],
)
async def test_without_a_client_a_text_says_it_in_the_subscribers_language(
    language: str, text: str, coding: SmsCoding
) -> None:
    world, _ = await world_with(Fallback.TEXT, language=language)
    notice = await hears(world)
    assert notice is not None
    assert (notice.text, notice.coding, notice.port, notice.waiting) == (text, coding, 0, None)


async def test_a_text_is_not_sent_to_say_that_nothing_waits() -> None:
    world, alice = await world_with(Fallback.TEXT)
    await world.store.outbox.owe([world.owing.mailbox_update(alice)])
    assert await world.texts() == []
    assert await world.owed() == []


@pytest.mark.parametrize(
    ("tui_number", "text"),
    [("123", "New voice messages: 1. Call 123 to listen."), ("", "New voice messages: 1.")],
)
async def test_without_a_text_of_the_operator_it_is_english(tui_number: str, text: str) -> None:
    """Nobody is told to call where there are no menus."""
    world = World(service=msgspec.structs.replace(SERVICE, tui_number=tui_number))
    await world.subscriber(PROVISIONED, options=SubscriberOptions(fallback=Fallback.TEXT, language="fra"))
    notice = await hears(world)
    assert notice is not None
    assert notice.text == text


# rows: SY-09
@pytest.mark.parametrize(
    ("fallback", "status"),
    [
        (Fallback.NONE, PROVISIONED),
        (Fallback.MWI, BLOCKED),
        (Fallback.TEXT, BLOCKED),
        (Fallback.MWI, UNKNOWN),
    ],
)
async def test_who_shall_hear_nothing_hears_nothing(fallback: Fallback, status: ProvisioningStatus) -> None:
    world, _ = await world_with(fallback)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.subscribers_status(status)
    assert await world.texts() == []
    assert await world.owed() == []


@pytest.mark.parametrize("fallback", Fallback)
async def test_an_active_client_hears_sync_whatever_the_fallback(fallback: Fallback) -> None:
    world, _ = await world_with(fallback, READY)
    notice = await hears(world)
    assert notice is not None
    assert notice.text.startswith("//VVM:SYNC:ev=NM;id=1;")
    assert notice.waiting is None


# rows: SY-16
async def test_a_client_that_never_comes_falls_back_and_resumes_at_its_login() -> None:
    world, alice = await world_with(Fallback.MWI, READY, after=3)
    told = [await hears(world) for _ in range(5)]
    assert [notice.waiting for notice in told if notice] == [None, None, None, 4, 5]
    password = world.keyring.open(alice.imap_user, alice.password_sealed).reveal()
    await world.login(alice.imap_user, password)
    notice = await hears(world)
    assert notice is not None
    assert notice.text.startswith("//VVM:SYNC:ev=NM;id=6;")


# rows: SY-16
@pytest.mark.parametrize(("fallback", "after"), [(Fallback.NONE, 2), (Fallback.MWI, 0)])
async def test_without_a_fallback_or_a_limit_a_client_is_told_for_ever(
    fallback: Fallback, after: int
) -> None:
    world, _ = await world_with(fallback, READY, after=after)
    for _ in range(4):
        notice = await hears(world)
        assert notice is not None
        assert notice.waiting is None
