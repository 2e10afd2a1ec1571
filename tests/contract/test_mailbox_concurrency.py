# SPDX-License-Identifier: Apache-2.0
"""What MailboxStore promises when many ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from tests.contract.samples import new_message, new_subscriber, owed_to, owed_to_stranger
from vvm.domain.errors import MailboxFull
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.port import MessageState, Store, Stored

T = TypeVar("T")
NOTHING = Flags(0)
MANY = 60


async def at_once(calls: Sequence[Awaitable[T]]) -> list[T]:
    return list(await asyncio.gather(*calls))


async def test_no_uid_is_given_twice(store: Store, alice: Subscriber) -> None:
    appends = [store.mailboxes.append(alice.mailbox, INBOX, new_message()) for _ in range(MANY)]
    answered = await at_once(appends)
    assert sorted(stored.uid for stored in answered) == list(range(1, MANY + 1))
    states = await store.mailboxes.states(alice.mailbox, INBOX)
    assert [state.uid for state in states] == list(range(1, MANY + 1))
    modseqs = [state.modseq for state in states]
    assert modseqs == sorted(set(modseqs))


async def test_a_mailbox_never_holds_more_than_its_limit(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=10))

    async def append(number: int) -> int | None:
        owed = [owed_to_stranger(number)]
        try:
            return (await store.mailboxes.append(alice.mailbox, INBOX, new_message(), owed)).uid
        except MailboxFull:
            return None

    answered = await at_once([append(number) for number in range(30)])
    assert sorted(uid for uid in answered if uid is not None) == list(range(1, 11))
    assert (await store.outbox.counts()).owed == 10


async def test_one_key_makes_one_message(store: Store, alice: Subscriber) -> None:
    message = new_message(key="k")
    appends = [store.mailboxes.append(alice.mailbox, INBOX, message, [owed_to(alice)]) for _ in range(20)]
    answered = await at_once(appends)
    assert sum(stored.created for stored in answered) == 1
    assert {stored.uid for stored in answered} == {1}
    assert (await store.outbox.counts()).owed == 1


async def test_who_follows_the_modseq_misses_nothing(store: Store, alice: Subscriber) -> None:
    """The order of MODSEQ is that of commit: nothing ever appears below what was seen already."""
    followed: dict[int, MessageState] = {}
    writing = True

    async def follow() -> None:
        known = 0
        while True:
            last_look = not writing
            changes = await store.mailboxes.changes(alice.mailbox, INBOX, known)
            assert changes is not None
            assert all(state.modseq > known for state in changes.changed)
            for uid in changes.expunged:
                followed.pop(uid, None)
            followed.update({state.uid: state for state in changes.changed})
            assert len(followed) == changes.folder.messages
            known = changes.folder.highest_modseq
            if last_look:
                return
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(follow())
        await at_once([_one_life(store, alice.mailbox, index) for index in range(MANY)])
        writing = False
    states = await store.mailboxes.states(alice.mailbox, INBOX)
    assert {state.uid: state for state in states} == followed


async def _one_life(store: Store, mailbox: MailboxId, index: int) -> None:
    """Append; two of three are marked, one of three is expunged."""
    stored: Stored = await store.mailboxes.append(mailbox, INBOX, new_message())
    if index % 3 == 0:
        return
    flag = Flags.SEEN if index % 3 == 1 else Flags.DELETED
    await store.mailboxes.change_flags(mailbox, INBOX, [stored.uid], add=flag, remove=NOTHING)
    if flag is Flags.DELETED:
        await store.mailboxes.expunge(mailbox, INBOX, [stored.uid])


async def test_a_message_is_expunged_once(store: Store, alice: Subscriber) -> None:
    await at_once([store.mailboxes.append(alice.mailbox, INBOX, new_message()) for _ in range(5)])
    await store.mailboxes.change_flags(alice.mailbox, INBOX, range(1, 6), add=Flags.DELETED, remove=NOTHING)
    answered = await at_once([store.mailboxes.expunge(alice.mailbox, INBOX, None) for _ in range(5)])
    assert sorted(uid for gone in answered for uid in gone) == [1, 2, 3, 4, 5]


async def test_an_append_that_is_cancelled_is_whole_or_absent(store: Store, alice: Subscriber) -> None:
    async def append(number: int) -> None:
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(), [owed_to_stranger(number)])

    tasks = [asyncio.create_task(append(number)) for number in range(MANY)]
    await asyncio.sleep(0)  # let them begin
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)
    # Whatever came of the cancelled ones is decided once a later write has returned.
    await append(MANY)
    folder = await store.mailboxes.folder(alice.mailbox, INBOX)
    assert folder is not None
    assert folder.messages >= MANY // 2
    assert folder.uid_next == folder.messages + 1
    assert (await store.outbox.counts()).owed == folder.messages
