# SPDX-License-Identifier: Apache-2.0
"""Steps that wait until no program of an older release is left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.command_line import command_line
from tests.upgrade.record import RECORDS
from vvm.domain.message import INBOX
from vvm.domain.subscriber import MailboxId
from vvm.store.migration import When, steps
from vvm.store.sqlite import open_sqlite
from vvm.store.sqlite.schema import VERSION, prepare

BOX = MailboxId(7)


def file_of(version: int, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as old:
        old.executescript((RECORDS / f"{version:04}.sql").read_text(encoding="utf-8"))
    return path


def test_post_steps_run_up_to_the_oldest_release_that_may_come() -> None:
    package = "vvm.store.sqlite.migrations"
    numbers = [number for number, _ in steps(package, When.POST, after=0)]
    assert 17 in numbers
    assert 17 not in [number for number, _ in steps(package, When.POST, after=0, upto=16)]
    assert 17 not in [number for number, _ in steps(package, When.POST, after=17)]


async def test_what_older_releases_wrote_is_as_old_as_the_upgrade(tmp_path: Path) -> None:
    async with open_sqlite(file_of(13, tmp_path / "vvm.db")) as store:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        assert await store.history.forget_changes(before=yesterday, limit=10) == 0
        assert await store.history.forget_deposit_keys(before=yesterday, limit=10) == 0
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert await store.history.forget_changes(before=tomorrow, limit=10) == 3
        assert await store.history.forget_deposit_keys(before=tomorrow, limit=10) == 1
        changes = await store.mailboxes.changes(BOX, INBOX, 4)
        assert changes is not None
        assert list(changes.expunged) == [1, 2, 4]


def test_a_new_file_has_nothing_to_wait_for(tmp_path: Path) -> None:
    migrated = prepare(tmp_path / "vvm.db")
    assert (migrated.version, migrated.compatible, migrated.post) == (VERSION, VERSION, VERSION)
    assert prepare(tmp_path / "vvm.db") == migrated


def test_the_command_shows_where_the_schema_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with command_line(tmp_path, monkeypatch, capsys) as vvm:
        stands = {"version": VERSION, "compatible": VERSION, "post": VERSION}
        assert vvm("store", "migrate", "--post", "--json").document == stands
        assert "compatible" in vvm("store", "migrate").out
        (tmp_path / "var" / "vvm.db").write_bytes(b"no database at all, but long enough to look at" * 100)
        refused = vvm("store", "migrate")
        assert (refused.code, "cannot be opened" in refused.err) == (3, True)
