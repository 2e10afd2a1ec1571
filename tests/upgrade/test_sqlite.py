# SPDX-License-Identifier: Apache-2.0
"""A file of every schema there ever was is opened by today's program, with everything in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.upgrade.life import assert_everything_is_there_and_goes_on
from tests.upgrade.record import RECORDS, record
from vvm.domain.errors import Outage
from vvm.store.sqlite import open_sqlite
from vvm.store.sqlite.schema import COMPATIBLE, VERSION, prepare

VERSIONS = sorted(int(path.stem) for path in RECORDS.glob("*.sql"))


def old_file(path: Path, version: int) -> Path:
    with closing(sqlite3.connect(path)) as old:
        old.executescript((RECORDS / f"{version:04}.sql").read_text(encoding="utf-8"))
    return path


def schema(path: Path) -> Sequence[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        ).fetchall()


def test_the_records_have_no_gap() -> None:
    """A step that is not released yet may be without: ``python -m tests.upgrade.record`` makes the next."""
    assert list(range(1, VERSIONS[-1] + 1)) == VERSIONS
    assert VERSIONS[-1] <= VERSION


@pytest.mark.parametrize("version", VERSIONS)
def test_a_step_stays_as_it_was_released(version: int) -> None:
    assert record(version) == (RECORDS / f"{version:04}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_upgraded_file_is_like_a_new_one(tmp_path: Path, version: int) -> None:
    old, new = old_file(tmp_path / "old.db", version), tmp_path / "new.db"
    prepare(old, finish=True)
    prepare(new)
    assert schema(old) == schema(new)


@pytest.mark.parametrize("version", VERSIONS)
async def test_everything_is_readable_and_goes_on(tmp_path: Path, version: int) -> None:
    async with open_sqlite(old_file(tmp_path / "vvm.db", version)) as store:
        await assert_everything_is_there_and_goes_on(store)


def versions(path: Path, version: int, compatible: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE schema_version SET version = ?, compatible = ?", (version, compatible))
        database.commit()


async def test_an_older_release_goes_on_beside_a_newer_one(tmp_path: Path) -> None:
    """During an upgrade of several processes: the newer one has run its steps already."""
    prepare(tmp_path / "vvm.db")
    versions(tmp_path / "vvm.db", VERSION + 1, VERSION)
    async with open_sqlite(tmp_path / "vvm.db") as store:
        assert await store.subscribers.page(after=None, limit=1) == []
    with closing(sqlite3.connect(tmp_path / "vvm.db")) as database:
        assert database.execute("SELECT version, compatible FROM schema_version").fetchone() == (
            VERSION + 1,
            max(VERSION, COMPATIBLE),
        )


async def test_a_release_that_would_do_harm_does_not_start(tmp_path: Path) -> None:
    prepare(tmp_path / "vvm.db")
    versions(tmp_path / "vvm.db", VERSION + 1, VERSION + 1)
    with pytest.raises(Outage, match=f"needs schema {VERSION + 1}, this release knows {VERSION}"):
        async with open_sqlite(tmp_path / "vvm.db"):
            pass
