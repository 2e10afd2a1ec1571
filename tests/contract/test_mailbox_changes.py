# SPDX-License-Identifier: Apache-2.0
"""What MailboxStore.changes promises: whoever knows the folder as of a MODSEQ can follow it from there."""

from __future__ import annotations

from tests.contract.samples import ALICE, MINUTE, NOW, new_message, owed_to
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import MailboxId, ProvisioningStatus, Subscriber
from vvm.store.port import Changes, Store, SubscriberChange

NOTHING = Flags(0)


async def since(store: Store, mailbox: MailboxId, modseq: int) -> Changes:
    changes = await store.mailboxes.changes(mailbox, INBOX, modseq)
    assert changes is not None
    assert changes.folder == await store.mailboxes.folder(mailbox, INBOX)
    return changes


async def modseq(store: Store, mailbox: MailboxId) -> int:
    folder = await store.mailboxes.folder(mailbox, INBOX)
    assert folder is not None
    return folder.highest_modseq


async def append(store: Store, mailbox: MailboxId, count: int = 1) -> None:
    for _ in range(count):
        await store.mailboxes.append(mailbox, INBOX, new_message())


async def delete(store: Store, mailbox: MailboxId, *uids: int) -> None:
    await store.mailboxes.change_flags(mailbox, INBOX, uids, add=Flags.DELETED, remove=NOTHING)
    await store.mailboxes.expunge(mailbox, INBOX, uids)


async def test_nothing_moved_in_a_new_folder(store: Store, alice: Subscriber) -> None:
    changes = await since(store, alice.mailbox, await modseq(store, alice.mailbox))
    assert (list(changes.changed), list(changes.expunged)) == ([], [])


async def test_nothing_moves_between_two_looks(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox, 2)
    await delete(store, alice.mailbox, 1)
    now = await modseq(store, alice.mailbox)
    for known in (now, now + 1):
        changes = await since(store, alice.mailbox, known)
        assert (list(changes.changed), list(changes.expunged)) == ([], [])


async def test_new_messages_are_changes_ascending(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox)
    known = await modseq(store, alice.mailbox)
    await append(store, alice.mailbox, 2)
    changes = await since(store, alice.mailbox, known)
    _, second, third = await store.mailboxes.states(alice.mailbox, INBOX)
    assert list(changes.changed) == [second, third]
    assert list(changes.expunged) == []


async def test_changed_messages_appear_once_and_as_they_are_now(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox, 3)
    known = await modseq(store, alice.mailbox)
    for uids, add in (([3], Flags.SEEN), ([1, 3], Flags.FLAGGED), ([3], Flags.DELETED)):
        await store.mailboxes.change_flags(alice.mailbox, INBOX, uids, add=add, remove=NOTHING)
    changes = await since(store, alice.mailbox, known)
    first, _, third = await store.mailboxes.states(alice.mailbox, INBOX)
    assert list(changes.changed) == [first, third]
    assert third.flags == Flags.SEEN | Flags.FLAGGED | Flags.DELETED


async def test_messages_that_did_not_move_are_not_among_the_changes(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox, 2)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING)
    known = await modseq(store, alice.mailbox)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1, 2], add=Flags.SEEN, remove=NOTHING)
    changes = await since(store, alice.mailbox, known)
    assert [state.uid for state in changes.changed] == [2]


async def test_expunged_messages_are_named_ascending_and_are_no_changes(
    store: Store, alice: Subscriber
) -> None:
    await append(store, alice.mailbox, 4)
    known = await modseq(store, alice.mailbox)
    await delete(store, alice.mailbox, 4)
    await delete(store, alice.mailbox, 1, 3)
    changes = await since(store, alice.mailbox, known)
    assert list(changes.expunged) == [1, 3, 4]
    assert list(changes.changed) == []


async def test_what_was_expunged_before_is_not_told_again(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox, 2)
    await delete(store, alice.mailbox, 1)
    known = await modseq(store, alice.mailbox)
    await delete(store, alice.mailbox, 2)
    changes = await since(store, alice.mailbox, known)
    assert list(changes.expunged) == [2]


async def test_what_came_and_went_is_at_most_named_as_gone(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox)
    known = await modseq(store, alice.mailbox)
    await append(store, alice.mailbox, 2)
    await delete(store, alice.mailbox, 2)
    changes = await since(store, alice.mailbox, known)
    assert [state.uid for state in changes.changed] == [3]
    assert set(changes.expunged) <= {2}


async def test_from_the_beginning_the_changes_are_the_folder(store: Store, alice: Subscriber) -> None:
    await append(store, alice.mailbox, 3)
    await delete(store, alice.mailbox, 2)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING)
    changes = await since(store, alice.mailbox, 0)
    assert list(changes.changed) == list(await store.mailboxes.states(alice.mailbox, INBOX))
    assert set(changes.expunged) <= {2}


async def test_between_the_modseqs_of_two_changes_lies_only_the_second(
    store: Store, alice: Subscriber
) -> None:
    await append(store, alice.mailbox, 3)
    first, second, third = await store.mailboxes.states(alice.mailbox, INBOX)
    assert list((await since(store, alice.mailbox, first.modseq)).changed) == [second, third]
    assert list((await since(store, alice.mailbox, second.modseq)).changed) == [third]


# What others are told of a change


async def owed(store: Store) -> int:
    return (await store.outbox.counts()).owed


async def test_a_change_owes_only_what_it_was_told_to(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(alice.mailbox, INBOX, None)
    assert await owed(store) == 0


async def test_a_change_of_flags_and_an_expunge_owe_with_their_transaction(
    store: Store, alice: Subscriber
) -> None:
    update = [owed_to(alice, cause=Cause.MAILBOX_UPDATE)]
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [1], add=Flags.DELETED, remove=Flags(0), owed=update
    )
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert (row.cause, row.uid) == (Cause.MAILBOX_UPDATE, None)
    await store.mailboxes.expunge(alice.mailbox, INBOX, [1], update)
    assert await owed(store) == 2


async def test_what_changes_nothing_owes_nothing(store: Store, alice: Subscriber) -> None:
    update = [owed_to(alice, cause=Cause.MAILBOX_UPDATE)]
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    for folder, uids in ((INBOX, [1]), (INBOX, [9]), ("nowhere", [1])):
        await store.mailboxes.change_flags(
            alice.mailbox, folder, uids, add=Flags(0), remove=Flags.SEEN, owed=update
        )
        await store.mailboxes.expunge(alice.mailbox, folder, uids, update)
    assert await owed(store) == 0


async def test_whoever_has_just_looked_hears_of_a_new_limit_and_of_a_block(
    store: Store, alice: Subscriber
) -> None:
    before = (await since(store, alice.mailbox, 0)).folder
    ready = SubscriberChange(changed_at=NOW, status=ProvisioningStatus.READY, max_messages=7)
    await store.subscribers.change(ALICE, ready)
    limited = (await since(store, alice.mailbox, 0)).folder
    assert (before.max_messages, limited.max_messages) == (alice.max_messages, 7)
    blocked = SubscriberChange(changed_at=NOW, status=ProvisioningStatus.BLOCKED)
    await store.subscribers.change(ALICE, blocked)
    assert limited.admits_clients
    assert not (await since(store, alice.mailbox, 0)).folder.admits_clients
