# SPDX-License-Identifier: Apache-2.0
"""Flag changes that leave the writer's thread out: they wait for nobody, and are in order all the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.contract.samples import new_message, new_subscriber, owed_to_stranger
from vvm.domain.errors import Outage
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import MailboxId, SubscriberId
from vvm.store.sqlite import SqliteStore, open_sqlite

NOTHING = Flags(0)
MOST_LOG_BYTES = 48 * 2**20
"""The checkpoint comes at 32 MB, and a little late."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vvm.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with open_sqlite(path) as opened:
        yield opened


@pytest.fixture
async def mailbox(store: SqliteStore) -> MailboxId:
    owner = await store.subscribers.create(new_subscriber())
    await store.mailboxes.append(owner.mailbox, INBOX, new_message())
    return owner.mailbox


async def mark(store: SqliteStore, mailbox: MailboxId, *, seen: bool) -> int:
    """Set the flag of the only message or take it away; the MODSEQ of that."""
    add, remove = (Flags.SEEN, NOTHING) if seen else (NOTHING, Flags.SEEN)
    (state,) = await store.mailboxes.change_flags(mailbox, INBOX, [1], add=add, remove=remove)
    return state.modseq


async def test_a_flag_change_is_done_without_a_turn_of_the_loop(
    store: SqliteStore, mailbox: MailboxId
) -> None:
    change = mark(store, mailbox, seen=True)
    with pytest.raises(StopIteration):
        change.send(None)


async def test_while_another_process_writes_the_loop_goes_on(
    store: SqliteStore, mailbox: MailboxId, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE folder SET highest_modseq = highest_modseq + 1")
        changing = asyncio.create_task(mark(store, mailbox, seen=True))
        await asyncio.sleep(0)
        assert not changing.done()
        ((theirs,),) = other.execute("SELECT highest_modseq FROM folder WHERE id = 1").fetchall()
        other.execute("COMMIT")
    assert await changing == theirs + 1


async def test_two_stores_on_one_file_give_each_modseq_once(
    store: SqliteStore, mailbox: MailboxId, path: Path
) -> None:
    async with open_sqlite(path) as other:

        async def live(one: SqliteStore) -> list[int]:
            modseqs = []
            for turn in range(40):
                await one.mailboxes.append(mailbox, INBOX, new_message())
                (state,) = await one.mailboxes.change_flags(
                    mailbox, INBOX, [turn + 1], add=Flags.FLAGGED, remove=NOTHING
                )
                modseqs.append(state.modseq)
            return modseqs

        ours, theirs = await asyncio.gather(live(store), live(other))
        assert ours == sorted(ours)
        assert theirs == sorted(theirs)
        for one in (store, other):
            changes = await one.mailboxes.changes(mailbox, INBOX, 0)
            assert changes is not None
            assert len(changes.changed) == 81
            assert max(*ours, *theirs) <= changes.folder.highest_modseq


async def test_a_change_that_fails_leaves_nothing_behind(store: SqliteStore, mailbox: MailboxId) -> None:
    before = await store.mailboxes.snapshot(mailbox, INBOX)
    nobody = msgspec.structs.replace(owed_to_stranger(), subscriber=SubscriberId(404))
    with pytest.raises(Outage):
        await store.mailboxes.change_flags(mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING, owed=[nobody])
    assert await store.mailboxes.snapshot(mailbox, INBOX) == before
    assert await mark(store, mailbox, seen=True) > 0


async def test_flag_changes_alone_do_not_let_the_log_grow(
    store: SqliteStore, mailbox: MailboxId, path: Path
) -> None:
    log = path.with_name(path.name + "-wal")
    for turn in range(3_000):
        await mark(store, mailbox, seen=turn % 2 == 0)
    assert log.stat().st_size < MOST_LOG_BYTES
