# SPDX-License-Identifier: Apache-2.0

"""Provisioning: what an operator says of a subscriber, and when its phone is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, BOB, NOW, HintsHeard, World
from vvm.domain.errors import SubscriberExists, UnknownSubscriber
from vvm.domain.message import INBOX
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus
from vvm.services.paging import InvalidLimit
from vvm.services.provisioning import SubscriberOptions, UnknownLanguage
from vvm.services.settings import ServiceSettings

NEW, READY = ProvisioningStatus.NEW, ProvisioningStatus.READY
PROVISIONED, UNKNOWN = ProvisioningStatus.PROVISIONED, ProvisioningStatus.UNKNOWN
BLOCKED = ProvisioningStatus.BLOCKED

SERVICE = ServiceSettings(
    domain="mail.example.net",
    imap_port=143,
    languages=("fra", "eng"),
    max_messages=40,
    client=ClientProfile(dialect=Dialect.CVVM, port=0),
)
CLIENT = ClientProfile(client_type="special")


async def test_a_new_subscriber_has_the_defaults_of_the_service() -> None:
    world = World(service=SERVICE)
    alice = await world.provisioning.create(ALICE, SubscriberOptions())
    assert (alice.msisdn, alice.status, alice.setup_done) == (ALICE, PROVISIONED, True)
    assert (alice.client, alice.language, alice.max_messages) == (SERVICE.client, "fra", 40)
    assert alice.imap_user == "33612345678@mail.example.net"
    assert (alice.created_at, alice.changed_at) == (NOW, NOW)
    assert await world.owed() == []


async def test_a_new_subscriber_is_as_the_operator_says() -> None:
    world = World(service=SERVICE)
    options = SubscriberOptions(language="eng", max_messages=5, setup_done=False, blocked=True, client=CLIENT)
    alice = await world.provisioning.create(ALICE, options)
    assert (alice.status, alice.setup_done) == (BLOCKED, False)
    assert (alice.client, alice.language, alice.max_messages) == (CLIENT, "eng", 5)
    folder = await world.store.mailboxes.folder(alice.mailbox, INBOX)
    assert folder is not None
    assert folder.max_messages == 5


async def test_each_subscriber_has_a_password_of_its_own_that_is_stored_nowhere_in_clear() -> None:
    world = World()
    passwords = set()
    for msisdn in (ALICE, BOB):
        subscriber = await world.provisioning.create(msisdn, SubscriberOptions())
        password = world.keyring.open(subscriber.imap_user, subscriber.password_sealed).reveal()
        assert world.keyring.matches(subscriber.imap_user, password, subscriber.password_check)
        assert password.encode() not in subscriber.password_check + subscriber.password_sealed
        passwords.add(password)
    assert len(passwords) == 2


async def test_a_number_is_provisioned_once() -> None:
    world = World()
    alice = await world.provisioning.create(ALICE, SubscriberOptions())
    with pytest.raises(SubscriberExists):
        await world.provisioning.create(ALICE, SubscriberOptions())
    assert await world.current() == alice


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (SubscriberOptions(language="deu"), UnknownLanguage),
        (SubscriberOptions(max_messages=0), InvalidLimit),
        (SubscriberOptions(max_messages=-1), InvalidLimit),
    ],
)
async def test_what_the_service_does_not_offer_is_refused(
    options: SubscriberOptions, refusal: type[Exception]
) -> None:
    world = World(service=SERVICE)
    with pytest.raises(refusal):
        await world.provisioning.create(ALICE, options)
    with pytest.raises(UnknownSubscriber):
        await world.current()
    alice = await world.provisioning.create(ALICE, SubscriberOptions())
    with pytest.raises(refusal):
        await world.provisioning.change(ALICE, options)
    assert await world.current() == alice


async def test_a_change_sets_what_was_said_and_nothing_else() -> None:
    world = World(service=SERVICE)
    before = await world.subscriber(READY)
    world.clock.advance(timedelta(minutes=1))
    after = await world.provisioning.change(
        ALICE, SubscriberOptions(language="eng", max_messages=7, setup_done=False, client=CLIENT)
    )
    assert (after.language, after.max_messages, after.setup_done) == ("eng", 7, False)
    assert after.client == CLIENT
    assert (after.status, after.changed_at) == (READY, world.clock.now())
    assert (after.imap_user, after.password_check) == (before.imap_user, before.password_check)
    assert await world.current() == after


async def test_a_change_of_nobody_is_refused() -> None:
    world = World()
    with pytest.raises(UnknownSubscriber):
        await world.provisioning.change(ALICE, SubscriberOptions(blocked=True))
    assert await world.owed() == []


# rows: PRV-05
@pytest.mark.parametrize(
    ("before", "blocked", "after", "told"),
    [
        (NEW, True, BLOCKED, True),
        (READY, True, BLOCKED, True),
        (PROVISIONED, True, BLOCKED, False),
        (UNKNOWN, True, BLOCKED, False),
        (BLOCKED, True, BLOCKED, False),
        (BLOCKED, False, PROVISIONED, False),
        (READY, False, READY, False),
        (NEW, None, NEW, False),
        (BLOCKED, None, BLOCKED, False),
    ],
)
async def test_a_block_is_told_to_an_active_client(
    before: ProvisioningStatus,
    blocked: bool | None,
    after: ProvisioningStatus,
    told: bool,
) -> None:
    world = World()
    alice = await world.subscriber(before)
    changed = await world.provisioning.change(ALICE, SubscriberOptions(blocked=blocked))
    assert changed.status is after
    notices = await world.notification.lease(10)
    assert [notice.text for notice in notices] == ["//VVM:STATUS:st=B;rc=0"] * told
    rows = [(notice.row.cause, notice.row.recipient, notice.row.subscriber) for notice in notices]
    assert rows == [(Cause.STATUS, ALICE, alice.id)] * told


async def test_a_block_wakes_the_mailbox_and_the_outbox() -> None:
    world = World()
    alice = await world.subscriber(READY)
    heard = HintsHeard(world, alice.mailbox)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.hints.outbox_moved(timedelta(hours=1)))
        await world.provisioning.change(ALICE, SubscriberOptions(blocked=True))
    assert heard.count == 1


async def test_who_is_removed_is_gone_and_its_sessions_hear_of_it() -> None:
    world = World()
    alice = await world.subscriber(READY)
    heard = HintsHeard(world, alice.mailbox)
    await world.provisioning.remove(ALICE)
    assert heard.count == 1
    with pytest.raises(UnknownSubscriber):
        await world.provisioning.show(ALICE)
    with pytest.raises(UnknownSubscriber):
        await world.provisioning.remove(ALICE)
