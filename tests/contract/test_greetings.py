# SPDX-License-Identifier: Apache-2.0
"""What MailboxStore promises of the greetings: of each kind one is on at most, and all is in the journal."""

from __future__ import annotations

import msgspec
import pytest

from tests.contract.samples import BOB, new_message, new_subscriber
from vvm.domain.errors import MailboxFull
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.store.port import GREETINGS_LIMIT, NewMessage, Store

ON = Flags.GREETING_ON
NOTHING = Flags(0)


def greeting(kind: Kind = Kind.NORMAL_GREETING, flags: Flags = NOTHING) -> NewMessage:
    return msgspec.structs.replace(new_message(), kind=kind, flags=flags)


async def add(store: Store, mailbox: MailboxId, *greetings: NewMessage) -> None:
    for one in greetings:
        await store.mailboxes.append(mailbox, GREETINGS, one)


async def switch(store: Store, mailbox: MailboxId, uids: list[int], *, on: bool) -> None:
    named = await store.mailboxes.change_flags(
        mailbox, GREETINGS, uids, add=ON if on else NOTHING, remove=NOTHING if on else ON
    )
    assert {state.uid: state.flags for state in named} == {
        state.uid: state.flags
        for state in await store.mailboxes.states(mailbox, GREETINGS)
        if state.uid in uids
    }


async def flags(store: Store, mailbox: MailboxId) -> dict[int, Flags]:
    return {state.uid: state.flags for state in await store.mailboxes.states(mailbox, GREETINGS)}


async def test_a_message_arrives_with_its_flags(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(flags=Flags.SEEN | ON))
    assert await flags(store, alice.mailbox) == {1: Flags.SEEN | ON}
    (record,) = await store.mailboxes.messages(alice.mailbox, GREETINGS, [1])
    assert (record.kind, record.flags) == (Kind.NORMAL_GREETING, Flags.SEEN | ON)
    folder = await store.mailboxes.folder(alice.mailbox, GREETINGS)
    assert folder is not None
    assert folder.unseen == 0


async def test_who_arrives_switched_on_takes_it_from_the_other(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(flags=ON), greeting(flags=ON))
    assert await flags(store, alice.mailbox) == {1: NOTHING, 2: ON}


async def test_who_is_switched_on_takes_it_from_the_other(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(), greeting(flags=ON))
    await switch(store, alice.mailbox, [1], on=True)
    assert await flags(store, alice.mailbox) == {1: ON, 2: NOTHING}


async def test_of_several_the_last_is_on(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(flags=ON), greeting(), greeting())
    await switch(store, alice.mailbox, [1, 2], on=True)
    assert await flags(store, alice.mailbox) == {1: NOTHING, 2: ON, 3: NOTHING}


async def test_to_switch_on_again_what_is_on_changes_nothing(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(), greeting(flags=ON))
    before = await store.mailboxes.states(alice.mailbox, GREETINGS)
    await switch(store, alice.mailbox, [2], on=True)
    assert await store.mailboxes.states(alice.mailbox, GREETINGS) == before


async def test_a_signature_and_a_greeting_may_both_be_on(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(flags=ON), greeting(Kind.VOICE_SIGNATURE))
    await switch(store, alice.mailbox, [2], on=True)
    assert await flags(store, alice.mailbox) == {1: ON, 2: ON}


async def test_none_may_be_on(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(flags=ON), greeting())
    await switch(store, alice.mailbox, [1], on=False)
    assert await flags(store, alice.mailbox) == {1: NOTHING, 2: NOTHING}


async def test_who_loses_it_is_in_the_journal(store: Store, alice: Subscriber) -> None:
    await add(store, alice.mailbox, greeting(flags=ON), greeting())
    before = await store.mailboxes.folder(alice.mailbox, GREETINGS)
    assert before is not None
    await switch(store, alice.mailbox, [2], on=True)
    changes = await store.mailboxes.changes(alice.mailbox, GREETINGS, before.highest_modseq)
    assert changes is not None
    assert {state.uid: state.flags for state in changes.changed} == {1: NOTHING, 2: ON}
    assert {state.modseq for state in changes.changed} == {changes.folder.highest_modseq}


async def test_other_folders_and_neighbours_notice_nothing(store: Store, alice: Subscriber) -> None:
    bob = await store.subscribers.create(new_subscriber(BOB))
    await add(store, bob.mailbox, greeting(flags=ON))
    await store.mailboxes.append(alice.mailbox, INBOX, greeting(flags=ON))
    await add(store, alice.mailbox, greeting(flags=ON))
    assert await flags(store, bob.mailbox) == {1: ON}
    (in_inbox,) = await store.mailboxes.states(alice.mailbox, INBOX)
    assert in_inbox.flags == ON


async def test_greetings_have_a_limit_of_their_own(store: Store) -> None:
    alice = await store.subscribers.create(new_subscriber(max_messages=1))
    await add(store, alice.mailbox, *[greeting()] * GREETINGS_LIMIT)
    with pytest.raises(MailboxFull):
        await add(store, alice.mailbox, greeting())
