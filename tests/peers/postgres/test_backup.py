# SPDX-License-Identifier: Apache-2.0
"""Backups of PostgreSQL: taken beside writers, proved in a scratch database, restored into an empty one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests import postgres
from tests.peers.blobs.moto_server import BUCKET, s3_server
from tests.peers.postgres.backed import Site, deposit, fill, heard, number
from tests.process.program import python_path
from vvm.runtime.backup import begin_anew
from vvm.store.backup import BadBackup
from vvm.store.blobs.settings import BlobSettings
from vvm.store.events import BEGINNING
from vvm.store.postgres.backup import PostgresEngine
from vvm.store.postgres.programs import find_programs
from vvm.store.postgres.scratch import NAME
from vvm.store.settings import PostgresSettings

pytestmark = pytest.mark.peers

_SECONDS = 60.0
ALICE = number(0)
_OTHERS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_VALIDITIES = "SELECT uid_validity FROM folder ORDER BY mailbox_id, id"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Three subscribers with two messages in encrypted blobs each, and one message in the database."""
    async with postgres.database() as url:
        made = Site(tmp_path / "site", url)
        async with made.opened() as store:
            await fill(store)
        async with Site(tmp_path / "site", url, BlobSettings()).opened() as store:
            await deposit(store, ALICE, b"Subject: in the row\r\n\r\nhello\r\n")
        yield made


