# SPDX-License-Identifier: Apache-2.0
"""A store becomes another one, whatever engines the two have, and everything in it stays as it was."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from tests import postgres
from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_inbound, new_message, new_subscriber, owed_to
from vvm.config.sections import StoreSettings
from vvm.domain.cos import Cos, Limits
from vvm.domain.errors import Outage
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName
from vvm.runtime.check import check, inspect
from vvm.runtime.copy import CannotCopy, copy, reopen
from vvm.runtime.stores import open_store
from vvm.store.blobs.shelf import DatabaseShelf
from vvm.store.copying import TABLES
from vvm.store.events import BEGINNING
from vvm.store.handover import HandedOver
from vvm.store.port import Acceptance, Settlement, Store
from vvm.store.sqlite.schema import prepare

KEEPING = CosName("keeping")
pytestmark = pytest.mark.peers


LATE = b"Subject: late\r\n\r\n"


def meanwhile(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What somebody else does while the copy stands still."""
    with ThreadPoolExecutor() as elsewhere:
        elsewhere.submit(asyncio.run, work()).result()


def nothing(what: str, compared: int, differed: int) -> None:
    """No bar."""


async def live(store: Store) -> None:
    """A life with something in every table."""
    await store.cos.put(Cos(KEEPING, Limits(deleted_days=7), NOW))
    alice = await store.subscribers.create(new_subscriber(cos=KEEPING))
    bob = await store.subscribers.create(new_subscriber(BOB))
    gone = await store.subscribers.create(new_subscriber(Msisdn("+33600000009")))
    await store.subscribers.remove(gone.msisdn, at=NOW)
    await store.numbers.add_alias(ALICE, Msisdn("+33600000001"), most=5, at=NOW)
    for number in range(4):
        message = new_message(b"Subject: %d\r\n\r\nhello" % number, key=f"k{number}")
        await store.mailboxes.append(alice.mailbox, INBOX, message, [owed_to(alice, cause=Cause.NEW_MESSAGE)])
    await store.folders.create(alice.mailbox, "Work", at=NOW, most=5)
    await store.folders.copy(alice.mailbox, INBOX, [1], "Work")
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [2], add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(alice.mailbox, INBOX, None)
    await store.inbound.save(new_inbound())
    (row,) = await store.outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=1)
    await store.outbox.accepted(row, Acceptance(1, 2, "id-1"), now=NOW + MINUTE)
    await store.mailboxes.append(bob.mailbox, INBOX, new_message(key="b1"))


async def views(store: Store) -> object:
    """What clients, operators and workers are shown."""
    alice = await store.subscribers.by_msisdn(Msisdn("+33600000001"))
    bob = await store.subscribers.by_imap_user(new_subscriber(BOB).imap_user)
    assert alice is not None
    assert bob is not None
    return (
        (alice, bob),
        [await store.folders.all(one.mailbox) for one in (alice, bob)],
        [await store.mailboxes.snapshot(alice.mailbox, name) for name in (INBOX, "Work")],
        msgspec.json.encode(
            [await store.mailboxes.changes(alice.mailbox, INBOX, since) for since in range(8)]
        ),
        await store.mailboxes.messages(alice.mailbox, INBOX, range(9)),
        [await store.mailboxes.octets(alice.mailbox, INBOX, uid) for uid in range(6)],
        await store.recovery.deleted(alice.mailbox, after=0, limit=9),
        await store.subscribers.audit(ALICE, limit=99),
        await store.outbox.history(ALICE, limit=99),
        await store.inbound.pending(limit=9),
        await store.cos.page(after=None, limit=9),
        [(event.kind, event.msisdn, event.at) for event in await store.events.page(BEGINNING, limit=99)],
    )


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[dict[str, StoreSettings]]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(postgres.database())
        yield {
            "sqlite": StoreSettings(url=f"sqlite:///{tmp_path}/vvm.db"),
            "postgres": StoreSettings(url=url, postgres=postgres.SETTINGS),
            "back": StoreSettings(url=f"sqlite:///{tmp_path}/back.db"),
        }


