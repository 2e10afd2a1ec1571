# SPDX-License-Identifier: Apache-2.0
"""Backups that are taken while the server runs, and proved before they are needed (docs/backup.md).

The database first, then the blobs that this copy names.  A blob that is gone by then belonged to a
message that was deleted meanwhile: the database is copied once more, and what is there already of
the blobs need not be.  The other order would miss the blobs of what is deposited meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from vvm.config.sections import Config
from vvm.domain.clock import SystemClock
from vvm.domain.errors import Outage
from vvm.runtime.digests import MailboxDigest, digests
from vvm.runtime.keys import master_key
from vvm.runtime.stores import backup_engine
from vvm.services.credentials import Keyring
from vvm.store.backup import BadBackup, Engine, Instant, Origin
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.port import BlobDamaged, BlobStore
from vvm.store.blobs.shelf import BlobShelf

Progress = Callable[[str, int, int], None]
"""Hears of a step, how much of it is done, and of how much; 0: nobody knows."""

_ROUNDS = 5
_THREADS = 4
_AT_A_TIME = 16


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself; written last, so that one without it is not whole."""

    made_at: datetime
    engine: str
    origin: Origin
    master_key: str
    """Fingerprint of the key that the backup needs and does not hold."""
    sha256: str
    """Of the copy of the database."""
    blobs: int | None
    """How many lie in it; None: they were left out."""
    subscribers: int
    messages: int
    octets: int


