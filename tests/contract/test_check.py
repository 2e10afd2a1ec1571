# SPDX-License-Identifier: Apache-2.0
"""Each damage is planted in a sound store, found under its name alone, and repaired where that is safe."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests import postgres
from tests.contract.adapters import parameters
from tests.contract.samples import BOB, MINUTE, NOW, new_message, new_subscriber, owed_to
from vvm.domain.cos import Cos, Limits
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName
from vvm.runtime.check import Finding, check
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.store.blobs.memory import MemoryBlobs
from vvm.store.blobs.shelf import BlobShelf, MakeShelf
from vvm.store.check import DAMAGES, Inspector
from vvm.store.port import NewDevice, Original, Store, Stored
from vvm.store.postgres import open_postgres
from vvm.store.postgres.check import inspect_postgres
from vvm.store.sqlite import open_sqlite
from vvm.store.sqlite.check import inspect_sqlite

KEEPING = CosName("keeping")


class Patient:
    """A store full of everything, in hands that can hurt it."""

    def __init__(
        self,
        inspect: Callable[[], AbstractAsyncContextManager[Inspector]],
        hurt: Callable[[str], Awaitable[None]],
        reopen: Callable[[], AbstractAsyncContextManager[Store]],
        blobs: MemoryBlobs,
    ) -> None:
        self.inspect, self.hurt, self.reopen, self.blobs = inspect, hurt, reopen, blobs

    async def findings(self, *, repair: bool = False) -> list[Finding]:
        async with self.inspect() as inspector:
            found = check(inspector, self.blobs, repair=repair, progress=lambda _: None)
            return [finding async for finding in found]


def shelf(blobs: MemoryBlobs) -> MakeShelf:
    return partial(BlobShelf, blobs=blobs, wrap=Keyring(bytes(MASTER_KEY_BYTES)), encrypt=False)


async def fill(store: Store) -> None:
    """Mailbox 1 with UIDs 1, 2 and 4 in INBOX, 3 to be restored, a copy in Work, a greeting."""
    await store.cos.put(Cos(KEEPING, Limits(deleted_days=7), NOW))
    alice = await store.subscribers.create(new_subscriber(cos=KEEPING))
    bob = await store.subscribers.create(new_subscriber(BOB))
    await store.numbers.add_alias(alice.msisdn, Msisdn("+33600000001"), most=5, at=NOW)
    inbox = [await store.mailboxes.append(alice.mailbox, INBOX, new_message(key=f"k{n}")) for n in range(4)]
    assert inbox[-1] == Stored(uid=4, created=True)
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [3], add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(alice.mailbox, INBOX, [3])
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=Flags(0))
    await store.folders.create(alice.mailbox, "Work", at=NOW, most=5)
    await store.folders.copy(alice.mailbox, INBOX, [1], "Work")
    message = new_message()
    with_original = type(message)(
        **{field: getattr(message, field) for field in message.__struct_fields__ if field != "original"},
        original=Original(b"as it was written", message.layout),
    )
    await store.mailboxes.append(alice.mailbox, GREETINGS, with_original)
    await store.mailboxes.append(bob.mailbox, INBOX, new_message(), [owed_to(bob, cause=Cause.NEW_MESSAGE)])
    device = NewDevice(alice.id, "tablet@vvm.example.net", "tablet", "handset", b"\1" * 32, b"\2" * 50, NOW)
    await store.devices.add(device, most=5)
    await store.outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=1)


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[Patient]:
    path, blobs = directory / "vvm.db", MemoryBlobs()

    async def hurt(statement: str) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(statement)

    async with open_sqlite(path, shelf=shelf(blobs)) as store:
        await fill(store)
    yield Patient(partial(inspect_sqlite, path), hurt, partial(open_sqlite, path, shelf=shelf(blobs)), blobs)


@asynccontextmanager
async def _postgres(directory: Path) -> AsyncIterator[Patient]:
    blobs = MemoryBlobs()
    async with postgres.database() as url:

        async def hurt(statement: str) -> None:
            connection: Any = await asyncpg.connect(url)
            await connection.execute(statement)
            await connection.close()

        reopen = partial(open_postgres, url, postgres.SETTINGS, shelf=shelf(blobs))
        async with reopen() as store:
            await fill(store)
        yield Patient(partial(inspect_postgres, url, postgres.SETTINGS), hurt, reopen, blobs)


PATIENTS = {"sqlite": _sqlite, "postgres": _postgres}


@pytest.fixture(params=parameters(PATIENTS))
async def patient(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Patient]:
    async with PATIENTS[request.param](tmp_path) as made:
        yield made


SAFE = {
    "original_without_content": "DELETE FROM content WHERE id IN (SELECT original_id FROM message)",
    "content_without_message": "INSERT INTO content ({box} id, layout, octets) "
    "VALUES ({one} 0, {empty}, {empty})",
    "share_count": "UPDATE shared_content SET messages = 7",
    "folder_counters": "UPDATE folder SET messages = messages + 1, octets = 0 WHERE name = 'INBOX'",
    "uid_not_below_next": "UPDATE folder SET uid_next = 4 WHERE mailbox_id = 1 AND id = 1",
    "modseq_above_highest": "UPDATE folder SET highest_modseq = 3 WHERE mailbox_id = 1 AND id = 1",
    "journal_gap": "DELETE FROM journal WHERE mailbox_id = 1 AND uid = 3 AND change = 'expunged'",
    "owed_to_nobody": "UPDATE outbox SET subscriber_id = 77",
    "used_blob_to_be_deleted": "INSERT INTO loose_blob (key, since) SELECT blob, 0 FROM content WHERE id = 1",
}
NAMED = {
    "message_without_content": "DELETE FROM content WHERE id = 2",
    "message_of_other_size": "UPDATE content SET blob_size = 3 WHERE id = 2",
    "mailbox_without_folder": "DELETE FROM folder WHERE mailbox_id = 2 AND id = 2",
    "mailbox_without_subscriber": "DELETE FROM subscriber WHERE id = 2",
    "subscriber_without_mailbox": "DELETE FROM mailbox WHERE id = 2",
    "message_without_folder": "DELETE FROM folder WHERE mailbox_id = 2 AND id = 1",
}
FOLLOWS = {
    "message_without_content": {"content_without_message"},
    "mailbox_without_subscriber": {"owed_to_nobody", "name_of_nobody"},
    "message_without_folder": {"mailbox_without_folder"},
}
"""What else such a wound means."""
POSTGRES_ONLY = {
    "name_of_nobody": "INSERT INTO directory VALUES ('+4930123', 'msisdn', 99)",
    "name_not_found": "DELETE FROM directory WHERE kind IN ('imap_user', 'device')",
    "owner_of_mailbox": "UPDATE mailbox SET status = 'B' WHERE id = 1",
    "id_given_twice": "SELECT setval('subscriber_ids', 1)",
    "receipt_of_nothing": "INSERT INTO receipt VALUES ('m1', 99, 1, '+33612345678')",
}


def in_dialect(statement: str, patient: Patient) -> str:
    if "postgres" in str(patient.inspect):
        return statement.format(box="mailbox_id,", one="1,", empty="''::bytea")
    return statement.format(box="", one="", empty="x''")


async def test_a_store_that_lived_has_no_damage(patient: Patient) -> None:
    assert await patient.findings() == []


@pytest.mark.parametrize("damage", SAFE)
async def test_what_can_be_derived_is_found_and_repaired(patient: Patient, damage: str) -> None:
    await patient.hurt(in_dialect(SAFE[damage], patient))
    (finding,) = await patient.findings()
    assert (finding.damage, finding.repaired) == (damage, False)
    assert finding.count >= len(finding.places) > 0
    (mended,) = await patient.findings(repair=True)
    assert (mended.damage, mended.repaired) == (damage, True)
    assert await patient.findings() == []


@pytest.mark.parametrize("damage", NAMED)
async def test_what_cannot_be_derived_is_named_and_left(patient: Patient, damage: str) -> None:
    await patient.hurt("PRAGMA foreign_keys = OFF; " * ("sqlite" in str(patient.inspect)) + NAMED[damage])
    found = {finding.damage for finding in await patient.findings()}
    allowed = FOLLOWS.get(damage, set()) | {"dangling_reference"}
    assert damage in found <= {damage} | allowed
    left = {finding.damage for finding in await patient.findings(repair=True) if not finding.repaired}
    assert damage in left


@pytest.mark.peers
@pytest.mark.parametrize("damage", POSTGRES_ONLY)
async def test_what_postgresql_keeps_twice_is_made_to_agree(tmp_path: Path, damage: str) -> None:
    async with _postgres(tmp_path) as patient:
        await patient.hurt(POSTGRES_ONLY[damage])
        assert [finding.damage for finding in await patient.findings()] == [damage]
        assert [finding.repaired for finding in await patient.findings(repair=True)] == [True]
        assert await patient.findings() == []


async def test_a_journal_with_a_gap_tells_everything_after_its_repair(patient: Patient) -> None:
    await patient.hurt(SAFE["journal_gap"])
    await patient.findings(repair=True)
    async with patient.reopen() as store:
        alice = await store.subscribers.page(after=None, limit=1)
        changes = await store.mailboxes.changes(alice[0].mailbox, INBOX, 5)
    assert changes is not None
    assert list(changes.expunged) == [3]


async def test_a_repaired_counter_is_that_of_the_messages(patient: Patient) -> None:
    async with patient.reopen() as store:
        (alice, *_) = await store.subscribers.page(after=None, limit=1)
        before = await store.mailboxes.folder(alice.mailbox, INBOX)
    await patient.hurt(SAFE["folder_counters"])
    await patient.findings(repair=True)
    async with patient.reopen() as store:
        assert await store.mailboxes.folder(alice.mailbox, INBOX) == before


async def test_a_blob_that_is_gone_or_changed_is_named(patient: Patient) -> None:
    async with patient.inspect() as inspector:
        first, second, *_ = await inspector.blobs(after="", limit=10)
    await patient.blobs.delete([first])
    patient.blobs.blobs[second] = (NOW, b"something else")
    found = {finding.damage: list(finding.places) for finding in await patient.findings()}
    assert found == {"blob_missing": [first], "blob_damaged": [second]}


async def test_a_file_that_is_broken_is_named(tmp_path: Path) -> None:
    async with _sqlite(tmp_path) as patient:
        await patient.hurt(
            "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'device_by_subscriber'"
        )
        found = {finding.damage for finding in await patient.findings()}
        assert found == {"file_damaged"}


async def test_every_damage_is_planted_by_a_test() -> None:
    planted = {*SAFE, *NAMED, *POSTGRES_ONLY, "blob_missing", "blob_damaged", "file_damaged"}
    assert planted | {"dangling_reference"} == {damage.name for damage in DAMAGES}
