# SPDX-License-Identifier: Apache-2.0
"""Backups that are taken while the server runs, and proved before they are needed (docs/backup.md).

The database first, then the blobs that this copy names.  A blob that is gone by then belonged to a
message that was deleted meanwhile: the database is copied once more, and what is there already of
the blobs need not be.  The other order would miss the blobs of what is deposited meanwhile.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from vvm.config.sections import Config
from vvm.domain.clock import SystemClock
from vvm.domain.errors import Outage, Refusal
from vvm.runtime.digests import MailboxDigest, digests
from vvm.runtime.keys import master_key
from vvm.services.credentials import Keyring
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.port import BlobStore
from vvm.store.blobs.shelf import BlobShelf
from vvm.store.port import Store
from vvm.store.sqlite import open_sqlite
from vvm.store.sqlite.snapshot import begin_anew, blob_keys, copy_file, schema_of

Progress = Callable[[str, int, int], None]
"""Hears of a step, how much of it is done, and of how much."""

_ROUNDS = 5
_THREADS = 4
_AT_A_TIME = 16


class BadBackup(Refusal):
    """The directory is not a backup that fits here; the text says why."""

    code = "bad_backup"


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself; written last, so that one without it is not whole."""

    made_at: datetime
    engine: str
    schema: int
    master_key: str
    """Fingerprint of the key that the backup needs and does not hold."""
    blobs: int | None
    """How many lie in it; None: they were left out."""
    subscribers: int
    messages: int
    octets: int


def _file_of(config: Config) -> Path:
    """Raises BadBackup where the store is a database server, which has its own means."""
    if config.store.path is None:
        raise BadBackup("PostgreSQL is backed up by its own means: docs/store.md")
    return config.store.path


