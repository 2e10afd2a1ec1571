# SPDX-License-Identifier: Apache-2.0
"""Folders of the subscriber's own: made, renamed, removed, subscribed to."""

from __future__ import annotations

import pytest

from tests.contract.samples import MINUTE, NOW, new_message, new_subscriber
from vvm.domain.errors import (
    FolderExists,
    FolderHasChildren,
    FolderStays,
    MailboxFull,
    TooManyFolders,
    UnknownFolder,
    UnknownMessage,
)
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.port import FolderState, Store, SubscriberChange

NOWHERE = MailboxId(999)


async def create(store: Store, owner: Subscriber, *names: str) -> None:
    for name in names:
        await store.folders.create(owner.mailbox, name, at=NOW, most=5)


async def rename(store: Store, owner: Subscriber, name: str, other: str) -> None:
    await store.folders.rename(owner.mailbox, name, other, at=NOW, most=5)


async def names(store: Store, owner: Subscriber) -> list[str]:
    return [entry.name for entry in await store.folders.all(owner.mailbox)]


async def state(store: Store, owner: Subscriber, name: str) -> FolderState:
    found = await store.mailboxes.folder(owner.mailbox, name)
    assert found is not None
    return found


async def test_a_folder_is_made_with_those_above_it(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work/2026/March")
    assert await names(store, alice) == [INBOX, GREETINGS, "Work", "Work/2026", "Work/2026/March"]
    made = await state(store, alice, "Work/2026/March")
    assert (made.messages, made.uid_next, made.max_messages) == (0, 1, alice.max_messages)


async def test_what_a_folder_is_for_is_kept_under_every_name(store: Store, alice: Subscriber) -> None:
    await store.folders.create(alice.mailbox, "Bin", special_use="\\Trash", at=NOW, most=5)
    await rename(store, alice, "Bin", "Corbeille")
    uses = {entry.name: entry.special_use for entry in await store.folders.all(alice.mailbox)}
    assert uses == {INBOX: None, GREETINGS: None, "Corbeille": "\\Trash"}


async def test_a_name_is_given_once(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work")
    for name in ("Work", INBOX, GREETINGS):
        with pytest.raises(FolderExists):
            await create(store, alice, name)


async def test_their_number_is_bounded_and_nothing_is_made_half(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "a", "b", "c")
    with pytest.raises(TooManyFolders, match="5"):
        await create(store, alice, "d/e/f")
    assert await names(store, alice) == [INBOX, GREETINGS, "a", "b", "c"]
    with pytest.raises(TooManyFolders):
        await rename(store, alice, "a", "d/e/f/g")
    assert await names(store, alice) == [INBOX, GREETINGS, "a", "b", "c"]


async def test_folders_of_nobody(store: Store) -> None:
    with pytest.raises(UnknownFolder):
        await store.folders.create(NOWHERE, "Work", at=NOW, most=5)
    with pytest.raises(UnknownFolder):
        await store.folders.subscribe(NOWHERE, "Work", wanted=True, most=5)
    assert await store.folders.all(NOWHERE) == []
    assert await store.folders.subscriptions(NOWHERE) == []
    assert await store.folders.used(NOWHERE) == 0


async def test_a_folder_goes_with_its_messages(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work")
    await store.mailboxes.append(alice.mailbox, "Work", new_message())
    await store.folders.delete(alice.mailbox, "Work")
    assert await names(store, alice) == [INBOX, GREETINGS]
    assert await store.mailboxes.octets(alice.mailbox, "Work", 1) is None
    assert await store.folders.used(alice.mailbox) == 0
    with pytest.raises(UnknownMessage):
        await store.mailboxes.append(alice.mailbox, "Work", new_message())


async def test_who_cannot_be_removed(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work/2026")
    with pytest.raises(FolderHasChildren):
        await store.folders.delete(alice.mailbox, "Work")
    for name in (INBOX, GREETINGS):
        with pytest.raises(FolderStays):
            await store.folders.delete(alice.mailbox, name)
    with pytest.raises(UnknownFolder):
        await store.folders.delete(alice.mailbox, "Wor")


async def test_a_name_that_comes_back_has_another_uidvalidity(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work")
    first = await state(store, alice, "Work")
    await store.mailboxes.append(alice.mailbox, "Work", new_message())
    await store.folders.delete(alice.mailbox, "Work")
    await create(store, alice, "Work", "Other")
    second, other = await state(store, alice, "Work"), await state(store, alice, "Other")
    assert first.uid_validity < second.uid_validity < other.uid_validity
    changes = await store.mailboxes.changes(alice.mailbox, "Work", 0)
    assert changes is not None
    assert (list(changes.changed), list(changes.expunged)) == ([], [])


async def test_a_folder_is_renamed_with_those_below_it(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work/2026", "Works")
    await store.mailboxes.append(alice.mailbox, "Work/2026", new_message())
    before = await state(store, alice, "Work/2026")
    await rename(store, alice, "Work", "Old/Work")
    assert await names(store, alice) == [INBOX, GREETINGS, "Old/Work", "Old/Work/2026", "Works", "Old"]
    assert await state(store, alice, "Old/Work/2026") == before
    assert await store.mailboxes.octets(alice.mailbox, "Old/Work/2026", 1) is not None


async def test_what_cannot_be_renamed(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work/2026", "Old")
    for name, other, refusal in (
        (GREETINGS, "Hello", FolderStays),
        ("Work", "Work/2026/Work", FolderStays),
        ("Work", "Old", FolderExists),
        ("Work", INBOX, FolderExists),
        ("Wor", "Elsewhere", UnknownFolder),
        (INBOX, "Old", FolderExists),
    ):
        with pytest.raises(refusal):
            await rename(store, alice, name, other)
    assert await names(store, alice) == [INBOX, GREETINGS, "Work", "Work/2026", "Old"]


async def test_inbox_gives_its_messages_to_its_new_name_and_stays(store: Store, alice: Subscriber) -> None:
    for _ in range(2):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    await rename(store, alice, INBOX, "Archive/Spring")
    inbox, archive = await state(store, alice, INBOX), await state(store, alice, "Archive/Spring")
    assert (inbox.messages, inbox.uid_next, archive.messages) == (0, 3, 2)
    changes = await store.mailboxes.changes(alice.mailbox, INBOX, 3)
    assert changes is not None
    assert list(changes.expunged) == [1, 2]


async def test_a_new_mailbox_is_subscribed_to_what_it_has(store: Store, alice: Subscriber) -> None:
    assert await store.folders.subscriptions(alice.mailbox) == [GREETINGS, INBOX]


async def test_a_subscription_is_a_name(store: Store, alice: Subscriber) -> None:
    for _ in range(2):
        await store.folders.subscribe(alice.mailbox, "Work", wanted=True, most=3)
    await store.folders.subscribe(alice.mailbox, GREETINGS, wanted=False, most=3)
    await store.folders.subscribe(alice.mailbox, "Never", wanted=False, most=3)
    assert await store.folders.subscriptions(alice.mailbox) == [INBOX, "Work"]
    await store.folders.subscribe(alice.mailbox, "A", wanted=True, most=3)
    with pytest.raises(TooManyFolders):
        await store.folders.subscribe(alice.mailbox, "B", wanted=True, most=3)
    assert await store.folders.subscriptions(alice.mailbox) == ["A", INBOX, "Work"]


async def test_own_folders_share_the_limit_of_inbox_and_greetings_do_not(store: Store) -> None:
    owner = await store.subscribers.create(new_subscriber(max_messages=2))
    await create(store, owner, "Work")
    await store.mailboxes.append(owner.mailbox, GREETINGS, new_message())
    for folder in (INBOX, "Work"):
        await store.mailboxes.append(owner.mailbox, folder, new_message())
    for folder in (INBOX, "Work"):
        with pytest.raises(MailboxFull, match="2 of 2"):
            await store.mailboxes.append(owner.mailbox, folder, new_message())
    await store.mailboxes.append(owner.mailbox, GREETINGS, new_message())
    assert await store.folders.used(owner.mailbox) == 2


async def test_a_new_limit_is_that_of_every_folder_but_greetings(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work")
    before = await state(store, alice, GREETINGS)
    await store.subscribers.change(alice.msisdn, SubscriberChange(changed_at=NOW + MINUTE, max_messages=7))
    assert (await state(store, alice, "Work")).max_messages == 7
    assert (await state(store, alice, INBOX)).max_messages == 7
    assert await state(store, alice, GREETINGS) == before


async def test_who_comes_back_has_none_of_the_folders(store: Store, alice: Subscriber) -> None:
    await create(store, alice, "Work")
    await store.folders.subscribe(alice.mailbox, "Work", wanted=True, most=5)
    old = await state(store, alice, "Work")
    await store.subscribers.remove(alice.msisdn, at=NOW)
    again = await store.subscribers.create(new_subscriber(created_at=NOW + MINUTE))
    assert await names(store, again) == [INBOX, GREETINGS]
    assert await store.folders.subscriptions(again.mailbox) == [GREETINGS, INBOX]
    await store.folders.create(again.mailbox, "Work", at=NOW + MINUTE, most=5)
    assert (await state(store, again, "Work")).uid_validity > old.uid_validity