@pytest.fixture
async def empty() -> AsyncIterator[str]:
    """The URL of a database without anything in it."""
    name = "vvm_restored"
    await postgres.administer(f"CREATE DATABASE {name}")
    yield postgres.server().url(name)
    await postgres.administer(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_backup_is_restored_elsewhere_with_every_message(
    site: Site, empty: str, tmp_path: Path
) -> None:
    made = await site.backup(tmp_path / "backup").create(with_blobs=True)
    assert (made.subscribers, made.messages, made.blobs) == (3, 7, 6)
    other = Site(tmp_path / "other", empty)
    assert await other.backup(tmp_path / "backup").verify() == made
    assert await other.backup(tmp_path / "backup").restore() == made
    async with site.opened() as before, other.opened() as after:
        for index in range(3):
            assert await heard(after, number(index)) == await heard(before, number(index))
    await other.backup(tmp_path / "again").create(with_blobs=True)
    first, second = ((tmp_path / name / "mailboxes.jsonl").read_bytes() for name in ("backup", "again"))
    assert first == second


async def test_a_restored_store_has_other_uid_validities_and_goes_on(
    site: Site, empty: str, tmp_path: Path
) -> None:
    await site.backup(tmp_path / "backup").create(with_blobs=True)
    other = Site(tmp_path / "other", empty)
    await other.backup(tmp_path / "backup").restore()
    before, after = await site.rows(_VALIDITIES), await other.rows(_VALIDITIES)
    assert len(after) == len(before)
    assert all(new > old for (new,), (old,) in zip(after, before, strict=True))
    async with other.opened() as store:
        assert await deposit(store, ALICE, b"Subject: after\r\n\r\nhello\r\n") == 4
    assert await other.rows("SELECT count(*) FROM folder WHERE uid_validity > 0") == [(len(after),)]


async def test_readers_of_events_begin_anew_and_miss_nothing_that_comes(
    site: Site, empty: str, tmp_path: Path
) -> None:
    """Another server's transactions have smaller ids than those that the copy was written by."""
    await site.rows("UPDATE event SET xid = xid + 1000000 WHERE msisdn IS NOT NULL")
    await site.backup(tmp_path / "backup").create(with_blobs=True)
    other = Site(tmp_path / "other", empty)
    await other.backup(tmp_path / "backup").restore()
    async with other.opened() as store:
        kept = [*await store.events.page(BEGINNING, limit=4)]
        kept += await store.events.page(kept[-1].cursor, limit=100)
        before = await site.rows("SELECT kind, msisdn FROM event ORDER BY xid, id")
        assert [(event.kind, event.msisdn) for event in kept] == before
        await deposit(store, ALICE, b"Subject: after\r\n\r\nhello\r\n")
        new = await store.events.page(kept[-1].cursor, limit=100)
    assert [(event.kind, event.msisdn) for event in new] == [("message.deposited", ALICE)]


async def test_writers_do_not_wait_and_what_they_write_is_not_in_it(site: Site, tmp_path: Path) -> None:
    engine = PostgresEngine(site.url, site.config.store.postgres)
    copy = tmp_path / "vvm.dump"
    async with site.opened() as store, engine.copied(copy, lambda *_: None) as instant:
        async with asyncio.timeout(_SECONDS):
            assert await deposit(store, ALICE, b"Subject: meanwhile\r\n\r\nhello\r\n") == 4
        keys = [key async for page in instant.blob_keys() for key in page]
    assert len(keys) == 6
    async with engine.scratch(copy, instant.origin) as restored:
        assert [key async for page in restored.blob_keys() for key in page] == keys


async def test_a_blob_that_goes_before_it_is_copied_makes_another_round(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belonged to a message that was expunged after the first look at the database."""
    rounds = 0
    copied = PostgresEngine.copied

    def expunging(self: PostgresEngine, copy: Path, report: object) -> object:
        nonlocal rounds
        rounds += 1
        return copied(self, copy, report)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(PostgresEngine, "copied", expunging)
    (gone, *_) = site.blob_files
    gone.rename(tmp_path / gone.name)
    with pytest.raises(Exception, match="messages are deleted faster than they are copied"):
        await site.backup(tmp_path / "backup").create(with_blobs=True)
    assert rounds == 5
    await site.rows(f"DELETE FROM message USING content WHERE content_id = id AND blob = '{gone.name}'")
    await site.rows(f"DELETE FROM content WHERE blob = '{gone.name}'")
    made = await site.backup(tmp_path / "whole").create(with_blobs=True)
    assert (made.blobs, rounds) == (5, 6)


@pytest.mark.parametrize("harm", ["dump", "blob", "missing blob", "mailbox", "manifest"])
async def test_verify_names_what_is_not_as_it_was(site: Site, tmp_path: Path, harm: str) -> None:
    directory = tmp_path / "backup"
    await site.backup(directory).create(with_blobs=True)
    blob = next(path for path in sorted((directory / "blobs").rglob("*")) if path.is_file())
    named = blob.name
    match harm:
        case "dump":
            named = "vvm.dump is damaged"
            dump = bytearray((directory / "vvm.dump").read_bytes())
            dump[len(dump) // 2] ^= 1
            (directory / "vvm.dump").write_bytes(dump)
        case "blob":
            blob.write_bytes(blob.read_bytes()[:-1] + b"!")
        case "missing blob":
            blob.unlink()
        case "mailbox":
            named = f"the mailbox of {ALICE.replace('+', '.')} is not what it was"
            lines = (directory / "mailboxes.jsonl").read_text()
            (directory / "mailboxes.jsonl").write_text(lines.replace('"messages":3', '"messages":2', 1))
        case _:
            named = "holds no whole backup"
            (directory / "manifest.json").unlink()
    with pytest.raises(BadBackup, match=named):
        await site.backup(directory).verify()
    assert await site.rows(f"SELECT 1 FROM pg_database WHERE datname = '{NAME}'") == []


async def test_a_dump_that_was_replaced_by_half_of_it_restores_nothing(
    site: Site, empty: str, tmp_path: Path
) -> None:
    directory = tmp_path / "backup"
    await site.backup(directory).create(with_blobs=True)
    engine = PostgresEngine(empty, PostgresSettings())
    whole = (directory / "vvm.dump").read_bytes()
    manifest = await site.backup(directory).verify()
    half = tmp_path / "half.dump"
    half.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(BadBackup, match=r"half\.dump cannot be restored: pg_restore"):
        await engine.restore(half, manifest.origin, manifest.made_at, lambda *_: None)
    await engine.require_vacant()


async def test_nothing_is_overwritten(site: Site, tmp_path: Path) -> None:
    await site.backup(tmp_path / "backup").create(with_blobs=True)
    with pytest.raises(BadBackup, match="is not empty"):
        await site.backup(tmp_path / "backup").create(with_blobs=True)
    with pytest.raises(BadBackup, match="a store is in that database already"):
        await site.backup(tmp_path / "backup").restore()


async def test_a_backup_of_one_engine_is_none_of_another(site: Site, tmp_path: Path) -> None:
    await site.backup(tmp_path / "backup").create(with_blobs=True)
    file = Site(tmp_path / "file", f"sqlite:///{tmp_path}/vvm.db")
    with pytest.raises(BadBackup, match=r"is of postgres, and store\.url is sqlite"):
        await file.backup(tmp_path / "backup").restore()


async def test_an_empty_database_is_no_store(empty: str, tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="there is no store in that database"):
        await Site(tmp_path / "site", empty).backup(tmp_path / "backup").create(with_blobs=True)


async def test_blobs_in_an_object_store_come_along_and_go_back(empty: str, tmp_path: Path) -> None:
    async with s3_server() as endpoint, postgres.database() as url:

        def bucket(prefix: str) -> BlobSettings:
            place = f"s3://{BUCKET}/{prefix}"
            return BlobSettings(url=place, endpoint=endpoint, access_key="id", secret_key="secret")

        site, other = Site(tmp_path / "a", url, bucket("a")), Site(tmp_path / "b", empty, bucket("b"))
        async with site.opened() as store:
            await fill(store)
            before = await heard(store, ALICE)
        made = await site.backup(tmp_path / "backup").create(with_blobs=True)
        await other.backup(tmp_path / "backup").restore()
        async with other.opened() as store:
            assert await heard(store, ALICE) == before
        assert made.blobs == 6


async def test_octets_in_the_database_need_no_blobs(empty: str, tmp_path: Path) -> None:
    async with postgres.database() as url:
        site, other = (
            Site(tmp_path / name, place, BlobSettings()) for name, place in (("a", url), ("b", empty))
        )
        async with site.opened() as store:
            await fill(store)
            before = await heard(store, ALICE)
        made = await site.backup(tmp_path / "backup").create(with_blobs=True)
        await other.backup(tmp_path / "backup").restore()
        async with other.opened() as store:
            assert await heard(store, ALICE) == before
    assert made.blobs == 0


async def test_blobs_that_were_left_out_need_a_place_that_has_them(
    site: Site, empty: str, tmp_path: Path
) -> None:
    made = await site.backup(tmp_path / "backup").create(with_blobs=False)
    assert made.blobs is None
    assert not (tmp_path / "backup" / "blobs").exists()
    await site.backup(tmp_path / "backup").verify()
    with pytest.raises(BadBackup, match=r"blobs\.url must say where to"):
        await Site(tmp_path / "other", empty, BlobSettings()).backup(tmp_path / "backup").restore()


def runs(pid: int) -> bool:
    """It is there, and more than an entry that nobody has looked at yet."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def fake_programs(folder: Path, version: str, dump: str = "exit 1") -> str:
    """Programs that say to be of a version; what pg_dump does besides."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        script = folder / name
        says = f'[ "$1" = --version ] && echo "{name} (PostgreSQL) {version}" && exit'
        script.write_text(f"#!/bin/sh\n{says}\n{dump}\n")
        script.chmod(0o755)
    return str(folder)


async def test_programs_that_are_missing_or_too_old_are_named_with_their_package(
    site: Site, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    for programs, there in ((str(nothing), "none"), (fake_programs(tmp_path / "old", "9.6.1"), "9 in ")):
        other = Site(tmp_path / "site", site.url, programs=programs)
        with pytest.raises(BadBackup, match=rf"there is {there}.*: apt-get install postgresql-client-15,"):
            await other.backup(tmp_path / "backup").create(with_blobs=True)


async def test_killed_in_the_middle_it_leaves_no_backup_and_nobody_who_goes_on(
    site: Site, tmp_path: Path
) -> None:
    began, there = tmp_path / "began", find_programs(PostgresSettings(), major=15)
    # A program that has written half of it when the kill comes.
    dump = f'"{there.path("pg_dump")}" "$@"'
    half = f'{dump}; echo $$ > "{began}.draft"; mv "{began}.draft" "{began}"; exec sleep 600'
    killed = Site(tmp_path / "site", site.url, programs=fake_programs(tmp_path / "programs", "15.0", half))
    process = await vvm_backup(killed.write(), "create", tmp_path / "backup")
    async with asyncio.timeout(_SECONDS):
        while not began.exists():
            assert process.returncode is None
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        dumping = int(began.read_text())
        while runs(dumping) or await site.rows(_OTHERS):  # noqa: ASYNC110 - a kill tells nobody
            await asyncio.sleep(0.01)
    with pytest.raises(BadBackup, match="holds no whole backup"):
        await site.backup(tmp_path / "backup").verify()
    made = await site.backup(tmp_path / "next").create(with_blobs=True)
    assert await site.backup(tmp_path / "next").verify() == made


async def vvm_backup(
    config: Path, command: str, directory: Path, *, within: tuple[str, ...] = (), cwd: Path | None = None
) -> asyncio.subprocess.Process:
    """``within``: words before the command line, of a program that becomes it."""
    return await asyncio.create_subprocess_exec(
        *(*within, sys.executable, "-m", "vvm", "backup", command, str(directory)),
        *("--config", str(config), "--json"),
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": python_path()},
        stdout=PIPE,
        stderr=PIPE,
    )


async def test_verify_has_a_server_of_its_own_where_it_may(site: Site, tmp_path: Path) -> None:
    """As another user than root, and without the store's server: its URL leads nowhere."""
    made = await site.backup(tmp_path / "backup").create(with_blobs=True)
    lonely = Site(tmp_path / "lonely", "postgresql://vvm@/vvm?host=/nowhere", BlobSettings())
    config = lonely.write()
    for path in (tmp_path, *tmp_path.rglob("*")):
        shutil.chown(path, "postgres", "postgres")
    for parent in tmp_path.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    become = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
    process = await vvm_backup(config, "verify", tmp_path / "backup", within=become)
    out, err = await process.communicate()
    assert process.returncode == 0, err
    assert b'"messages":%d' % made.messages in out.replace(b" ", b"")


async def test_a_role_that_may_not_make_databases_is_told_what_to_do(site: Site, tmp_path: Path) -> None:
    directory = tmp_path / "backup"
    await site.backup(directory).create(with_blobs=True)
    await postgres.administer("CREATE ROLE modest LOGIN")
    try:
        modest = Site(tmp_path / "site", site.url.replace("//vvm@", "//modest@"))
        with pytest.raises(BadBackup, match="ALTER ROLE vvm CREATEDB"):
            await modest.backup(directory).verify()
    finally:
        await postgres.administer("DROP ROLE modest")


async def test_two_do_not_verify_at_once_and_what_a_kill_left_is_removed(site: Site, tmp_path: Path) -> None:
    directory = tmp_path / "backup"
    made = await site.backup(directory).create(with_blobs=True)
    await postgres.administer(f"CREATE DATABASE {NAME}")
    other = await asyncpg.connect(postgres.server().url(NAME))
    with pytest.raises(BadBackup, match="somebody else verifies a backup"):
        await site.backup(directory).verify()
    await other.close()
    assert await site.backup(directory).verify() == made


async def test_after_a_recovery_folders_begin_anew(site: Site) -> None:
    before = await site.rows(_VALIDITIES)
    await begin_anew(site.config)
    after = await site.rows(_VALIDITIES)
    assert all(new > old for (new,), (old,) in zip(after, before, strict=True))