class Backup:
    """One directory."""

    def __init__(self, directory: Path, config: Config, progress: Progress) -> None:
        """Raises BadKeyFile."""
        self._directory = directory
        self._config = config
        self._progress = progress
        self._engine: Engine = backup_engine(config.store)
        self._keyring = Keyring(master_key(config.master_key_path, store_exists=True))

    async def create(self, *, with_blobs: bool) -> Manifest:
        """Raises BadBackup when the directory holds anything, Outage."""
        if self._directory.exists() and any(self._directory.iterdir()):
            raise BadBackup(f"{self._directory} is not empty")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        source = blob_store(self._config.blobs)
        try:
            for _ in range(_ROUNDS):
                made = await self._create(source if with_blobs else None, with_blobs=with_blobs)
                if made is not None:
                    return made
        finally:
            if source is not None:
                await source.close()
        raise Outage("messages are deleted faster than they are copied: try again at a quieter hour")

    async def _create(self, source: BlobStore | None, *, with_blobs: bool) -> Manifest | None:
        """None when a blob went before it was copied."""
        made_at = SystemClock().now()
        async with self._engine.copied(self._database, partial(self._progress, "database")) as instant:
            count = await self._note_blobs(instant)
            if source is not None:
                async with self._copies() as copies:
                    if not await self._copy_blobs(source, copies, count):
                        return None
            found = await self._digests(instant, octets=with_blobs)
        _write(self._mailboxes, b"\n".join(map(msgspec.json.encode, found)))
        manifest = Manifest(
            made_at=made_at,
            engine=self._engine.name,
            origin=instant.origin,
            master_key=self._keyring.fingerprint,
            sha256=await asyncio.to_thread(_sha256, self._database),
            blobs=count if with_blobs else None,
            subscribers=len(found),
            messages=sum(each.messages for each in found),
            octets=sum(each.octets for each in found),
        )
        _write(self._manifest, msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest

    async def verify(self) -> Manifest:
        """Restore into a scratch place, open it with the server's own code, compare every mailbox.

        Raises BadBackup, which names the file, the blob, or the first mailbox that is not as it was; Outage.
        """
        manifest = await self._read()
        if manifest.blobs is not None:
            async with self._copies() as copies:
                await self._check_blobs(copies, manifest.blobs)
        try:
            async with self._engine.scratch(self._database, manifest.origin) as instant:
                found = await self._digests(instant, octets=manifest.blobs is not None)
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
        manifest = await self._read()
        await self._engine.require_vacant()
        blobs = blob_store(self._config.blobs)
        count = sum(1 for _ in self._keys())
        if blobs is None and count:
            raise BadBackup("messages of this backup lie in blobs: blobs.url must say where to")
        if blobs is not None:
            try:
                if manifest.blobs is not None:
                    async with self._copies() as copies:
                        if not await self._copy_blobs(copies, blobs, count):
                            raise BadBackup("a blob is missing: vvm backup verify says which")
            finally:
                await blobs.close()
        await self._engine.restore(
            self._database, manifest.origin, SystemClock().now(), partial(self._progress, "database")
        )
        return manifest

    @property
    def _database(self) -> Path:
        return self._directory / self._engine.file

    @property
    def _mailboxes(self) -> Path:
        return self._directory / "mailboxes.jsonl"

    @property
    def _blobs(self) -> Path:
        return self._directory / "blobs.txt"

    @property
    def _manifest(self) -> Path:
        return self._directory / "manifest.json"

    async def _read(self) -> Manifest:
        """Raises BadBackup when it is not whole, or does not fit here."""
        try:
            manifest = msgspec.json.decode(self._manifest.read_bytes(), type=Manifest)
        except OSError as error:
            why = f"manifest.json: {error.strerror}"
            raise BadBackup(f"{self._directory} holds no whole backup: {why}") from None
        except msgspec.DecodeError as error:
            raise BadBackup(f"{self._directory} holds no whole backup: {error}") from None
        if manifest.engine != self._engine.name:
            raise BadBackup(f"the backup is of {manifest.engine}, and store.url is {self._engine.name}")
        if manifest.master_key != self._keyring.fingerprint:
            raise BadBackup(
                f"the backup needs the master key {manifest.master_key}, and {self._config.master_key_path} "
                f"is {self._keyring.fingerprint}"
            )
        for part in (self._database, self._mailboxes, self._blobs):
            if not part.exists():
                raise BadBackup(f"{part} is missing")
        if await asyncio.to_thread(_sha256, self._database) != manifest.sha256:
            raise BadBackup(f"{self._database} is damaged: it is not what was written")
        return manifest

    async def _note_blobs(self, instant: Instant) -> int:
        """Write the keys of the blobs that the copy names, a line each; how many they are."""
        count = 0
        with self._blobs.open("w", encoding="ascii") as file:
            async for keys in instant.blob_keys():
                file.writelines(f"{key}\n" for key in keys)
                count += len(keys)
            file.flush()
            os.fsync(file.fileno())
        return count

    def _keys(self) -> Iterator[str]:
        with self._blobs.open(encoding="ascii") as file:
            for line in file:
                yield line.rstrip("\n")

    async def _copy_blobs(self, source: BlobStore, target: BlobStore, count: int) -> bool:
        """Copy the blobs that the database here names.  False when one of them is gone."""
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

        await self._each_blob(copy, count)
        return whole

    async def _check_blobs(self, copies: BlobStore, count: int) -> None:
        """Raises BadBackup, which names the first one that is missing or damaged."""

        async def check(key: str) -> None:
            try:
                if await copies.get(key) is None:
                    raise BadBackup(f"the blob {key} is missing")
            except BlobDamaged:
                raise BadBackup(f"the blob {key} is damaged: it is not what was written") from None

        await self._each_blob(check, count)

    async def _each_blob(self, work: Callable[[str], Awaitable[None]], count: int) -> None:
        done, keys = 0, self._keys()
        while some := list(islice(keys, _AT_A_TIME)):
            await asyncio.gather(*map(work, some))
            done += len(some)
            self._progress("blobs", done, count)

    async def _digests(self, instant: Instant, *, octets: bool) -> list[MailboxDigest]:
        found = []
        async with self._copies() as copies:
            shelf = partial(BlobShelf, blobs=copies, wrap=self._keyring, encrypt=False)
            async with instant.opened(shelf) as store:
                async for each in digests(store, octets=octets):
                    found.append(each)
                    self._progress("mailboxes", len(found), 0)
        return found

    @asynccontextmanager
    async def _copies(self) -> AsyncIterator[DiskBlobs]:
        """The blobs that lie in the backup."""
        copies = DiskBlobs(self._directory / "blobs", threads=_THREADS)
        try:
            yield copies
        finally:
            await copies.close()


async def begin_anew(config: Config) -> None:
    """After the database was brought back to an earlier time by its own means.  Raises BadBackup, Outage."""
    await backup_engine(config.store).begin_anew(SystemClock().now())


def _write(path: Path, octets: bytes) -> None:
    """Durable, with its name."""
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
