# SPDX-License-Identifier: Apache-2.0
"""A file of the first release is brought up to date, with nothing lost and everything new in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from tests.contract.samples import ALICE, new_message
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.store.port import GREETINGS_LIMIT
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
        assert await store.mailboxes.folders(alice.mailbox) == [INBOX, GREETINGS]
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