async def test_everything_is_there_as_it_was_and_goes_on(stores: dict[str, StoreSettings]) -> None:
    async with open_store(stores["sqlite"]) as store:
        await live(store)
        before = await views(store)
    copied = await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, nothing)
    assert (copied.mailboxes, copied.messages, copied.differences[-1]) == (2, 5, 0)
    async with open_store(stores["postgres"]) as store:
        assert await views(store) == before
        async with inspect(stores["postgres"]) as inspector:
            assert [each async for each in check(inspector, None, repair=False, progress=str)] == []
        carol = await store.subscribers.create(new_subscriber(Msisdn("+33600000002")))
        assert carol.id > 3
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        again = await store.mailboxes.append(alice.mailbox, INBOX, new_message(key="k3"))
        assert (again.uid, again.created) == (4, False)
        fresh = await store.mailboxes.append(alice.mailbox, INBOX, new_message())
        assert (fresh.uid, fresh.created) == (5, True)
        assert await store.outbox.receipt("id-1", Settlement.DELIVERED, now=NOW + 2 * MINUTE)


async def test_and_back(stores: dict[str, StoreSettings]) -> None:
    async with open_store(stores["postgres"]) as store:
        await live(store)
        before = await views(store)
    await copy(stores["postgres"], stores["back"], DatabaseShelf, nothing)
    async with open_store(stores["back"]) as store:
        assert await views(store) == before
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        events = len(await store.events.page(BEGINNING, limit=99))
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
        assert len(await store.events.page(BEGINNING, limit=99)) == events + 1
    async with inspect(stores["back"]) as inspector:
        assert [each async for each in check(inspector, None, repair=False, progress=str)] == []


async def test_nobody_writes_where_it_was_and_no_program_starts_there(
    stores: dict[str, StoreSettings],
) -> None:
    async with open_store(stores["sqlite"]) as serving:
        await live(serving)
        assert await serving.moved_to() is None
        await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, nothing)
        assert await serving.moved_to() == stores["postgres"].url
        with pytest.raises(Outage):
            await serving.subscribers.create(new_subscriber(Msisdn("+33600000002")))
        assert await serving.subscribers.by_msisdn(ALICE) is not None
    with pytest.raises(HandedOver, match="was moved to postgresql"):
        async with open_store(stores["sqlite"]):
            pass
    with pytest.raises(CannotCopy, match="already"):
        await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, nothing)
    await reopen(stores["sqlite"])
    async with open_store(stores["sqlite"]) as store:
        await store.subscribers.create(new_subscriber(Msisdn("+33600000002")))


async def test_a_copy_that_was_broken_off_goes_on_and_nobody_serves_from_half_of_it(
    stores: dict[str, StoreSettings],
) -> None:
    async with open_store(stores["sqlite"]) as store:
        await live(store)
        before = await views(store)

    def break_off(what: str, compared: int, differed: int) -> None:
        if what == "content":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, break_off)
    with pytest.raises(HandedOver, match="is not whole"):
        async with open_store(stores["postgres"]):
            pass
    with pytest.raises(CannotCopy, match="handed over"):
        await copy(stores["postgres"], stores["back"], DatabaseShelf, nothing)
    async with open_store(stores["sqlite"]) as store:
        assert await views(store) == before
    await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, nothing)
    async with open_store(stores["postgres"]) as store:
        assert await views(store) == before


async def test_what_changes_between_two_runs_is_followed(stores: dict[str, StoreSettings]) -> None:
    async with open_store(stores["sqlite"]) as store:
        await live(store)

    def break_off(what: str, compared: int, differed: int) -> None:
        if what == "event":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, break_off)
    async with open_store(stores["sqlite"]) as store:
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        await store.mailboxes.change_flags(alice.mailbox, INBOX, [1, 3], add=Flags.SEEN, remove=Flags(0))
        await store.folders.move(alice.mailbox, INBOX, [3], "Work")
        await store.folders.rename(alice.mailbox, "Work", "Play", at=NOW, most=5)
        await store.folders.create(alice.mailbox, "Work", at=NOW, most=5)
        await store.recovery.purge(now=NOW + 10**6 * MINUTE, limit=9)
        await store.numbers.remove_alias(ALICE, Msisdn("+33600000001"), at=NOW)
        await store.numbers.add_alias(BOB, Msisdn("+33600000001"), most=5, at=NOW)
    await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, nothing)
    async with inspect(stores["postgres"]) as inspector:
        assert [each async for each in check(inspector, None, repair=False, progress=str)] == []
    async with open_store(stores["postgres"]) as store:
        bob = await store.subscribers.by_msisdn(Msisdn("+33600000001"))
        assert bob is not None
        assert bob.msisdn == BOB


