# SPDX-License-Identifier: Apache-2.0
"""A mailbox keeps its owner through another number, another SIM and further numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, AT_ONCE, BOB, CALL, NOW, TWO_SECONDS, World
from vvm.domain.errors import (
    IsAlias,
    NumberQuarantined,
    SubscriberClosed,
    SubscriberExists,
    UnknownSubscriber,
)
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Closing, ProvisioningStatus, Subscriber
from vvm.services.login import LoginRefusal, LoginRefused
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import ServiceSettings

NEW = Msisdn("+33712345678")
SECOND_LINE = Msisdn("+33612000002")
OPTIONS = SubscriberOptions()
ACTIVATE = "Activate:pv=11;ct=it;pt=5499;//VVM"


def password_of(world: World, subscriber: Subscriber) -> str:
    return world.keyring.open(subscriber.imap_user, subscriber.password_sealed).reveal()


async def renumber(world: World, new: Msisdn = NEW) -> Subscriber:
    return await world.lifecycle.renumber(ALICE, new, reason="ported")


async def sent(world: World) -> list[tuple[str, str]]:
    """Recipient and text of every SMS that is due; they are sent."""
    notices = await world.notification.lease(100)
    for notice in notices:
        await world.notification.sent(notice, smsc="main")
    return [(notice.row.recipient, notice.text) for notice in notices]


async def refusal(world: World, user: str, password: str) -> LoginRefusal:
    with pytest.raises(LoginRefused) as refused:
        await world.login(user, password)
    return refused.value.reason


async def test_a_new_number_keeps_the_mailbox_and_tells_the_phone_to_activate() -> None:
    world = World()
    before = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    after = await renumber(world)
    assert (after.mailbox, after.status) == (before.mailbox, ProvisioningStatus.PROVISIONED)
    ((recipient, text),) = await sent(world)
    assert (recipient, text.startswith("//VVM:STATUS:st=P")) == (NEW, True)
    await world.sms_from_handset(ACTIVATE, originator=NEW)
    ((recipient, text),) = await sent(world)
    assert recipient == NEW
    assert f"u={after.imap_user}" in text
    assert after.imap_user.startswith(NEW[1:])
    current = await world.current(NEW)
    assert (await world.login(current.imap_user, password_of(world, current))).subscriber.id == before.id


async def test_nobody_logs_in_with_what_the_old_number_knew() -> None:
    world = World()
    before = await world.subscriber()
    password = password_of(world, before)
    after = await renumber(world)
    assert await refusal(world, before.imap_user, password) is LoginRefusal.UNKNOWN_USER
    assert await refusal(world, after.imap_user, password) is LoginRefusal.INVALID_PASSWORD
    await world.provisioning.create(ALICE, OPTIONS)
    assert await refusal(world, before.imap_user, password) is LoginRefusal.INVALID_PASSWORD


async def test_what_is_owed_to_the_old_number_goes_to_the_new_one() -> None:
    """A deposit that began before the change of number owes its SYNC to the number that was."""
    world = World()
    alice = await world.subscriber()
    owed = world.owing.new_message(alice)
    await renumber(world)
    await world.sms_from_handset(ACTIVATE, originator=NEW)
    await world.texts()
    await world.store.outbox.owe([owed])
    assert await sent(world) == []
    ((recipient, text),) = await sent(world)
    assert recipient == NEW
    assert "ev=MBU" in text


async def test_credentials_never_go_to_the_number_that_was_left() -> None:
    world = World()
    alice = await world.subscriber()
    status = world.owing.status(alice)
    await renumber(world)
    await sent(world)
    await world.provisioning.create(ALICE, OPTIONS)
    await world.store.outbox.owe([status])
    assert await sent(world) == []
    assert await world.owed() == []


async def test_the_new_owner_of_a_number_hears_nothing_of_the_old_one() -> None:
    world = World()
    await world.subscriber()
    await renumber(world)
    stranger = await world.provisioning.create(ALICE, OPTIONS)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert len(await world.store.mailboxes.states(stranger.mailbox, INBOX)) == 1
    assert await world.store.mailboxes.states((await world.current(NEW)).mailbox, INBOX) == []


async def test_a_late_deposit_for_a_free_number_is_refused() -> None:
    world = World()
    await world.subscriber()
    await renumber(world)
    with pytest.raises(UnknownSubscriber):
        await world.deposit(ALICE, TWO_SECONDS, CALL)


async def test_a_late_deposit_finds_the_mailbox_while_the_number_is_in_quarantine() -> None:
    world = World(service=ServiceSettings(imap_port=1143, quarantine_days=2))
    await world.subscriber()
    after = await renumber(world)
    with pytest.raises(NumberQuarantined):
        await world.provisioning.create(ALICE, OPTIONS)
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert len(await world.store.mailboxes.states(after.mailbox, INBOX)) == 1
    assert {row.recipient for row in await world.owed()} == {NEW}
    world.clock.advance(timedelta(days=2))
    await world.retention()
    await world.provisioning.create(ALICE, OPTIONS)


async def test_a_number_that_is_taken_is_given_to_nobody() -> None:
    world = World()
    await world.subscriber()
    await world.provisioning.create(BOB, OPTIONS)
    for taken in (BOB, ALICE):
        with pytest.raises(SubscriberExists):
            await renumber(world, taken)
    assert (await world.current()).status is ProvisioningStatus.READY


@pytest.mark.parametrize("status", [ProvisioningStatus.BLOCKED, ProvisioningStatus.PROVISIONED])
async def test_who_has_no_active_client_is_told_nothing(status: ProvisioningStatus) -> None:
    world = World()
    await world.subscriber(status)
    assert (await renumber(world)).status is status
    assert await sent(world) == []


async def test_another_sim_puts_the_old_one_out_at_once() -> None:
    world = World()
    await world.subscriber()
    older = await world.current()
    await world.provisioning.rotate(ALICE)
    before = await world.current()
    await world.texts()
    after = await world.lifecycle.swap_sim(ALICE, reason="stolen")
    assert after.status is ProvisioningStatus.PROVISIONED
    for lost in (older, before):
        assert (
            await refusal(world, after.imap_user, password_of(world, lost)) is LoginRefusal.INVALID_PASSWORD
        )
    folder = await world.store.mailboxes.folder(after.mailbox, INBOX)
    assert folder is not None
    assert not folder.admits_clients
    ((recipient, text),) = await sent(world)
    assert (recipient, "st=P" in text) == (ALICE, True)
    entry = (await world.store.subscribers.audit(ALICE, limit=1))[0]
    assert (entry.trigger, entry.reason) == (Trigger.SIM_SWAPPED, "stolen")


async def test_a_device_keeps_its_login_through_both() -> None:
    world = World()
    await world.subscriber()
    given = await world.devices.add(ALICE, name="tablet")
    await world.lifecycle.swap_sim(ALICE, reason="")
    await renumber(world)
    admitted = await world.login(given.device.login, given.password.reveal())
    assert admitted.subscriber.msisdn == NEW


async def test_a_mailbox_is_filled_and_opened_by_any_of_its_numbers() -> None:
    world = World()
    alice = await world.subscriber()
    await world.lifecycle.add_alias(ALICE, SECOND_LINE)
    await world.deposit(SECOND_LINE, TWO_SECONDS, CALL)
    assert len(await world.store.mailboxes.states(alice.mailbox, INBOX)) == 1
    name = alice.imap_user.replace(ALICE[1:], SECOND_LINE[1:])
    assert (await world.login(name, password_of(world, alice))).subscriber.id == alice.id
    assert (await world.login.password(name)).reveal() == password_of(world, alice)
    other = name.replace("vvm.example.net", "elsewhere.example.net")
    assert await refusal(world, other, password_of(world, alice)) is LoginRefusal.UNKNOWN_USER


async def test_the_own_number_hears_unless_an_alias_activated_the_client() -> None:
    world = World()
    alice = await world.subscriber()
    await world.lifecycle.add_alias(ALICE, SECOND_LINE)
    await world.deposit(SECOND_LINE, TWO_SECONDS, CALL)
    assert [recipient for recipient, _ in await sent(world)] == [ALICE]
    await world.sms_from_handset(ACTIVATE, originator=SECOND_LINE)
    assert [recipient for recipient, _ in await sent(world)] == [SECOND_LINE]
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert [recipient for recipient, _ in await sent(world)] == [SECOND_LINE]
    await world.sms_from_handset(ACTIVATE)
    await world.texts()
    assert (await world.current()).handset == alice.msisdn


async def test_when_the_alias_goes_the_own_number_hears_again() -> None:
    world = World()
    await world.subscriber(ProvisioningStatus.PROVISIONED)
    await world.lifecycle.add_alias(ALICE, SECOND_LINE)
    await world.sms_from_handset(ACTIVATE, originator=SECOND_LINE)
    await world.texts()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.lifecycle.remove_alias(ALICE, SECOND_LINE)
    assert await sent(world) == []
    ((recipient, text),) = await sent(world)
    assert (recipient, "ev=MBU" in text) == (ALICE, True)


async def test_a_subscriber_is_removed_by_its_own_number_alone() -> None:
    world = World()
    await world.subscriber()
    await world.lifecycle.add_alias(ALICE, SECOND_LINE)
    with pytest.raises(IsAlias):
        await world.provisioning.remove(SECOND_LINE)
    with pytest.raises(IsAlias):
        await world.lifecycle.renumber(SECOND_LINE, NEW, reason="")


async def test_an_alias_may_become_the_own_number() -> None:
    world = World()
    await world.subscriber()
    await world.lifecycle.add_alias(ALICE, SECOND_LINE)
    await world.sms_from_handset(ACTIVATE, originator=SECOND_LINE)
    after = await renumber(world, SECOND_LINE)
    assert (after.msisdn, after.handset) == (SECOND_LINE, SECOND_LINE)
    assert list(await world.lifecycle.aliases(SECOND_LINE)) == []


async def test_a_message_that_was_deleted_before_is_restored_under_the_new_number() -> None:
    world = World(notification=AT_ONCE)
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.lifecycle.hold(ALICE, reason="case 12")
    await world.store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.DELETED, remove=Flags(0))
    await world.retrieval.expunge(alice.mailbox, INBOX, [1])
    assert (await renumber(world)).held
    (deleted,) = (await world.recovery.page(NEW)).items
    assert (await world.recovery.restore(NEW, deleted.id)).uid == 2
    assert Cause.MAILBOX_UPDATE in {row.cause for row in await world.owed()}


async def test_a_closed_mailbox_takes_nothing_and_lets_nobody_in() -> None:
    world = World()
    alice = await world.subscriber()
    given = await world.devices.add(ALICE, name="tablet")
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    after = await world.lifecycle.close(ALICE, reason="contract ended")
    assert after.closing == Closing(at=NOW + timedelta(days=30), before=ProvisioningStatus.READY)
    ((recipient, text),) = await sent(world)
    assert (recipient, "st=U" in text) == (ALICE, True)
    for user, password in (
        (alice.imap_user, password_of(world, alice)),
        (given.device.login, given.password.reveal()),
    ):
        assert await refusal(world, user, password) is LoginRefusal.NOT_PROVISIONED
    with pytest.raises(UnknownSubscriber):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.sms_from_handset(ACTIVATE)
    ((_, text),) = await sent(world)
    assert "st=U" in text
    with pytest.raises(SubscriberClosed):
        await world.provisioning.change(ALICE, SubscriberOptions(blocked=True))


async def test_what_is_opened_again_is_whole() -> None:
    world = World()
    alice = await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.texts()
    await world.lifecycle.close(ALICE, reason="contract ended")
    await world.texts()
    world.clock.advance(timedelta(days=29))
    await world.retention()
    after = await world.lifecycle.reopen(ALICE, reason="paid")
    assert (after.status, after.closing) == (ProvisioningStatus.READY, None)
    ((recipient, text),) = await sent(world)
    assert (recipient, "st=R" in text) == (ALICE, True)
    assert (await world.login(alice.imap_user, password_of(world, alice))).subscriber.id == alice.id
    assert len(await world.store.mailboxes.states(alice.mailbox, INBOX)) == 1
    world.clock.advance(timedelta(days=30))
    await world.retention()
    assert (await world.current()).id == alice.id


async def test_when_the_grace_is_over_everything_goes() -> None:
    world = World()
    alice = await world.subscriber()
    await world.devices.add(ALICE, name="tablet")
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    await world.lifecycle.close(ALICE, reason="contract ended")
    world.clock.advance(timedelta(days=30))
    await world.retention()
    assert await world.store.subscribers.by_msisdn(ALICE) is None
    assert await world.store.mailboxes.folder(alice.mailbox, INBOX) is None
    assert await world.store.devices.of(alice.id) == []
    assert await world.owed() == []
    entries = await world.store.subscribers.audit(ALICE, limit=2)
    assert [(entry.trigger, entry.reason) for entry in entries] == [
        (Trigger.CLOSED, "contract ended"),
        (Trigger.REMOVED, "closed"),
    ]


async def test_to_close_twice_moves_no_end_and_to_open_twice_is_no_matter() -> None:
    world = World()
    await world.subscriber(ProvisioningStatus.BLOCKED)
    first = await world.lifecycle.close(ALICE, reason="contract ended")
    world.clock.advance(timedelta(days=1))
    assert await world.lifecycle.close(ALICE, reason="again") == first
    opened = await world.lifecycle.reopen(ALICE, reason="paid")
    assert opened.status is ProvisioningStatus.BLOCKED
    assert await world.lifecycle.reopen(ALICE, reason="paid") == opened


async def test_a_hold_outlives_the_grace() -> None:
    world = World()
    await world.subscriber()
    await world.lifecycle.hold(ALICE, reason="case 12")
    await world.lifecycle.close(ALICE, reason="contract ended")
    world.clock.advance(timedelta(days=31))
    await world.retention()
    assert (await world.current()).closing is not None
    await world.lifecycle.release(ALICE, reason="case closed")
    await world.retention()
    assert await world.store.subscribers.by_msisdn(ALICE) is None
