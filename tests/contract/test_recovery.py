# SPDX-License-Identifier: Apache-2.0
"""What is deleted can be restored for as long as the class of service says; under a hold nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.contract.samples import ALICE, NOW, SECOND, new_message, new_subscriber, owed_to
from vvm.domain.cos import Cos, Limits
from vvm.domain.errors import MailboxFull, SubscriberHeld, UnknownMessage
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, MailboxId, Subscriber
from vvm.store.port import Store, SubscriberChange

DAY = timedelta(days=1)
GOLD = CosName("gold")
FIRST = new_message(b"Subject: first\r\n\r\none\r\n")
SECOND_ONE = new_message(b"Subject: second\r\n\r\ntwo\r\n")


async def keep(store: Store, days: int | None, **limits: int) -> None:
    await store.cos.put(Cos(GOLD, Limits(deleted_days=days, **limits), NOW))


@pytest.fixture
async def carol(store: Store) -> Subscriber:
    """Her class keeps deleted messages for three days."""
    await keep(store, 3)
    return await store.subscribers.create(new_subscriber(cos=GOLD))


async def hold(store: Store, *, held: bool) -> Subscriber:
    trigger = Trigger.HELD if held else Trigger.RELEASED
    change = SubscriberChange(changed_at=NOW + SECOND, held=held, trigger=trigger, reason="case 12")
    return await store.subscribers.change(ALICE, change)


async def remove(store: Store, mailbox: MailboxId, *uids: int, folder: str = INBOX) -> None:
    await store.mailboxes.change_flags(mailbox, folder, uids, add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(mailbox, folder, uids)


async def ids(store: Store, mailbox: MailboxId) -> list[int]:
    return [one.id for one in await store.recovery.deleted(mailbox, after=0, limit=100)]


def later(days: float) -> datetime:
    """The store itself knows when a message was deleted."""
    return datetime.now(UTC) + days * DAY


async def test_what_is_deleted_is_listed_with_its_end(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await store.mailboxes.append(carol.mailbox, INBOX, SECOND_ONE)
    await remove(store, carol.mailbox, 1, 2)
    one, two = await store.recovery.deleted(carol.mailbox, after=0, limit=10)
    assert (one.uid, one.folder, one.kind, one.caller) == (1, INBOX, Kind.VOICE, FIRST.caller)
    assert (one.received_at, one.seconds, one.size) == (FIRST.received_at, 7, len(FIRST.octets))
    assert one.purge_at - one.deleted_at == 3 * DAY
    assert abs(datetime.now(UTC) - one.deleted_at) < DAY
    assert list(await store.recovery.deleted(carol.mailbox, after=one.id, limit=10)) == [two]
    assert list(await store.recovery.deleted(carol.mailbox, after=0, limit=1)) == [one]


async def test_without_a_class_that_keeps_it_is_lost_at_once(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, FIRST)
    await remove(store, alice.mailbox, 1)
    assert await ids(store, alice.mailbox) == []


async def test_a_restored_message_is_a_new_one_with_the_same_octets(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await store.mailboxes.change_flags(carol.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    (record,) = await store.mailboxes.messages(carol.mailbox, INBOX, [1])
    await remove(store, carol.mailbox, 1)
    before = await store.mailboxes.folder(carol.mailbox, INBOX)
    assert before is not None
    (deleted,) = await ids(store, carol.mailbox)
    owed = [owed_to(carol, cause=Cause.MAILBOX_UPDATE)]
    assert await store.recovery.restore(carol.mailbox, deleted, owed) == 2
    assert await store.mailboxes.octets(carol.mailbox, INBOX, 2) == FIRST.octets
    changes = await store.mailboxes.changes(carol.mailbox, INBOX, before.highest_modseq)
    assert changes is not None
    assert [(state.uid, state.flags) for state in changes.changed] == [(2, Flags.SEEN)]
    assert (changes.folder.messages, changes.folder.unseen) == (1, 0)
    assert changes.folder.octets == len(FIRST.octets)
    (back,) = await store.mailboxes.messages(carol.mailbox, INBOX, [2])
    assert back == msgspec.structs.replace(record, uid=2, modseq=back.modseq)
    (row,) = await store.outbox.lease(now=NOW, lease=SECOND, limit=10)
    assert (row.cause, row.uid) == (Cause.MAILBOX_UPDATE, None)
    assert await ids(store, carol.mailbox) == []


async def test_a_restored_message_keeps_its_keywords(store: Store, carol: Subscriber) -> None:
    message = msgspec.structs.replace(FIRST, keywords=frozenset({"Important"}))
    await store.mailboxes.append(carol.mailbox, INBOX, message)
    await remove(store, carol.mailbox, 1)
    await store.recovery.restore(carol.mailbox, (await ids(store, carol.mailbox))[0])
    (state,) = await store.mailboxes.states(carol.mailbox, INBOX)
    assert state.keywords == {"Important"}


async def test_nothing_is_restored_twice_nor_from_another_mailbox(store: Store, carol: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber("+33687654321"))
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await remove(store, carol.mailbox, 1)
    (deleted,) = await ids(store, carol.mailbox)
    with pytest.raises(UnknownMessage):
        await store.recovery.restore(bob.mailbox, deleted)
    await store.recovery.restore(carol.mailbox, deleted)
    with pytest.raises(UnknownMessage):
        await store.recovery.restore(carol.mailbox, deleted)


async def test_where_a_message_was_put_back_is_known_by_its_key(store: Store, carol: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber("+33687654321"))
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await remove(store, carol.mailbox, 1)
    (deleted,) = await ids(store, carol.mailbox)
    assert await store.recovery.restored(carol.mailbox, "k") is None
    with pytest.raises(UnknownMessage):
        await store.recovery.restore(bob.mailbox, deleted, key="k")
    assert await store.recovery.restored(bob.mailbox, "k") is None
    assert await store.recovery.restore(carol.mailbox, deleted, key="k") == 2
    assert await store.recovery.restored(carol.mailbox, "k") == 2
    assert await store.recovery.restored(bob.mailbox, "k") is None
    await remove(store, carol.mailbox, 2)
    assert await store.recovery.restored(carol.mailbox, "k") == 2
    assert await store.history.forget_deposit_keys(before=datetime.now(UTC) + DAY, limit=9) == 1
    assert await store.recovery.restored(carol.mailbox, "k") is None


async def test_a_full_mailbox_takes_nothing_back_and_deleted_messages_fill_none(
    store: Store, carol: Subscriber
) -> None:
    await keep(store, 3, max_messages=1)
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await remove(store, carol.mailbox, 1)
    await store.mailboxes.append(carol.mailbox, INBOX, SECOND_ONE)
    (deleted,) = await ids(store, carol.mailbox)
    with pytest.raises(MailboxFull, match="1 of 1"):
        await store.recovery.restore(carol.mailbox, deleted)
    assert await ids(store, carol.mailbox) == [deleted]


async def test_a_copy_that_is_left_keeps_the_content_that_was_purged(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await store.folders.create(carol.mailbox, "Work", at=NOW, most=10)
    await store.folders.copy(carol.mailbox, INBOX, [1], "Work")
    await remove(store, carol.mailbox, 1)
    assert await store.recovery.purge(now=later(3.1), limit=10) == 1
    assert await store.mailboxes.octets(carol.mailbox, "Work", 1) == FIRST.octets


async def test_a_moved_message_is_not_deleted(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await store.folders.create(carol.mailbox, "Work", at=NOW, most=10)
    await store.folders.move(carol.mailbox, INBOX, [1], "Work")
    assert await ids(store, carol.mailbox) == []


async def test_messages_of_a_deleted_folder_come_back_into_inbox(store: Store, carol: Subscriber) -> None:
    await store.folders.create(carol.mailbox, "Work", at=NOW, most=10)
    await store.mailboxes.append(carol.mailbox, "Work", FIRST)
    await store.folders.delete(carol.mailbox, "Work")
    (kept,) = await store.recovery.deleted(carol.mailbox, after=0, limit=10)
    assert kept.folder == "Work"
    assert await store.recovery.restore(carol.mailbox, kept.id) == 1
    assert await store.mailboxes.octets(carol.mailbox, INBOX, 1) == FIRST.octets


async def test_purging_takes_what_is_due_the_oldest_first(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await remove(store, carol.mailbox, 1)
    await keep(store, 10)
    await store.mailboxes.append(carol.mailbox, INBOX, SECOND_ONE)
    await remove(store, carol.mailbox, 2)
    assert await store.recovery.purge(now=later(2.9), limit=10) == 0
    assert await store.recovery.purge(now=later(3.1), limit=10) == 1
    (kept,) = await store.recovery.deleted(carol.mailbox, after=0, limit=10)
    assert kept.uid == 2
    assert await store.recovery.purge(now=later(10.1), limit=10) == 1
    assert await store.recovery.purge(now=later(10.1), limit=10) == 0


async def test_under_a_hold_everything_deleted_is_kept(store: Store, alice: Subscriber) -> None:
    greeting = msgspec.structs.replace(
        SECOND_ONE, kind=Kind.NORMAL_GREETING, flags=Flags.GREETING_ON | Flags.SEEN
    )
    await store.mailboxes.append(alice.mailbox, INBOX, FIRST)
    await store.mailboxes.append(alice.mailbox, GREETINGS, greeting)
    assert (await hold(store, held=True)).held
    await remove(store, alice.mailbox, 1)
    await remove(store, alice.mailbox, 1, folder=GREETINGS)
    assert await store.recovery.purge(now=later(1000), limit=10) == 0
    message, recorded = await store.recovery.deleted(alice.mailbox, after=0, limit=10)
    assert (message.folder, recorded.folder) == (INBOX, GREETINGS)
    assert await store.recovery.restore(alice.mailbox, recorded.id) == 2
    (state,) = await store.mailboxes.states(alice.mailbox, GREETINGS)
    assert state.flags == Flags.SEEN


async def test_when_the_hold_is_lifted_what_is_due_is_purged(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, FIRST)
    await hold(store, held=True)
    await remove(store, alice.mailbox, 1)
    assert not (await hold(store, held=False)).held
    assert await store.recovery.purge(now=later(0.1), limit=10) == 1


async def test_a_greeting_is_kept_by_a_hold_alone(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, GREETINGS, FIRST)
    await remove(store, carol.mailbox, 1, folder=GREETINGS)
    assert await ids(store, carol.mailbox) == []


async def test_who_is_held_is_not_removed(store: Store, alice: Subscriber) -> None:
    await hold(store, held=True)
    with pytest.raises(SubscriberHeld):
        await store.subscribers.remove(ALICE, at=NOW)
    assert await store.subscribers.by_msisdn(ALICE) is not None
    await hold(store, held=False)
    await store.subscribers.remove(ALICE, at=NOW)
    assert await store.subscribers.by_msisdn(ALICE) is None


async def test_a_hold_is_audited_with_its_reason(store: Store, alice: Subscriber) -> None:
    await hold(store, held=True)
    await hold(store, held=True)
    await hold(store, held=False)
    entries = await store.subscribers.audit(ALICE, limit=10)
    assert [(entry.trigger, entry.reason) for entry in entries] == [
        (Trigger.CREATED, ""),
        (Trigger.HELD, "case 12"),
        (Trigger.RELEASED, "case 12"),
    ]
    assert {entry.after for entry in entries} == {alice.status}


async def test_deleted_messages_go_with_their_subscriber(store: Store, carol: Subscriber) -> None:
    await store.mailboxes.append(carol.mailbox, INBOX, FIRST)
    await remove(store, carol.mailbox, 1)
    await store.subscribers.remove(ALICE, at=NOW)
    assert await ids(store, carol.mailbox) == []
    assert await store.recovery.purge(now=later(100), limit=10) == 0


async def test_a_hold_and_the_end_of_a_message_are_one_after_the_other(
    store: Store, alice: Subscriber
) -> None:
    """Whichever of hold, expunge and purge comes first: what goes after the hold is still there."""
    uids = range(1, 21)
    for uid in uids:
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"Subject: %d\r\n\r\n" % uid))
    await store.mailboxes.change_flags(alice.mailbox, INBOX, uids, add=Flags.DELETED, remove=Flags(0))

    async def purge() -> None:
        for _ in uids:
            await store.recovery.purge(now=later(1), limit=3)

    async def expunge(uid: int) -> None:
        await store.mailboxes.expunge(alice.mailbox, INBOX, [uid])

    async with asyncio.TaskGroup() as group:
        for uid in uids:
            group.create_task(expunge(uid))
        group.create_task(purge())
        group.create_task(hold(store, held=True))
    left = await ids(store, alice.mailbox)
    assert await store.recovery.purge(now=later(1), limit=100) == 0
    with suppress(MailboxFull):
        for deleted in left:
            await store.recovery.restore(alice.mailbox, deleted)
    assert len(await store.mailboxes.states(alice.mailbox, INBOX)) == len(left)