async def test_only_what_changed_since_its_octets_were_compared_is_compared_while_nobody_can_write(
    stores: dict[str, StoreSettings],
) -> None:
    async with open_store(stores["sqlite"]) as store:
        await live(store)

    async def deposit() -> None:
        async with open_store(stores["sqlite"]) as store:
            bob = await store.subscribers.by_msisdn(BOB)
            assert bob is not None
            await store.mailboxes.append(bob.mailbox, INBOX, new_message(LATE))

    def hear(what: str, compared: int, differed: int) -> None:
        if (what, compared) == ("mailboxes", 2):  # both have been compared
            meanwhile(deposit)

    copied = await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, hear)
    assert (copied.mailboxes, copied.messages, copied.compared_again) == (2, 6, 1)
    async with open_store(stores["postgres"]) as store:
        bob = await store.subscribers.by_msisdn(BOB)
        assert bob is not None
        assert await store.mailboxes.octets(bob.mailbox, INBOX, 2) == LATE


async def test_an_octet_that_is_another_there_keeps_the_target_shut(stores: dict[str, StoreSettings]) -> None:
    async with open_store(stores["sqlite"]) as store:
        await live(store)

    async def spoil() -> None:
        connection: Any = await asyncpg.connect(stores["postgres"].url)
        await connection.execute("UPDATE content SET octets = 'Subject: X' WHERE mailbox_id = 2")
        await connection.close()

    def hear(what: str, compared: int, differed: int) -> None:
        if what == "event":  # the last table: all contents are there
            meanwhile(spoil)

    with pytest.raises(CannotCopy, match="mailbox 2 differs"):
        await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, hear)
    with pytest.raises(HandedOver, match="is not whole"):
        async with open_store(stores["postgres"]):
            pass


async def test_a_store_that_holds_subscribers_is_no_target(stores: dict[str, StoreSettings]) -> None:
    for name in ("sqlite", "postgres"):
        async with open_store(stores[name]) as store:
            await store.subscribers.create(new_subscriber())
    with pytest.raises(CannotCopy, match="holds subscribers"):
        await copy(stores["sqlite"], stores["postgres"], DatabaseShelf, nothing)
    async with open_store(stores["postgres"]) as store:
        assert await store.moved_to() is None


async def test_no_table_and_no_column_is_left_out(tmp_path: Path) -> None:
    """Those that follow from others, or mean nothing elsewhere, are named here."""
    derived = {
        *("schema_version", "handover", "handover_trigger", "segment", "directory", "receipt", "sender"),
    }
    known = {table.name: set(table.columns) for table in TABLES}
    prepare(tmp_path / "vvm.db")
    async with postgres.database() as url:
        for found in (sqlite_columns(tmp_path / "vvm.db"), await postgres_columns(url)):
            assert found.keys() - derived == known.keys()
            for table, columns in found.items():
                assert columns - known.get(table, columns) - ELSEWHERE.get(table, set()) == set()


ELSEWHERE = {
    "journal": {"id"},
    "inbound": {"key"},
    "outbox": {"message_ids", "delivered", "segments"},
    "webhook": {"cursor_xid", "cursor_id"},
    "event": {"xid"},
}
"""Columns that an engine has in place of others."""


def sqlite_columns(path: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            table: {row[1] for row in database.execute(f"PRAGMA table_xinfo({table})") if row[6] == 0}
            for (table,) in tables
        }


async def postgres_columns(url: str) -> dict[str, set[str]]:
    connection: Any = await asyncpg.connect(url)
    rows: Sequence[Any] = await connection.fetch(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c"
        "  JOIN pg_class t ON t.relname = c.table_name AND NOT t.relispartition"
        " WHERE c.table_schema = 'public' AND c.is_generated = 'NEVER'"
    )
    await connection.close()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found
