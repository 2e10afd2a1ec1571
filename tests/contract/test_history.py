# SPDX-License-Identifier: Apache-2.0
"""What HistoryStore promises of what is forgotten after a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_message, new_subscriber
from vvm.domain.message import INBOX, Flags
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.port import Changes, Store

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def tomorrow() -> datetime:
    """By the store's own clock, which the test does not set."""
    return datetime.now(UTC) + DAY


async def delete(store: Store, mailbox: MailboxId, *uids: int, folder: str = INBOX) -> None:
    await store.mailboxes.change_flags(mailbox, folder, uids, add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(mailbox, folder, uids)


async def since(store: Store, mailbox: MailboxId, modseq: int, folder: str = INBOX) -> Changes:
    changes = await store.mailboxes.changes(mailbox, folder, modseq)
    assert changes is not None
    return changes


@pytest.fixture
async def box(store: Store, alice: Subscriber) -> MailboxId:
    """Of six messages 2, 5 and 6 are gone, and 1 was heard at last."""
    for _ in range(6):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    await delete(store, alice.mailbox, 2, 5, 6)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    return alice.mailbox


async def test_changes_that_are_not_old_are_kept(store: Store, box: MailboxId) -> None:
    before = [await since(store, box, modseq) for modseq in range(12)]
    assert await store.history.forget_changes(before=LONG_AGO, limit=100) == 0
    assert [await since(store, box, modseq) for modseq in range(12)] == before


async def test_without_its_journal_a_folder_names_every_uid_that_is_gone(
    store: Store, box: MailboxId
) -> None:
    now = (await since(store, box, 0)).folder
    assert await store.history.forget_changes(before=tomorrow(), limit=100) > 0
    for known in (0, 1, 7, 8, now.highest_modseq - 1):
        changes = await since(store, box, known)
        assert list(changes.expunged) == [2, 5, 6]
        assert list(changes.changed) == [
            state for state in await store.mailboxes.states(box, INBOX) if state.modseq > known
        ]
        assert changes.folder == now


async def test_who_knows_the_present_hears_of_nothing_that_is_forgotten(store: Store, box: MailboxId) -> None:
    now = (await since(store, box, 0)).folder.highest_modseq
    await store.history.forget_changes(before=tomorrow(), limit=100)
    assert (await since(store, box, now)).expunged in ([], ())
    await delete(store, box, 3)
    assert list((await since(store, box, now)).expunged) == [3]


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_journal_that_is_forgotten_bit_by_bit_misses_nobody(
    store: Store, box: MailboxId, limit: int
) -> None:
    known = {modseq: await since(store, box, modseq) for modseq in range(12)}
    while gone := await store.history.forget_changes(before=tomorrow(), limit=limit):
        assert gone <= limit
        for modseq, exact in known.items():
            changes = await since(store, box, modseq)
            assert list(changes.changed) == list(exact.changed)
            assert set(exact.expunged) <= set(changes.expunged) <= {2, 5, 6}


async def test_each_folder_and_each_mailbox_has_a_journal_of_its_own(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.folders.create(alice.mailbox, "Work", at=NOW, most=5)
    places = [(alice.mailbox, INBOX), (alice.mailbox, "Work"), (bob.mailbox, INBOX)]
    for count, (mailbox, folder) in enumerate(places, 1):
        for _ in range(count + 1):
            await store.mailboxes.append(mailbox, folder, new_message())
        await delete(store, mailbox, count, folder=folder)
    await store.history.forget_changes(before=tomorrow(), limit=100)
    for count, place in enumerate(places, 1):
        assert list((await since(store, place[0], 2, place[1])).expunged) == [count]


async def test_a_key_of_a_deposit_is_known_until_it_is_forgotten(store: Store, alice: Subscriber) -> None:
    first = await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="call-1"))
    assert await store.history.forget_deposit_keys(before=LONG_AGO, limit=100) == 0
    again = await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="call-1"))
    assert (again.uid, again.created) == (first.uid, False)
    assert await store.history.forget_deposit_keys(before=tomorrow(), limit=100) == 1
    late = await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="call-1"))
    assert (late.uid, late.created) == (first.uid + 1, True)


async def test_keys_are_forgotten_in_batches(store: Store, alice: Subscriber) -> None:
    for number in range(5):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(key=f"call-{number}"))
    gone = [await store.history.forget_deposit_keys(before=tomorrow(), limit=2) for _ in range(4)]
    assert gone == [2, 2, 1, 0]


async def test_the_oldest_of_the_audit_goes_first(store: Store, alice: Subscriber) -> None:
    await store.subscribers.create(new_subscriber(BOB, created_at=NOW + MINUTE))
    await store.subscribers.remove(ALICE, at=NOW + 2 * MINUTE)
    assert await store.history.forget_audit(before=NOW, limit=10) == 0
    assert await store.history.forget_audit(before=NOW + DAY, limit=1) == 1
    assert [entry.trigger for entry in await store.subscribers.audit(ALICE, limit=10)] == [Trigger.REMOVED]
    assert await store.history.forget_audit(before=NOW + 2 * MINUTE, limit=10) == 1
    assert list(await store.subscribers.audit(BOB, limit=10)) == []
