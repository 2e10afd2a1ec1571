# SPDX-License-Identifier: Apache-2.0
"""What MailboxStore promises of one client at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.samples import (
    ALICE,
    BOB,
    MINUTE,
    NOW,
    new_message,
    new_subscriber,
    owed_to,
)
from vvm.domain.errors import MailboxFull, UnknownMessage
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.port import FolderState, MessageRecord, MessageState, Store, Stored, SubscriberChange

NOTHING = Flags(0)
ALL_FLAGS = Flags(sum(Flags))


async def fill(store: Store, mailbox: MailboxId, count: int) -> None:
    """Append messages of 101, 102, ... octets."""
    for index in range(1, count + 1):
        await store.mailboxes.append(mailbox, INBOX, new_message(b"x" * (100 + index)))


async def inbox(store: Store, mailbox: MailboxId) -> FolderState:
    folder = await store.mailboxes.folder(mailbox, INBOX)
    assert folder is not None
    return folder


async def uids(store: Store, mailbox: MailboxId) -> list[int]:
    return [state.uid for state in await store.mailboxes.states(mailbox, INBOX)]


async def delete(store: Store, mailbox: MailboxId, *which: int) -> None:
    """Flag and expunge."""
    await store.mailboxes.change_flags(mailbox, INBOX, which, add=Flags.DELETED, remove=NOTHING)
    assert await store.mailboxes.expunge(mailbox, INBOX, which) == list(which)


# Append


async def test_uids_count_from_one_and_ascend(store: Store, alice: Subscriber) -> None:
    answered = [await store.mailboxes.append(alice.mailbox, INBOX, new_message()) for _ in range(3)]
    assert answered == [Stored(uid, created=True) for uid in (1, 2, 3)]
    assert await uids(store, alice.mailbox) == [1, 2, 3]


async def test_each_append_has_the_next_modseq(store: Store, alice: Subscriber) -> None:
    empty = await inbox(store, alice.mailbox)
    await fill(store, alice.mailbox, 3)
    states = await store.mailboxes.states(alice.mailbox, INBOX)
    assert [state.modseq for state in states] == [empty.highest_modseq + step for step in (1, 2, 3)]
    assert (await inbox(store, alice.mailbox)).highest_modseq == states[-1].modseq


# rows: IMAP-17
async def test_a_uid_is_never_used_twice(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 2)
    await delete(store, alice.mailbox, 1, 2)
    assert (await inbox(store, alice.mailbox)).uid_next == 3
    stored = await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    assert stored.uid == 3


# rows: IMAP-17
async def test_uid_validity_never_changes(store: Store, alice: Subscriber) -> None:
    before = await inbox(store, alice.mailbox)
    await fill(store, alice.mailbox, 2)
    await delete(store, alice.mailbox, 1, 2)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, max_messages=5))
    assert (await inbox(store, alice.mailbox)).uid_validity == before.uid_validity


async def test_mailboxes_count_for_themselves(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await fill(store, alice.mailbox, 3)
    stored = await store.mailboxes.append(bob.mailbox, INBOX, new_message(b"for bob"))
    assert stored == Stored(1, created=True)
    assert await store.mailboxes.octets(bob.mailbox, INBOX, 1) == b"for bob"
    assert await uids(store, alice.mailbox) == [1, 2, 3]


async def test_a_notification_of_an_append_has_the_uid(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    owed = owed_to(alice, cause=Cause.NEW_MESSAGE)
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(), [owed])
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert (row.cause, row.uid) == (Cause.NEW_MESSAGE, 2)


async def test_two_appends_before_the_phone_is_told_are_told_as_one(store: Store, alice: Subscriber) -> None:
    owed = owed_to(alice, cause=Cause.NEW_MESSAGE)
    for _ in range(2):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(), [owed])
    (row,) = await store.outbox.lease(now=NOW, lease=MINUTE, limit=10)
    assert (row.cause, row.uid) == (Cause.MAILBOX_UPDATE, None)


async def test_a_full_mailbox_says_how_full_it_is(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=2))
    await fill(store, alice.mailbox, 2)
    with pytest.raises(MailboxFull, match="2 of 2"):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())


async def test_a_full_mailbox_stores_nothing_and_spends_no_uid(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=2))
    await fill(store, alice.mailbox, 2)
    before = await inbox(store, alice.mailbox)
    with pytest.raises(MailboxFull):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="late"), [owed_to(alice)])
    assert await inbox(store, alice.mailbox) == before
    assert (await store.outbox.counts()).owed == 0
    await delete(store, alice.mailbox, 1)
    # The key was not taken by the deposit that was refused.
    stored = await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="late"))
    assert stored == Stored(3, created=True)


async def test_a_mailbox_over_a_lowered_limit_is_full(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 3)
    await store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, max_messages=2))
    with pytest.raises(MailboxFull, match="3 of 2"):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())


@pytest.mark.parametrize("folder", ["inbox", "INBOX/", "Sent", ""])
async def test_a_folder_that_is_not_there_takes_nothing(store: Store, alice: Subscriber, folder: str) -> None:
    before = await inbox(store, alice.mailbox)
    with pytest.raises(UnknownMessage):
        await store.mailboxes.append(alice.mailbox, folder, new_message(key="k"), [owed_to(alice)])
    assert await inbox(store, alice.mailbox) == before
    assert (await store.outbox.counts()).owed == 0
    assert await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k")) == Stored(1, created=True)


async def test_a_known_key_answers_the_first_uid_and_adds_nothing(store: Store, alice: Subscriber) -> None:
    first = await store.mailboxes.append(alice.mailbox, INBOX, new_message(b"first", key="k"))
    await fill(store, alice.mailbox, 1)
    before = await inbox(store, alice.mailbox)
    second = await store.mailboxes.append(
        alice.mailbox, INBOX, new_message(b"second", key="k"), [owed_to(alice)]
    )
    assert second == Stored(first.uid, created=False)
    assert await inbox(store, alice.mailbox) == before
    assert await store.mailboxes.octets(alice.mailbox, INBOX, first.uid) == b"first"
    assert (await store.outbox.counts()).owed == 0


async def test_a_key_is_known_after_its_message_is_gone(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k"))
    await delete(store, alice.mailbox, 1)
    again = await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k"))
    assert again == Stored(1, created=False)
    assert await uids(store, alice.mailbox) == []


async def test_a_known_key_is_answered_in_a_full_mailbox(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=1))
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k"))
    assert await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k")) == Stored(
        1, created=False
    )


async def test_a_key_counts_within_its_mailbox(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k"))
    assert (await store.mailboxes.append(bob.mailbox, INBOX, new_message(key="k"))).created


async def test_messages_without_a_key_are_never_the_same(store: Store, alice: Subscriber) -> None:
    assert (await store.mailboxes.append(alice.mailbox, INBOX, new_message())).created
    assert (await store.mailboxes.append(alice.mailbox, INBOX, new_message())).created


# Reading


async def test_a_record_is_what_was_deposited(store: Store, alice: Subscriber) -> None:
    message = new_message(b"Subject: hello\r\n\r\nhello \x00\xff\r\n")
    await store.mailboxes.append(alice.mailbox, INBOX, message)
    (state,) = await store.mailboxes.states(alice.mailbox, INBOX)
    (record,) = await store.mailboxes.messages(alice.mailbox, INBOX, [1])
    assert record == MessageRecord(
        uid=1,
        flags=NOTHING,
        modseq=state.modseq,
        kind=message.kind,
        caller=message.caller,
        received_at=message.received_at,
        seconds=message.seconds,
        size=len(message.octets),
        layout=message.layout,
        identity=record.identity,
    )


async def test_the_zone_of_a_deposit_is_kept(store: Store, alice: Subscriber) -> None:
    await store.mailboxes.append(alice.mailbox, INBOX, new_message())
    (record,) = await store.mailboxes.messages(alice.mailbox, INBOX, [1])
    assert record.received_at.utcoffset() == timedelta(hours=2)


async def test_a_restricted_caller_stays_unknown(store: Store, alice: Subscriber) -> None:
    message = new_message()
    anonymous = type(message)(
        **{name: getattr(message, name) for name in message.__struct_fields__} | {"caller": None}
    )
    await store.mailboxes.append(alice.mailbox, INBOX, anonymous)
    (record,) = await store.mailboxes.messages(alice.mailbox, INBOX, [1])
    assert record.caller is None


async def test_messages_answers_those_that_exist_ascending(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 4)
    await delete(store, alice.mailbox, 2)
    for asked in ([4, 2, 1, 99, 4], (4, 1), range(1, 99)):
        records = await store.mailboxes.messages(alice.mailbox, INBOX, asked)
        assert [record.uid for record in records] == [uid for uid in (1, 3, 4) if uid in asked]
        assert [record.size for record in records] == [100 + record.uid for record in records]


async def test_of_no_uids_there_are_no_messages(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    assert await store.mailboxes.messages(alice.mailbox, INBOX, []) == []
    assert await store.mailboxes.messages(alice.mailbox, INBOX, [2]) == []


async def test_the_octets_of_a_message_stay_the_same(store: Store, alice: Subscriber) -> None:
    octets = bytes(range(256)) * 200
    await store.mailboxes.append(alice.mailbox, INBOX, new_message(octets))
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) == octets
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=ALL_FLAGS, remove=NOTHING)
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) == octets


async def test_a_message_that_is_not_there_has_no_octets(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 2) is None
    await delete(store, alice.mailbox, 1)
    assert await store.mailboxes.octets(alice.mailbox, INBOX, 1) is None


async def test_a_folder_that_is_not_there_holds_nothing(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    nowhere = (alice.mailbox, "Sent")
    assert await store.mailboxes.folder(*nowhere) is None
    assert await store.mailboxes.changes(*nowhere, 0) is None
    assert await store.mailboxes.states(*nowhere) == []
    assert await store.mailboxes.messages(*nowhere, [1]) == []
    assert await store.mailboxes.octets(*nowhere, 1) is None
    assert await store.mailboxes.change_flags(*nowhere, [1], add=Flags.SEEN, remove=NOTHING) == []
    assert await store.mailboxes.expunge(*nowhere, None) == []


# Flags


async def test_flags_are_removed_then_added(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    box = alice.mailbox
    await store.mailboxes.change_flags(box, INBOX, [1], add=Flags.SEEN | Flags.DRAFT, remove=NOTHING)
    (state,) = await store.mailboxes.change_flags(
        box, INBOX, [1], add=Flags.FLAGGED | Flags.SEEN, remove=Flags.SEEN | Flags.DRAFT
    )
    assert state.flags == Flags.FLAGGED | Flags.SEEN
    assert await store.mailboxes.states(box, INBOX) == [state]


async def test_removing_all_and_adding_some_replaces_the_flags(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    for flags in (ALL_FLAGS, Flags.SEEN, NOTHING):
        (state,) = await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=flags, remove=ALL_FLAGS)
        assert state.flags == flags


async def test_flags_that_are_not_named_stay(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    for flag in Flags:
        await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=flag, remove=NOTHING)
    (state,) = await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [1], add=NOTHING, remove=Flags.ANSWERED
    )
    assert state.flags == ALL_FLAGS & ~Flags.ANSWERED


async def test_a_flag_change_answers_every_message_named_that_exists(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 4)
    await delete(store, alice.mailbox, 2)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [3], add=Flags.SEEN, remove=NOTHING)
    states = await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [4, 3, 2, 99, 4], add=Flags.SEEN, remove=NOTHING
    )
    assert [(state.uid, state.flags) for state in states] == [(3, Flags.SEEN), (4, Flags.SEEN)]
    current = {state.uid: state for state in await store.mailboxes.states(alice.mailbox, INBOX)}
    assert states == [current[3], current[4]]
    assert current[1].flags == NOTHING


async def test_a_message_whose_flags_change_gets_a_new_modseq(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 2)
    before = await inbox(store, alice.mailbox)
    (state,) = await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING)
    assert state.modseq > before.highest_modseq
    assert (await inbox(store, alice.mailbox)).highest_modseq == state.modseq


async def test_a_message_that_moved_since_is_left_as_it_is(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 3)
    since = (await inbox(store, alice.mailbox)).highest_modseq
    (moved,) = await store.mailboxes.change_flags(alice.mailbox, INBOX, [2], add=Flags.SEEN, remove=NOTHING)
    changed = await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [1, 2, 3], add=Flags.DELETED, remove=NOTHING, unchanged_since=since
    )
    assert [state.uid for state in changed] == [1, 3]
    assert all(state.flags == Flags.DELETED and state.modseq > moved.modseq for state in changed)
    assert (await store.mailboxes.states(alice.mailbox, INBOX))[1] == moved


async def test_a_message_whose_flags_stay_keeps_its_modseq(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 2)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING)
    kept, _ = await store.mailboxes.states(alice.mailbox, INBOX)
    before = await inbox(store, alice.mailbox)
    assert await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags.DRAFT
    ) == [kept]
    assert await inbox(store, alice.mailbox) == before
    first, second = await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [1, 2], add=Flags.SEEN, remove=NOTHING
    )
    assert first == kept
    assert second.modseq > before.highest_modseq


async def test_a_flag_change_of_nothing_that_exists_moves_nothing(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    before = await inbox(store, alice.mailbox)
    for which in ([], [99]):
        assert (
            await store.mailboxes.change_flags(alice.mailbox, INBOX, which, add=Flags.SEEN, remove=NOTHING)
            == []
        )
    assert await inbox(store, alice.mailbox) == before


# Expunge


async def test_expunge_removes_what_is_flagged_deleted(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 4)
    await store.mailboxes.change_flags(
        alice.mailbox, INBOX, [4, 2], add=Flags.DELETED | Flags.SEEN, remove=NOTHING
    )
    assert await store.mailboxes.expunge(alice.mailbox, INBOX, None) == [2, 4]
    assert await uids(store, alice.mailbox) == [1, 3]
    assert await store.mailboxes.messages(alice.mailbox, INBOX, [1, 2, 3, 4]) == list(
        await store.mailboxes.messages(alice.mailbox, INBOX, [1, 3])
    )


async def test_expunge_with_uids_spares_the_other_deleted_ones(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 4)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1, 2, 3], add=Flags.DELETED, remove=NOTHING)
    assert await store.mailboxes.expunge(alice.mailbox, INBOX, [4, 3, 1, 99, 3]) == [1, 3]
    assert await uids(store, alice.mailbox) == [2, 4]


async def test_expunge_of_no_uids_removes_nothing(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.DELETED, remove=NOTHING)
    assert await store.mailboxes.expunge(alice.mailbox, INBOX, []) == []
    assert await uids(store, alice.mailbox) == [1]


async def test_an_expunge_that_removes_nothing_moves_nothing(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 2)
    before = await inbox(store, alice.mailbox)
    assert await store.mailboxes.expunge(alice.mailbox, INBOX, None) == []
    assert await store.mailboxes.expunge(alice.mailbox, INBOX, [1, 2]) == []
    assert await inbox(store, alice.mailbox) == before


async def test_an_expunge_has_a_modseq(store: Store, alice: Subscriber) -> None:
    await fill(store, alice.mailbox, 1)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.DELETED, remove=NOTHING)
    before = await inbox(store, alice.mailbox)
    await store.mailboxes.expunge(alice.mailbox, INBOX, None)
    assert (await inbox(store, alice.mailbox)).highest_modseq > before.highest_modseq


async def test_an_expunge_makes_room(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=1))
    await fill(store, alice.mailbox, 1)
    await delete(store, alice.mailbox, 1)
    assert (await store.mailboxes.append(alice.mailbox, INBOX, new_message())).uid == 2


# Counters


async def test_the_counters_equal_what_the_messages_say(store: Store, alice: Subscriber) -> None:
    box = alice.mailbox

    async def check() -> None:
        folder = await inbox(store, box)
        states: list[MessageState] = list(await store.mailboxes.states(box, INBOX))
        records = await store.mailboxes.messages(box, INBOX, [state.uid for state in states])
        assert folder.messages == len(states)
        assert folder.unseen == sum(Flags.SEEN not in state.flags for state in states)
        assert folder.octets == sum(record.size for record in records)

    await fill(store, box, 5)
    await check()
    for add, remove, which in (
        (Flags.SEEN, NOTHING, [1, 2]),
        (Flags.SEEN, NOTHING, [2, 3]),  # one of the two was seen already
        (Flags.DELETED, Flags.SEEN, [1, 4]),
        (Flags.SEEN | Flags.DELETED, Flags.SEEN, [3, 4]),
        (Flags.FLAGGED, NOTHING, [1, 2, 3, 4, 5]),
    ):
        await store.mailboxes.change_flags(box, INBOX, which, add=add, remove=remove)
        await check()
    assert await store.mailboxes.expunge(box, INBOX, [1, 2, 3]) == [1, 3]
    await check()
    assert await store.mailboxes.expunge(box, INBOX, None) == [4]
    await check()
    assert (await inbox(store, box)).octets == 102 + 105
