# SPDX-License-Identifier: Apache-2.0
"""A database that is brought back to a point in time by its own means: docs/backup.md, step by step."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.peers.postgres.backed import Site, deposit, fill, heard, number
from tests.postgres import Server
from vvm.domain.clock import FixedClock, SystemClock
from vvm.domain.message import INBOX, Flags
from vvm.runtime.backup import begin_anew
from vvm.services.sweeping import Sweeper
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.settings import BlobSettings
from vvm.store.port import Store

pytestmark = pytest.mark.peers

_SECONDS = 60.0
_KEEP = timedelta(days=7)
ALICE = number(0)
BEFORE, AFTER = b"Subject: before\r\n\r\nkept\r\n", b"Subject: after\r\n\r\nlost\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    """One that archives its WAL."""
    made = Server()
    archive = made.directory / "archive"
    archive.mkdir()
    shutil.chown(archive, made.directory.owner(), made.directory.group())
    made.start(archive_mode="on", archive_command=f"cp %p {archive}/%f", wal_level="replica")
    yield made
    made.remove()


async def expunge(store: Store, uid: int) -> None:
    alice = await store.subscribers.by_msisdn(ALICE)
    assert alice is not None
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [uid], add=Flags.DELETED, remove=Flags(0))
    await store.mailboxes.expunge(alice.mailbox, INBOX, [uid])


async def sweep(site: Site, store: Store, *, later: timedelta) -> int:
    """As the worker does, that much later; how many blobs went."""
    blobs = blob_store(site.config.blobs)
    assert blobs is not None
    try:
        clock = FixedClock(SystemClock().now() + later)
        return await Sweeper(blobs, store.blobs, clock=clock, age=_KEEP, keep=_KEEP)()
    finally:
        await blobs.close()


async def now(site: Site) -> datetime:
    ((moment,),) = await site.rows("SELECT clock_timestamp()")
    return moment  # type: ignore[no-any-return]  # a column


async def archived(site: Site) -> None:
    """Everything so far is in the archive."""
    ((segment,),) = await site.rows("SELECT pg_walfile_name(pg_switch_wal())")
    async with asyncio.timeout(_SECONDS):
        while (await site.rows("SELECT last_archived_wal FROM pg_stat_archiver"))[0][0] != segment:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


def recover(server: Server, base: Path, to: datetime) -> None:
    """The cluster is gone; what is left are the base backup and the archive."""
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.data)
    base.rename(server.data)
    (server.data / "recovery.signal").touch()
    server.start(
        restore_command=f"cp {server.directory}/archive/%f %p",
        recovery_target_time=to.isoformat(sep=" "),
        recovery_target_action="promote",
    )


async def promoted(site: Site) -> None:
    async with asyncio.timeout(_SECONDS):
        while (await site.rows("SELECT pg_is_in_recovery()"))[0][0]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


async def test_what_came_before_is_there_with_its_octets_and_nothing_that_came_after(
    server: Server, tmp_path: Path
) -> None:
    admin: Any = await asyncpg.connect(server.url("postgres"))
    await admin.execute("CREATE DATABASE vvm")
    await admin.close()
    settings = BlobSettings(url=f"file://{tmp_path}/site/blobs", keep_days=_KEEP.days)
    site = Site(tmp_path / "site", server.url("vvm"), settings)
    base = server.directory / "base"
    async with site.opened() as store:
        await fill(store, subscribers=1, messages=2)
        server.run("pg_basebackup", "-h", str(server.directory), "-U", "vvm", "-D", str(base), "-c", "fast")
        assert await deposit(store, ALICE, BEFORE) == 3
        before, validities = await heard(store, ALICE), await site.rows("SELECT uid_validity FROM folder")
        moment = await now(site)
        assert await deposit(store, ALICE, AFTER) == 4
        await expunge(store, 1)
        assert await sweep(site, store, later=timedelta(0)) == 0
        await archived(site)

    recover(server, base, moment)
    await promoted(site)
    await begin_anew(site.config)

    async with site.opened() as store:
        assert await heard(store, ALICE) == before
        assert sorted(before) == [1, 2, 3]
        assert min(await site.rows("SELECT uid_validity FROM folder")) > max(validities)
        assert await deposit(store, ALICE, AFTER) == 4
        assert len(await heard(store, ALICE)) == 4
        await expunge(store, 1)
        assert await sweep(site, store, later=2 * _KEEP) == 1