class Backup:
    """One directory.  Raises BadBackup when the store is no file."""

    def __init__(self, directory: Path, config: Config, progress: Progress) -> None:
        self._directory = directory
        self._config = config
        self._progress = progress
        self._file = _file_of(config)
        self._keyring = Keyring(master_key(config.master_key_path, store_exists=True))

    async def create(self, *, with_blobs: bool) -> Manifest:
        """Raises BadBackup when the directory holds anything, BadKeyFile, Outage."""
        if self._directory.exists() and any(self._directory.iterdir()):
            raise BadBackup(f"{self._directory} is not empty")
        if not self._file.exists():
            raise BadBackup(f"there is no store at {self._file}")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        source = blob_store(self._config.blobs)
        copies = DiskBlobs(self._directory / "blobs", threads=_THREADS)
        try:
            count = await self._copy_all(source if with_blobs else None, copies)
            found = await self._digests(self._database, octets=with_blobs)
        finally:
            await copies.close()
            if source is not None:
                await source.close()
        self._mailboxes.write_bytes(b"\n".join(map(msgspec.json.encode, found)))
        manifest = Manifest(
            made_at=SystemClock().now(),
            engine="sqlite",
            schema=schema_of(self._database),
            master_key=self._keyring.fingerprint,
            blobs=count if with_blobs else None,
            subscribers=len(found),
            messages=sum(each.messages for each in found),
            octets=sum(each.octets for each in found),
        )
        self._manifest.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest

    async def verify(self) -> Manifest:
        """Restore into a scratch place, open it with the server's own code, compare every mailbox.

        Raises BadBackup, which names the first mailbox that differs.
        """
        manifest = self._read()
        with TemporaryDirectory(prefix="vvm-verify-") as scratch:
            copy = Path(scratch, "vvm.db")
            await asyncio.to_thread(shutil.copyfile, self._database, copy)
            try:
                found = await self._digests(copy, octets=manifest.blobs is not None)
            except Outage as error:
                raise BadBackup(f"{self._directory} cannot be read: {error}") from error
        lines = self._mailboxes.read_bytes().splitlines()
        expected = [msgspec.json.decode(line, type=MailboxDigest) for line in lines]
        for one, other in zip(expected, found, strict=False):
            if one != other:
                raise BadBackup(f"the mailbox of {one.msisdn} is not what it was when the backup was made")
        if len(expected) != len(found) or len(found) != manifest.subscribers:
            raise BadBackup(f"{len(found)} mailboxes, and {manifest.subscribers} when the backup was made")
        return manifest

    async def restore(self) -> Manifest:
        """Put everything where the configuration wants it.  Nothing may be there yet.

        Raises BadBackup, Outage.
        """
        manifest = self._read()
        target = self._file
        if target.exists():
            raise BadBackup(f"{target} exists: move it away first")
        blobs = blob_store(self._config.blobs)
        if blobs is None and blob_keys(self._database):
            raise BadBackup("messages of this backup lie in blobs: blobs.url must say where to")
        if blobs is not None:
            copies = DiskBlobs(self._directory / "blobs", threads=_THREADS)
            try:
                if manifest.blobs is not None:
                    await self._copy_blobs(copies, blobs)
            finally:
                await copies.close()
                await blobs.close()
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.restoring")
        draft.unlink(missing_ok=True)
        await asyncio.to_thread(copy_file, self._database, draft, partial(self._progress, "database"))
        await asyncio.to_thread(begin_anew, draft, SystemClock().now())
        draft.rename(target)
        return manifest

    @property
    def _database(self) -> Path:
        return self._directory / "vvm.db"

    @property
    def _mailboxes(self) -> Path:
        return self._directory / "mailboxes.jsonl"

    @property
    def _manifest(self) -> Path:
        return self._directory / "manifest.json"

    def _read(self) -> Manifest:
        try:
            manifest = msgspec.json.decode(self._manifest.read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError) as error:
            raise BadBackup(f"{self._directory} holds no whole backup: {error}") from None
        if manifest.master_key != self._keyring.fingerprint:
            raise BadBackup(
                f"the backup needs the master key {manifest.master_key}, and {self._config.master_key_path} "
                f"is {self._keyring.fingerprint}"
            )
        return manifest

    async def _copy_all(self, source: BlobStore | None, copies: DiskBlobs) -> int:
        for _ in range(_ROUNDS):
            self._database.unlink(missing_ok=True)
            await asyncio.to_thread(
                copy_file, self._file, self._database, partial(self._progress, "database")
            )
            if source is None or await self._copy_blobs(source, copies):
                return len(await asyncio.to_thread(blob_keys, self._database))
        raise Outage("messages are deleted faster than they are copied: try again at a quieter hour")

    async def _copy_blobs(self, source: BlobStore, target: BlobStore) -> bool:
        """Copy the blobs that the database here names.  False when one of them is gone."""
        keys = await asyncio.to_thread(blob_keys, self._database)
        whole = True

        async def copy(key: str) -> None:
            nonlocal whole
            if await target.get(key) is not None:
                return
            octets = await source.get(key)
            if octets is None:
                whole = False
            else:
                await target.put(key, octets)

        for first in range(0, len(keys), _AT_A_TIME):
            await asyncio.gather(*map(copy, keys[first : first + _AT_A_TIME]))
            self._progress("blobs", first, len(keys))
        return whole

    async def _digests(self, database: Path, *, octets: bool) -> list[MailboxDigest]:
        found = []
        async with self._opened(database) as store:
            async for each in digests(store, octets=octets):
                found.append(each)
                self._progress("mailboxes", len(found), 0)
        return found

    @asynccontextmanager
    async def _opened(self, database: Path) -> AsyncIterator[Store]:
        blobs = DiskBlobs(self._directory / "blobs", threads=_THREADS)
        shelf = partial(BlobShelf, blobs=blobs, wrap=self._keyring, encrypt=False)
        try:
            async with open_sqlite(database, shelf=shelf) as store:
                yield store
        finally:
            await blobs.close()
