# SPDX-License-Identifier: Apache-2.0
"""Messages that are copied, moved and filed: all or none, and told on both sides."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.contract.samples import MINUTE, NOW, new_message, new_subscriber, owed_to
from vvm.domain.errors import MailboxFull, TooManyKeywords, UnknownFolder, UnknownMessage
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.keywords import KEYWORDS_LIMIT
from vvm.store.port import Changes, Copied, FolderState, KeywordChange, Original, Store

NOTHING = Flags(0)


@pytest.fixture
async def owner(store: Store) -> Subscriber:
    subscriber = await store.subscribers.create(new_subscriber(max_messages=5))
    await store.folders.create(subscriber.mailbox, "Work", at=NOW, most=5)
    for count in range(3):
        await store.mailboxes.append(subscriber.mailbox, INBOX, new_message(b"Subject: %d\r\n\r\n" % count))
    return subscriber


async def state(store: Store, mailbox: MailboxId, folder: str) -> FolderState:
    found = await store.mailboxes.folder(mailbox, folder)
    assert found is not None
    return found


async def since(store: Store, mailbox: MailboxId, folder: str, modseq: int) -> Changes:
    found = await store.mailboxes.changes(mailbox, folder, modseq)
    assert found is not None
    return found


async def remove(store: Store, mailbox: MailboxId, folder: str, *uids: int) -> None:
    await store.mailboxes.change_flags(mailbox, folder, uids, add=Flags.DELETED, remove=NOTHING)
    assert list(await store.mailboxes.expunge(mailbox, folder, uids)) == list(uids)


async def test_a_copy_is_the_same_message_under_a_new_uid(store: Store, owner: Subscriber) -> None:
    box = owner.mailbox
    await store.mailboxes.change_flags(
        box, INBOX, [2], add=Flags.SEEN, remove=NOTHING, keywords=KeywordChange(frozenset({"$Work"}))
    )
    copied = await store.folders.copy(box, INBOX, [3, 2, 2, 99], "Work")
    work = await state(store, box, "Work")
    assert copied == Copied(work.uid_validity, (2, 3), (1, 2))
    (source,) = await store.mailboxes.messages(box, INBOX, [2])
    (copy,) = await store.mailboxes.messages(box, "Work", [1])
    assert copy == msgspec.structs.replace(source, uid=1, modseq=copy.modseq)
    assert copy.keywords == {"$Work"}
    assert await store.mailboxes.octets(box, "Work", 1) == await store.mailboxes.octets(box, INBOX, 2)
    assert (work.messages, work.unseen, work.octets, work.keywords) == (2, 1, 28, ("$Work",))


async def identity(store: Store, mailbox: MailboxId, folder: str, uid: int) -> str:
    (record,) = await store.mailboxes.messages(mailbox, folder, [uid])
    return record.identity


async def test_equal_messages_are_told_apart(store: Store, owner: Subscriber) -> None:
    same = [new_message(), new_message()]
    first, second = await store.mailboxes.file(owner.mailbox, INBOX, same)
    alone = await store.mailboxes.append(owner.mailbox, GREETINGS, new_message())
    identities = {
        await identity(store, owner.mailbox, INBOX, first.uid),
        await identity(store, owner.mailbox, INBOX, second.uid),
        await identity(store, owner.mailbox, GREETINGS, alone.uid),
    }
    assert len(identities) == 3
    assert all(re.fullmatch("[0-9-]{1,80}", each) for each in identities)


async def test_a_message_keeps_its_identity_wherever_it_goes(store: Store, owner: Subscriber) -> None:
    box = owner.mailbox
    called = await identity(store, box, INBOX, 2)
    await store.folders.copy(box, INBOX, [2], "Work")
    assert await identity(store, box, "Work", 1) == called
    await store.folders.move(box, INBOX, [2], "Work")
    assert await identity(store, box, "Work", 2) == called
    await store.folders.move(box, "Work", [1, 2], INBOX)
    assert await identity(store, box, INBOX, 4) == await identity(store, box, INBOX, 5) == called
    await store.folders.rename(box, INBOX, "Kept", at=NOW, most=5)
    assert await identity(store, box, "Kept", 3) == called
    (new, *_) = await store.mailboxes.file(box, INBOX, [new_message()])
    assert await identity(store, box, INBOX, new.uid) != called


async def test_an_original_shares_the_identity_of_its_message(store: Store, owner: Subscriber) -> None:
    octets = b"Subject: as it came\r\n\r\n"
    original = Original(octets, new_message(octets).layout)
    stored = await store.mailboxes.append(
        owner.mailbox, INBOX, msgspec.structs.replace(new_message(), original=original)
    )
    (record,) = await store.mailboxes.messages(owner.mailbox, INBOX, [stored.uid], originals=True)
    assert record.identity == await identity(store, owner.mailbox, INBOX, stored.uid)


async def test_a_copy_is_new_to_who_follows_the_folder(store: Store, owner: Subscriber) -> None:
    before = await state(store, owner.mailbox, "Work")
    inbox = await state(store, owner.mailbox, INBOX)
    await store.folders.copy(owner.mailbox, INBOX, [1, 2], "Work")
    changes = await since(store, owner.mailbox, "Work", before.highest_modseq)
    assert [message.uid for message in changes.changed] == [1, 2]
    assert len({message.modseq for message in changes.changed}) == 1
    assert await state(store, owner.mailbox, INBOX) == inbox


async def test_a_move_is_told_on_both_sides(store: Store, owner: Subscriber) -> None:
    inbox, work = await state(store, owner.mailbox, INBOX), await state(store, owner.mailbox, "Work")
    moved = await store.folders.move(owner.mailbox, INBOX, [1, 3], "Work")
    assert moved is not None
    assert (moved.sources, moved.uids) == ((1, 3), (1, 2))
    gone = await since(store, owner.mailbox, INBOX, inbox.highest_modseq)
    assert (list(gone.changed), list(gone.expunged)) == ([], [1, 3])
    came = await since(store, owner.mailbox, "Work", work.highest_modseq)
    assert [message.uid for message in came.changed] == [1, 2]
    assert [message.uid for message in await store.mailboxes.states(owner.mailbox, INBOX)] == [2]
    assert await store.mailboxes.octets(owner.mailbox, "Work", 2) == b"Subject: 2\r\n\r\n"


async def test_a_message_may_be_copied_and_moved_where_it_is(store: Store, owner: Subscriber) -> None:
    copied = await store.folders.copy(owner.mailbox, INBOX, [1], INBOX)
    assert copied is not None
    assert copied.uids == (4,)
    moved = await store.folders.move(owner.mailbox, INBOX, [1], INBOX)
    assert moved is not None
    assert moved.uids == (5,)
    assert [message.uid for message in await store.mailboxes.states(owner.mailbox, INBOX)] == [2, 3, 4, 5]
    assert (await state(store, owner.mailbox, INBOX)).messages == 4


@pytest.mark.parametrize("order", [[INBOX, "Work", "Heap"], ["Heap", "Work", INBOX]])
async def test_content_stays_until_its_last_message_goes(
    store: Store, owner: Subscriber, order: list[str]
) -> None:
    box = owner.mailbox
    await store.folders.create(box, "Heap", at=NOW, most=5)
    for folder in ("Work", "Heap"):
        await store.folders.copy(box, INBOX, [1], folder)
    while order:
        for folder in order:
            assert await store.mailboxes.octets(box, folder, 1) == b"Subject: 0\r\n\r\n"
        await remove(store, box, order.pop(0), 1)


async def test_content_stays_when_a_folder_of_copies_goes(store: Store, owner: Subscriber) -> None:
    await store.folders.copy(owner.mailbox, INBOX, [1, 2], "Work")
    await store.folders.delete(owner.mailbox, "Work")
    assert await store.mailboxes.octets(owner.mailbox, INBOX, 1) == b"Subject: 0\r\n\r\n"
    assert [message.uid for message in await store.mailboxes.messages(owner.mailbox, INBOX, [1, 2])] == [1, 2]


async def test_copies_need_room_and_moves_do_not(store: Store, owner: Subscriber) -> None:
    with pytest.raises(MailboxFull, match="3 of 5"):
        await store.folders.copy(owner.mailbox, INBOX, [1, 2, 3], "Work")
    work = await state(store, owner.mailbox, "Work")
    assert (work.messages, work.uid_next) == (0, 1)
    await store.folders.copy(owner.mailbox, INBOX, [1, 2], "Work")
    moved = await store.folders.move(owner.mailbox, INBOX, [1, 2, 3], "Work")
    assert moved is not None
    assert moved.uids == (3, 4, 5)


async def test_greetings_have_a_quota_of_their_own(store: Store, owner: Subscriber) -> None:
    for _ in range(2):
        await store.mailboxes.append(owner.mailbox, "Work", new_message())
    await store.mailboxes.append(owner.mailbox, GREETINGS, new_message())
    with pytest.raises(MailboxFull):
        await store.folders.move(owner.mailbox, GREETINGS, [1], INBOX)
    assert (await state(store, owner.mailbox, GREETINGS)).messages == 1


async def test_a_greeting_is_not_on_where_it_is_copied_to(store: Store, owner: Subscriber) -> None:
    greeting = msgspec.structs.replace(new_message(), flags=Flags.GREETING_ON | Flags.SEEN)
    await store.mailboxes.append(owner.mailbox, GREETINGS, greeting)
    for target in ("Work", GREETINGS):
        await store.folders.copy(owner.mailbox, GREETINGS, [1], target)
    (copy,) = await store.mailboxes.states(owner.mailbox, "Work")
    assert copy.flags == Flags.SEEN
    on = [message.flags for message in await store.mailboxes.states(owner.mailbox, GREETINGS)]
    assert on == [Flags.GREETING_ON | Flags.SEEN, Flags.SEEN]


async def test_where_there_is_nothing_to_copy(store: Store, owner: Subscriber) -> None:
    for transfer in (store.folders.copy, store.folders.move):
        assert await transfer(owner.mailbox, INBOX, [1], "Nowhere") is None
        assert await transfer(owner.mailbox, INBOX, [77], "Work") == Copied(
            (await state(store, owner.mailbox, "Work")).uid_validity
        )
        with pytest.raises(UnknownFolder):
            await transfer(owner.mailbox, "Nowhere", [1], "Work")
    assert (await state(store, owner.mailbox, "Work")).highest_modseq == 1


async def test_a_transfer_owes_when_it_moved_something(store: Store, owner: Subscriber) -> None:
    update = owed_to(owner, cause=Cause.MAILBOX_UPDATE)
    await store.folders.copy(owner.mailbox, INBOX, [77], "Work", [update])
    assert await store.outbox.lease(now=NOW, lease=MINUTE, limit=10) == []
    await store.folders.move(owner.mailbox, INBOX, [1], "Work", [update])
    (notification,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert notification.cause is Cause.MAILBOX_UPDATE


async def test_several_messages_are_filed_in_their_order_or_not_at_all(
    store: Store, owner: Subscriber
) -> None:
    two = [new_message(b"Subject: a\r\n\r\n"), new_message(b"Subject: b\r\n\r\n")]
    stored = await store.mailboxes.file(owner.mailbox, "Work", two)
    assert [each.uid for each in stored] == [1, 2]
    assert await store.mailboxes.octets(owner.mailbox, "Work", 2) == b"Subject: b\r\n\r\n"
    with pytest.raises(MailboxFull):
        await store.mailboxes.file(owner.mailbox, INBOX, two)
    assert (await state(store, owner.mailbox, INBOX)).messages == 3
    with pytest.raises(UnknownMessage):
        await store.mailboxes.file(owner.mailbox, "Nowhere", two)


async def test_keywords_compare_without_case_and_keep_their_first_spelling(
    store: Store, owner: Subscriber
) -> None:
    async def change(uid: int, keywords: KeywordChange) -> frozenset[str]:
        (after,) = await store.mailboxes.change_flags(
            owner.mailbox, INBOX, [uid], add=NOTHING, remove=NOTHING, keywords=keywords
        )
        return after.keywords

    assert await change(1, KeywordChange(frozenset({"$Work", "later"}))) == {"$Work", "later"}
    assert await change(2, KeywordChange(frozenset({"$WORK"}))) == {"$Work"}
    assert await change(1, KeywordChange(remove=frozenset({"LATER", "never"}))) == {"$Work"}
    assert await change(1, KeywordChange(frozenset({"Now"}), remove=None)) == {"Now"}
    assert [each.keywords for each in await store.mailboxes.states(owner.mailbox, INBOX)] == [
        {"Now"},
        {"$Work"},
        frozenset(),
    ]
    assert set((await state(store, owner.mailbox, INBOX)).keywords) == {"$Work", "later", "Now"}


async def test_a_keyword_that_moves_nothing_moves_no_modseq(store: Store, owner: Subscriber) -> None:
    change = KeywordChange(frozenset({"a"}))
    await store.mailboxes.change_flags(
        owner.mailbox, INBOX, [1], add=NOTHING, remove=NOTHING, keywords=change
    )
    before = await state(store, owner.mailbox, INBOX)
    await store.mailboxes.change_flags(
        owner.mailbox, INBOX, [1], add=NOTHING, remove=NOTHING, keywords=change
    )
    assert await state(store, owner.mailbox, INBOX) == before
    await store.mailboxes.change_flags(
        owner.mailbox, INBOX, [2], add=NOTHING, remove=NOTHING, keywords=change
    )
    changes = await since(store, owner.mailbox, INBOX, before.highest_modseq)
    assert [(message.uid, message.keywords) for message in changes.changed] == [(2, {"a"})]


async def test_how_many_keywords_a_folder_learns(store: Store, owner: Subscriber) -> None:
    many = frozenset(f"k{number}" for number in range(KEYWORDS_LIMIT))
    await store.mailboxes.append(
        owner.mailbox, INBOX, msgspec.structs.replace(new_message(), keywords=many - {"k0"})
    )
    for keywords in (frozenset({"x", "y"}), many | {"x"}):
        with pytest.raises(TooManyKeywords):
            await store.mailboxes.append(
                owner.mailbox, INBOX, msgspec.structs.replace(new_message(), keywords=keywords)
            )
        with pytest.raises(TooManyKeywords):
            await store.mailboxes.change_flags(
                owner.mailbox,
                INBOX,
                [1],
                add=Flags.SEEN,
                remove=NOTHING,
                keywords=KeywordChange(keywords),
            )
    inbox = await state(store, owner.mailbox, INBOX)
    assert (inbox.messages, inbox.unseen, inbox.uid_next) == (4, 4, 5)
    assert len(inbox.keywords) == KEYWORDS_LIMIT - 1


async def test_an_original_is_kept_beside_what_handsets_read(store: Store, owner: Subscriber) -> None:
    plain = new_message(b"Subject: short\r\n\r\n")
    original = Original(b"Subject: as it came\r\n\r\n", plain.layout)
    await remove(store, owner.mailbox, INBOX, 1, 2)
    stored = await store.mailboxes.append(
        owner.mailbox, "Work", msgspec.structs.replace(plain, original=original)
    )
    await store.mailboxes.append(owner.mailbox, "Work", plain)
    await store.folders.copy(owner.mailbox, "Work", [stored.uid], INBOX)
    await remove(store, owner.mailbox, "Work", stored.uid)
    box = store.mailboxes
    assert await box.octets(owner.mailbox, INBOX, 4) == plain.octets
    assert await box.octets(owner.mailbox, INBOX, 4, originals=True) == original.octets
    assert await box.octets(owner.mailbox, "Work", 2, originals=True) == plain.octets
    sizes = [
        record.size
        for folder, uid in ((INBOX, 4), ("Work", 2))
        for record in await box.messages(owner.mailbox, folder, [uid], originals=True)
    ]
    assert sizes == [len(original.octets), len(plain.octets)]
