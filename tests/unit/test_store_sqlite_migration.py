# SPDX-License-Identifier: Apache-2.0
"""A file of an earlier release is brought up to date, with nothing lost and everything new in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from tests.contract.samples import ALICE, NOW, new_message
from tests.upgrade.record import RECORDS
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.store.port import GREETINGS_LIMIT
from vvm.store.rows import layout_octets
from vvm.store.sqlite import open_sqlite

_OLD = """
INSERT INTO mailbox (id) VALUES (7);
INSERT INTO subscriber (mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at)
VALUES (7, '+33612345678', 'R', '{}', 'eng', 1, 100, '33612345678@vvm.example.net', x'01', x'02', 0, 0);
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages) VALUES (7, 1, 'INBOX', 4711, 100);
UPDATE schema_version SET version = 1, compatible = 1;
"""


def file_of_the_first_release(path: Path) -> None:
    first = files("vvm.store.sqlite.migrations").joinpath("0001.pre.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as old:
        old.executescript(first + _OLD)


async def test_a_subscriber_of_the_first_release_gets_greetings_and_has_no_pin(tmp_path: Path) -> None:
    file_of_the_first_release(tmp_path / "vvm.db")
    async with open_sqlite(tmp_path / "vvm.db") as store:
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        assert alice.pin_check is None
        assert [each.name for each in await store.folders.all(alice.mailbox)] == [INBOX, GREETINGS]
        folder = await store.mailboxes.folder(alice.mailbox, GREETINGS)
        assert folder is not None
        assert (folder.uid_validity, folder.uid_next, folder.max_messages) == (4711, 1, GREETINGS_LIMIT)


async def test_what_is_new_works_on_it(tmp_path: Path) -> None:
    file_of_the_first_release(tmp_path / "vvm.db")
    async with open_sqlite(tmp_path / "vvm.db") as store:
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        await store.mailboxes.append(alice.mailbox, INBOX, new_message())
        stored = await store.mailboxes.append(alice.mailbox, GREETINGS, new_message())
        await store.mailboxes.change_flags(
            alice.mailbox, GREETINGS, [stored.uid], add=Flags.GREETING_ON, remove=Flags(0)
        )
        (record,) = await store.mailboxes.messages(alice.mailbox, GREETINGS, [stored.uid])
        assert (record.kind, record.flags) == (Kind.VOICE, Flags.GREETING_ON)


async def test_to_open_it_again_changes_nothing(tmp_path: Path) -> None:
    file_of_the_first_release(tmp_path / "vvm.db")
    async with open_sqlite(tmp_path / "vvm.db") as first:
        before = await first.subscribers.by_msisdn(ALICE)
    async with open_sqlite(tmp_path / "vvm.db") as second:
        assert await second.subscribers.by_msisdn(ALICE) == before


_BEFORE_FOLDERS = """
INSERT INTO mailbox (id) VALUES (7);
INSERT INTO subscriber (mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at)
VALUES (7, '+33612345678', 'R', '{}', 'eng', 1, 100, '33612345678@vvm.example.net', x'01', x'02', 0, 0);
INSERT INTO folder (mailbox_id, id, name, uid_validity, uid_next, highest_modseq, messages, unseen, octets,
                    max_messages)
VALUES (7, 1, 'INBOX', 4711, 6, 9, 2, 1, 50, 100), (7, 2, 'Greetings', 4711, 1, 1, 0, 0, 0, 20);
INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                     seconds, size, content_id)
VALUES (7, 1, 3, 4, 1, 'voice', '+33698765432', 0, 0, 7, 25, 1),
       (7, 1, 5, 9, 0, 'voice', NULL, 0, 0, 8, 25, 2);
INSERT INTO journal (mailbox_id, folder_id, modseq, uid, change) VALUES (7, 1, 8, 4, 'expunged');
UPDATE schema_version SET version = 7, compatible = 3;
"""


def file_of_the_release_before_folders(path: Path) -> None:
    steps = files("vvm.store.sqlite.migrations")
    with closing(sqlite3.connect(path)) as old:
        for number in range(1, 8):
            old.executescript(steps.joinpath(f"{number:04}.pre.sql").read_text(encoding="utf-8"))
        old.executescript(_BEFORE_FOLDERS)
        layout = layout_octets(new_message().layout)
        for content in (1, 2):
            old.execute("INSERT INTO content VALUES (?, ?, ?)", (content, layout, b"octets of %d" % content))
        old.commit()


async def test_messages_of_the_release_before_folders_are_there_and_can_be_filed(tmp_path: Path) -> None:
    file_of_the_release_before_folders(tmp_path / "vvm.db")
    async with open_sqlite(tmp_path / "vvm.db") as store:
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        read, fresh = await store.mailboxes.messages(alice.mailbox, INBOX, [3, 4, 5])
        assert (read.flags, read.caller, read.keywords) == (Flags.SEEN, "+33698765432", frozenset())
        assert (fresh.uid, fresh.modseq, fresh.seconds, fresh.layout) == (5, 9, 8, new_message().layout)
        assert await store.mailboxes.octets(alice.mailbox, INBOX, 3) == b"octets of 1"
        assert await store.mailboxes.octets(alice.mailbox, INBOX, 5, originals=True) == b"octets of 2"
        changes = await store.mailboxes.changes(alice.mailbox, INBOX, 4)
        assert changes is not None
        assert list(changes.expunged) == [4]
        assert await store.folders.subscriptions(alice.mailbox) == [GREETINGS, INBOX]
        await store.folders.create(alice.mailbox, "Work", at=NOW, most=1)
        moved = await store.folders.move(alice.mailbox, INBOX, [3, 5], "Work")
        assert moved is not None
        assert moved.uids == (1, 2)
        assert await store.mailboxes.octets(alice.mailbox, "Work", 2) == b"octets of 2"


async def test_copies_from_before_are_called_alike(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "vvm.db")) as old:
        old.executescript((RECORDS / "0013.sql").read_text(encoding="utf-8"))
        old.executescript(
            "UPDATE message SET content_id = 1;"
            "INSERT INTO shared_content (mailbox_id, content_id, messages) VALUES (7, 1, 2);"
        )
    async with open_sqlite(tmp_path / "vvm.db") as store:
        alice = await store.subscribers.by_msisdn(ALICE)
        assert alice is not None
        stored = await store.mailboxes.append(alice.mailbox, INBOX, new_message())
        records = await store.mailboxes.messages(alice.mailbox, INBOX, [3, 5, stored.uid])
        assert [record.identity for record in records] == ["4711-1-3", "4711-1-3", f"4711-1-{stored.uid}"]
