# SPDX-License-Identifier: Apache-2.0
"""Whoever fetches one message after another causes few reads and sees what is there now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from imap_server.backend import FlagChange, FlagMode, MessageRecord
from tests.unit.imap_front import PEER, backend
from tests.unit.services_world import ALICE, CALL, TWO_SECONDS, World
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import ProvisioningStatus
from vvm.fronts.imap.ahead import ReadAhead
from vvm.fronts.imap.mailbox import Folder

DELETE = FlagChange(FlagMode.ADD, frozenset({"\\Deleted"}))


class Shelf:
    """Records by UID, and what was asked for."""

    def __init__(self, records: Sequence[MessageRecord]) -> None:
        self.records = {record.uid: record for record in records}
        self.asked: list[list[int]] = []

    async def __call__(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        self.asked.append(list(uids))
        return [self.records[uid] for uid in uids if uid in self.records]


async def inbox_of_alice(world: World, messages: int) -> Folder:
    await world.subscriber(ProvisioningStatus.READY)
    for _ in range(messages):
        await world.deposit(ALICE, TWO_SECONDS, CALL)
    alice = await world.current()
    password = world.keyring.open(alice.imap_user, alice.password_sealed)
    account = await backend(world).login(alice.imap_user, password.reveal(), PEER)
    inbox = await account.select(INBOX)
    assert inbox is not None
    return inbox


@pytest.fixture
async def shelf() -> Shelf:
    inbox = await inbox_of_alice(World(), 9)
    return Shelf(await inbox.messages(range(1, 10)))


async def test_a_client_that_goes_through_a_mailbox_causes_two_reads(shelf: Shelf) -> None:
    ahead = ReadAhead()
    for uid in range(1, 10):
        assert [record.uid for record in await ahead.one(uid, shelf)] == [uid]
    assert [len(uids) for uids in shelf.asked] == [1, 32]


async def test_gaps_and_messages_that_are_gone_do_not_matter(shelf: Shelf) -> None:
    del shelf.records[4]
    ahead = ReadAhead()
    found = [[record.uid for record in await ahead.one(uid, shelf)] for uid in (1, 3, 4, 7, 9)]
    assert found == [[1], [3], [], [7], [9]]


async def test_who_asks_for_one_message_again_and_again_causes_one_small_read_each(shelf: Shelf) -> None:
    ahead = ReadAhead()
    for uid in (7, 7, 2, 7 + 100):
        await ahead.one(uid, shelf)
    assert shelf.asked == [[7], [7], [2], [107]]


async def test_what_moved_is_read_anew(shelf: Shelf) -> None:
    ahead = ReadAhead()
    await ahead.one(1, shelf)
    await ahead.one(2, shelf)
    del shelf.records[3]
    ahead.forget([3, 100])
    assert await ahead.one(3, shelf) == []
    assert [record.uid for record in await ahead.one(4, shelf)] == [4]


async def test_nothing_is_kept_while_the_client_idles(shelf: Shelf) -> None:
    ahead = ReadAhead()
    await ahead.one(1, shelf)
    await ahead.one(2, shelf)
    ahead.clear()
    await ahead.one(2, shelf)
    assert shelf.asked[-1] == [2]


async def test_a_session_that_looked_gets_no_record_of_a_message_that_another_one_removed() -> None:
    world = World()
    here = await inbox_of_alice(world, 5)
    modseq = (await here.snapshot()).highest_modseq
    for uid in (1, 2):
        await here.messages([uid])
    mailbox = (await world.current()).mailbox
    await world.retrieval.mark(mailbox, INBOX, [3], add=Flags.DELETED, remove=Flags(0))
    await world.retrieval.mark(mailbox, INBOX, [4], add=Flags.SEEN, remove=Flags(0))
    await world.retrieval.expunge(mailbox, INBOX, [3])
    assert list((await here.changes(modseq)).expunged) == [3]
    assert await here.messages([3]) == []
    (fourth,) = await here.messages([4])
    assert fourth.flags == {"\\Seen"}
