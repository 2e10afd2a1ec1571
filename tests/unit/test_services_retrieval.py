# SPDX-License-Identifier: Apache-2.0
"""Retrieval: a change made in one view of a mailbox is hinted to the others, and nothing else is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.unit.services_world import ALICE, CALL, TWO_SECONDS, HintsHeard, World
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import Subscriber

NOTHING = Flags(0)


async def mailbox_with_messages(world: World) -> Subscriber:
    alice = await world.subscriber()
    for _ in range(3):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    return alice


async def test_marking_answers_the_messages_as_they_are_and_wakes_the_mailbox() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    heard = HintsHeard(world, alice.mailbox)
    states = await world.retrieval.mark(alice.mailbox, INBOX, [3, 1, 9], add=Flags.SEEN, remove=NOTHING)
    assert [(state.uid, state.flags) for state in states] == [(1, Flags.SEEN), (3, Flags.SEEN)]
    assert heard.count == 1


# rows: SY-15
async def test_what_a_client_does_itself_is_not_told_to_it_by_sms() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    await world.texts()  # the deposits
    before = await world.store.outbox.counts()
    await world.retrieval.mark(
        alice.mailbox, INBOX, [1, 2, 3], add=Flags.SEEN | Flags.DELETED, remove=NOTHING
    )
    await world.retrieval.expunge(alice.mailbox, INBOX, None)
    assert await world.store.outbox.counts() == before


# rows: FLG-04
async def test_what_was_played_over_imap_is_not_counted_in_the_next_sync() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    await world.retrieval.mark(alice.mailbox, INBOX, [1, 2], add=Flags.SEEN, remove=NOTHING)
    (text,) = await world.texts()
    assert ";c=1" in text


async def test_marking_nothing_that_exists_wakes_nobody() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    heard = HintsHeard(world, alice.mailbox)
    assert await world.retrieval.mark(alice.mailbox, INBOX, [9], add=Flags.SEEN, remove=NOTHING) == []
    assert heard.count == 0


async def test_expunging_answers_what_is_gone_and_wakes_the_mailbox() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    await world.retrieval.mark(alice.mailbox, INBOX, [1, 2], add=Flags.DELETED, remove=NOTHING)
    heard = HintsHeard(world, alice.mailbox)
    assert await world.retrieval.expunge(alice.mailbox, INBOX, [2, 3]) == [2]
    assert await world.retrieval.expunge(alice.mailbox, INBOX, None) == [1]
    assert heard.count == 2


async def test_expunging_nothing_wakes_nobody() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    heard = HintsHeard(world, alice.mailbox)
    assert await world.retrieval.expunge(alice.mailbox, INBOX, None) == []
    assert heard.count == 0


# rows: SY-15
async def test_what_the_client_does_itself_is_not_told_to_it_by_sms() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    assert len(await world.texts()) == 1
    await world.retrieval.mark(alice.mailbox, INBOX, [1, 2], add=Flags.SEEN | Flags.DELETED, remove=NOTHING)
    await world.retrieval.expunge(alice.mailbox, INBOX, None)
    assert await world.owed() == []


# rows: SY-11 SY-12 SY-14
async def test_what_another_view_does_is_told_by_one_update_with_the_count() -> None:
    world = World()
    alice = await mailbox_with_messages(world)
    assert len(await world.texts()) == 1
    update = [world.owing.mailbox_update(alice)]
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.hints.outbox_moved(timedelta(hours=1)))
        await asyncio.sleep(0)  # the worker sleeps
        await world.retrieval.mark(
            alice.mailbox, INBOX, [1, 2], add=Flags.SEEN | Flags.DELETED, remove=NOTHING, owed=update
        )
    await world.retrieval.expunge(alice.mailbox, INBOX, None, update)
    assert await world.texts() == ["//VVM:SYNC:ev=MBU;c=1"]
