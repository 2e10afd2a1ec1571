# SPDX-License-Identifier: Apache-2.0
"""What SubscriberStore promises."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_message, new_subscriber, owed_to
from vvm.domain.cos import UnknownCos
from vvm.domain.errors import (
    PreconditionFailed,
    StatusMoved,
    SubscriberClosed,
    SubscriberExists,
    UnknownMessage,
    UnknownSubscriber,
)
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.notification import Leased
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import (
    ClientProfile,
    Closing,
    CosName,
    Dialect,
    ProvisioningStatus,
    SmsCoding,
    Subscriber,
)
from vvm.store.port import GREETINGS_LIMIT, Acceptance, FolderState, Settlement, Store, SubscriberChange

CLIENT = ClientProfile(
    dialect=Dialect.CVVM,
    protocol_version=13,
    client_type="google.vvm.10.0",
    port=0,
    prefix="//ANDROID",
    coding=SmsCoding.GSM7,
)
LATER = NOW + timedelta(days=1, microseconds=1)

CHANGES = {
    "status": ProvisioningStatus.BLOCKED,
    "client": CLIENT,
    "language": "fra",
    "setup_done": False,
    "max_messages": 3,
    "password_check": b"\x03" * 32,
    "password_sealed": b"\x04" * 50,
    "pin_check": "check of another PIN",
}


async def leased(store: Store) -> list[Leased]:
    return list(await store.outbox.lease(now=LATER, lease=MINUTE, limit=100))


async def test_a_new_subscriber_is_what_was_asked_for(store: Store) -> None:
    new = new_subscriber(client=CLIENT, status=ProvisioningStatus.NEW, setup_done=False)
    created = await store.subscribers.create(new)
    asked = msgspec.structs.asdict(new)
    del asked["aliases"], asked["reason"]
    assert {name: getattr(created, name) for name in asked} == asked
    assert created.changed_at == new.created_at


async def test_many_are_added_at_once_and_who_is_there_stays_as_it_is(
    store: Store, alice: Subscriber
) -> None:
    many = [new_subscriber(ALICE, language="fra"), new_subscriber(BOB)]
    assert list(await store.subscribers.create_many(many)) == [BOB]
    assert await store.subscribers.by_msisdn(ALICE) == alice
    bob = await store.subscribers.by_msisdn(BOB)
    assert bob is not None
    folder = await store.mailboxes.folder(bob.mailbox, INBOX)
    assert folder is not None
    assert [entry.before for entry in await store.subscribers.audit(BOB, limit=10)] == [None]
    assert list(await store.subscribers.create_many(many)) == []


async def test_of_many_nobody_is_added_when_one_refers_to_no_class(store: Store) -> None:
    many = [new_subscriber(ALICE), new_subscriber(BOB, cos=CosName("gold"))]
    with pytest.raises(UnknownCos):
        await store.subscribers.create_many(many)
    assert await store.subscribers.by_msisdn(ALICE) is None


async def test_a_subscriber_is_found_by_number_by_id_and_by_imap_user(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(client=CLIENT))
    await store.subscribers.create(new_subscriber(BOB))
    assert await store.subscribers.by_msisdn(alice.msisdn) == alice
    assert await store.subscribers.by_id(alice.id) == alice
    assert await store.subscribers.by_imap_user(alice.imap_user) == alice


async def test_who_is_not_there_is_not_found(store: Store, alice: Subscriber) -> None:
    assert await store.subscribers.by_msisdn(BOB) is None
    assert await store.subscribers.by_id(type(alice.id)(alice.id + 1)) is None
    assert await store.subscribers.by_imap_user("nobody@vvm.example.net") is None


async def test_letters_of_an_imap_user_compare_exactly(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(imap_user="alice@vvm.example.net"))
    other = await store.subscribers.create(new_subscriber(BOB, imap_user="Alice@vvm.example.net"))
    assert await store.subscribers.by_imap_user("alice@vvm.example.net") == alice
    assert await store.subscribers.by_imap_user("Alice@vvm.example.net") == other
    assert await store.subscribers.by_imap_user("ALICE@vvm.example.net") is None


async def test_a_new_subscriber_has_a_mailbox_with_two_empty_folders(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=7))
    bob = await store.subscribers.create(new_subscriber(BOB))
    assert alice.mailbox != bob.mailbox
    assert [each.name for each in await store.folders.all(alice.mailbox)] == [INBOX, GREETINGS]
    greetings = await store.mailboxes.folder(alice.mailbox, GREETINGS)
    assert greetings is not None
    assert (greetings.messages, greetings.max_messages) == (0, GREETINGS_LIMIT)
    folder = await store.mailboxes.folder(alice.mailbox, INBOX)
    assert folder is not None
    assert folder.uid_validity > 0
    assert folder.highest_modseq > 0
    assert folder == FolderState(
        uid_validity=folder.uid_validity,
        uid_next=1,
        highest_modseq=folder.highest_modseq,
        messages=0,
        unseen=0,
        octets=0,
        max_messages=7,
        admits_clients=False,
    )


async def test_a_number_is_given_once(store: Store, alice: Subscriber) -> None:
    with pytest.raises(SubscriberExists):
        await store.subscribers.create(new_subscriber(imap_user="other@vvm.example.net", language="fra"))
    assert await store.subscribers.by_msisdn(ALICE) == alice
    assert await store.subscribers.by_imap_user("other@vvm.example.net") is None
    assert await store.subscribers.page(after=None, limit=10) == [alice]


async def test_an_imap_user_is_given_once(store: Store, alice: Subscriber) -> None:
    with pytest.raises(SubscriberExists):
        await store.subscribers.create(new_subscriber(BOB, imap_user=alice.imap_user))
    assert await store.subscribers.by_msisdn(BOB) is None


@pytest.mark.parametrize("field", CHANGES)
async def test_a_change_sets_its_fields_and_leaves_the_others(
    store: Store, alice: Subscriber, field: str
) -> None:
    change = msgspec.convert({"changed_at": LATER, field: CHANGES[field]}, SubscriberChange)
    answered = await store.subscribers.change(ALICE, change)
    assert answered == msgspec.structs.replace(alice, changed_at=LATER, **{field: CHANGES[field]})
    assert await store.subscribers.by_msisdn(ALICE) == answered


async def test_a_change_touches_nobody_else(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=LATER, language="fra"))
    assert await store.subscribers.by_msisdn(BOB) == bob


async def test_a_changed_limit_is_that_of_the_inbox(store: Store, alice: Subscriber) -> None:
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=LATER, max_messages=3))
    folder = await store.mailboxes.folder(alice.mailbox, INBOX)
    assert folder is not None
    assert folder.max_messages == 3


async def test_a_change_owes_its_notifications(store: Store, alice: Subscriber) -> None:
    change = SubscriberChange(changed_at=NOW, status=ProvisioningStatus.READY)
    await store.subscribers.change(ALICE, change, [owed_to(alice)])
    (row,) = await leased(store)
    assert (row.recipient, row.subscriber, row.uid) == (ALICE, alice.id, None)


async def test_a_change_of_nobody_owes_nothing(store: Store, alice: Subscriber) -> None:
    change = SubscriberChange(changed_at=NOW, status=ProvisioningStatus.READY)
    with pytest.raises(UnknownSubscriber):
        await store.subscribers.change(BOB, change, [owed_to(alice)])
    assert await leased(store) == []
    assert await store.subscribers.by_msisdn(ALICE) == alice


async def test_who_is_removed_is_forgotten(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(), [owed_to(alice)])
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.subscribers.by_msisdn(ALICE) is None
    assert await store.subscribers.by_id(alice.id) is None
    assert await store.subscribers.by_imap_user(alice.imap_user) is None
    assert await store.subscribers.page(after=None, limit=10) == []
    assert await store.folders.all(alice.mailbox) == []
    assert await store.mailboxes.folder(alice.mailbox, INBOX) is None
    assert await store.mailboxes.changes(alice.mailbox, INBOX, 0) is None
    assert await store.mailboxes.states(alice.mailbox, INBOX) == []
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) is None
    assert await leased(store) == []


async def test_a_removal_touches_nobody_else(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.mailboxes.append(bob.mailbox, INBOX, new_message(b"for bob"), [owed_to(bob)])
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.subscribers.by_msisdn(BOB) == bob
    assert await store.mailboxes.octets(bob.mailbox, INBOX, 1) == b"for bob"
    assert [row.recipient for row in await leased(store)] == [BOB]


async def test_a_worker_may_still_hold_a_notification_of_who_was_removed(
    store: Store, alice: Subscriber
) -> None:
    await store.outbox.owe([owed_to(alice)])
    (row,) = await leased(store)
    await store.subscribers.remove(ALICE, at=NOW)
    await store.outbox.accepted(row, Acceptance(1, 1, "a1"), now=LATER)
    await store.outbox.retry(row, due_at=NOW, status=None, counted=True)
    await store.outbox.settle(row, Settlement.SENT, now=LATER)
    assert await store.outbox.receipt("a1", Settlement.DELIVERED, now=LATER) is None
    assert await leased(store) == []


async def test_nobody_is_not_removed(store: Store, alice: Subscriber) -> None:
    with pytest.raises(UnknownSubscriber):
        await store.subscribers.remove(BOB, at=NOW)
    assert await store.subscribers.by_msisdn(ALICE) == alice


async def test_a_deposit_for_who_was_removed_is_refused(store: Store, alice: Subscriber) -> None:
    await store.subscribers.remove(ALICE, at=NOW)
    with pytest.raises(UnknownMessage):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())


async def test_a_number_that_comes_back_brings_nothing_with_it(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="call-1"))
    before = await store.mailboxes.folder(alice.mailbox, INBOX)
    await store.subscribers.remove(ALICE, at=NOW)
    again = await store.subscribers.create(new_subscriber())
    assert again.id != alice.id
    assert again.mailbox != alice.mailbox
    assert await store.mailboxes.states(again.mailbox, INBOX) == []
    stored = await store.mailboxes.append(again.mailbox, INBOX, new_message(key="call-1"))
    assert stored.created
    # The IMAP user name is the same, so that a client tells the two mailboxes apart by UIDVALIDITY
    # alone (RFC 9051 section 2.3.1.1).
    after = await store.mailboxes.folder(again.mailbox, INBOX)
    assert before is not None
    assert after is not None
    assert after.uid_validity > before.uid_validity


async def test_pages_follow_the_order_of_numbers(store: Store) -> None:
    numbers = [Msisdn(f"+3361234{index:04}") for index in (5, 1, 4, 2, 3)]
    for number in numbers:
        await store.subscribers.create(new_subscriber(number))
    first = await store.subscribers.page(after=None, limit=2)
    second = await store.subscribers.page(after=first[-1].msisdn, limit=2)
    third = await store.subscribers.page(after=second[-1].msisdn, limit=2)
    assert [found.msisdn for found in (*first, *second, *third)] == sorted(numbers)
    assert [len(first), len(second), len(third)] == [2, 2, 1]
    assert await store.subscribers.page(after=third[-1].msisdn, limit=2) == []


async def test_a_page_may_start_after_a_number_that_is_gone(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.subscribers.page(after=ALICE, limit=10) == [bob]


async def test_a_change_decided_on_another_status_is_refused_and_owes_nothing(
    store: Store, alice: Subscriber
) -> None:
    await store.subscribers.change(
        alice.msisdn, SubscriberChange(changed_at=NOW, status=ProvisioningStatus.BLOCKED)
    )
    late = SubscriberChange(
        changed_at=NOW, decided_on=ProvisioningStatus.PROVISIONED, status=ProvisioningStatus.READY
    )
    with pytest.raises(StatusMoved):
        await store.subscribers.change(alice.msisdn, late)
    found = await store.subscribers.by_msisdn(alice.msisdn)
    assert found is not None
    assert found.status is ProvisioningStatus.BLOCKED


async def test_a_change_decided_on_what_was_read_needs_that_nothing_moved_since(
    store: Store, alice: Subscriber
) -> None:
    mine = SubscriberChange(changed_at=NOW + MINUTE, decided_at=alice.changed_at, language="fra")
    after = await store.subscribers.change(alice.msisdn, mine)
    assert after.changed_at == NOW + MINUTE
    with pytest.raises(PreconditionFailed):
        await store.subscribers.change(alice.msisdn, mine)


async def test_folders_admit_clients_while_the_status_does(store: Store, alice: Subscriber) -> None:
    for status in ProvisioningStatus:
        await store.subscribers.change(alice.msisdn, SubscriberChange(changed_at=NOW, status=status))
        folder = await store.mailboxes.folder(alice.mailbox, INBOX)
        assert folder is not None
        assert folder.admits_clients is status.active


def close(at: datetime, before: ProvisioningStatus) -> SubscriberChange:
    return SubscriberChange(
        changed_at=LATER,
        status=ProvisioningStatus.UNKNOWN,
        closing=Closing(at=at, before=before),
        trigger=Trigger.CLOSED,
        reason="contract ended",
    )


async def test_a_closed_subscriber_keeps_its_status_until_it_is_opened_again(
    store: Store, alice: Subscriber
) -> None:
    after = await store.subscribers.change(ALICE, close(LATER, alice.status))
    assert after.closing == Closing(at=LATER, before=alice.status)
    assert await store.subscribers.by_msisdn(ALICE) == after
    with pytest.raises(SubscriberClosed):
        await store.subscribers.change(
            ALICE, SubscriberChange(changed_at=LATER, status=ProvisioningStatus.READY)
        )
    back = SubscriberChange(changed_at=LATER, status=alice.status, reopened=True, trigger=Trigger.REOPENED)
    opened = await store.subscribers.change(ALICE, back)
    assert (opened.status, opened.closing) == (alice.status, None)
    triggers = [entry.trigger for entry in await store.subscribers.audit(ALICE, limit=10)]
    assert triggers == [Trigger.CREATED, Trigger.CLOSED, Trigger.REOPENED]


async def test_who_was_closed_is_found_when_the_grace_is_over(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.subscribers.change(ALICE, close(LATER + timedelta(days=2), alice.status))
    await store.subscribers.change(BOB, close(LATER + timedelta(days=1), bob.status))
    assert list(await store.subscribers.closed(now=LATER, limit=10)) == []
    found = await store.subscribers.closed(now=LATER + timedelta(days=2), limit=10)
    assert [one.msisdn for one in found] == [BOB, ALICE]
    await store.subscribers.change(BOB, SubscriberChange(changed_at=LATER, held=True))
    (left,) = await store.subscribers.closed(now=LATER + timedelta(days=2), limit=1)
    assert left.msisdn == ALICE


async def test_who_has_changed_since_is_not_removed(store: Store, alice: Subscriber) -> None:
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=LATER, language="fra"))
    with pytest.raises(PreconditionFailed):
        await store.subscribers.remove(ALICE, at=LATER, decided_at=alice.changed_at)
    await store.subscribers.remove(ALICE, at=LATER, reason="closed", decided_at=LATER)
    assert (await store.subscribers.audit(ALICE, limit=1))[0].reason == "closed"


async def test_the_audit_names_what_an_operator_changes_and_nothing_else(store: Store) -> None:
    await store.subscribers.create(new_subscriber())
    by_its_owner = SubscriberChange(changed_at=NOW, language="fra")
    await store.subscribers.change(ALICE, by_its_owner)
    by_operator = SubscriberChange(
        changed_at=NOW, language="eng", max_messages=3, pin_check="secret", reason="tariff", itemized=True
    )
    after = await store.subscribers.change(ALICE, by_operator)
    await store.subscribers.change(ALICE, msgspec.structs.replace(by_operator, pin_check=None))
    _, entry = await store.subscribers.audit(ALICE, limit=10)
    assert entry.reason == "tariff; language fra -> eng; max_messages 100 -> 3; a new PIN"
    assert (entry.before, entry.after) == (after.status, after.status)
