# SPDX-License-Identifier: Apache-2.0
"""Blobs as files of a local file system, each whole and fsynced before it gets its name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from vvm.domain.errors import Outage
from vvm.store.blobs.key import is_intact, is_key
from vvm.store.blobs.port import BlobDamaged

T = TypeVar("T")

_DRAFT = ".draft"
_SHELVES = 3
"""Hexadecimal digits that name a folder: 4096 of them, so that ten million blobs are 2,500 a folder."""
_PAGE = 500


class DiskBlobs:
    """``threads`` files are written or read at a time; an fsync is what takes the time."""

    def __init__(self, directory: Path, *, threads: int) -> None:
        self._directory = directory
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="blobs")

    async def put(self, key: str, octets: bytes) -> None:
        await self._run(lambda: self._put(key, octets))

    async def get(self, key: str) -> bytes | None:
        return await self._run(lambda: self._get(key))

    async def delete(self, keys: Sequence[str]) -> None:
        await self._run(lambda: self._delete(keys))

    async def older(self, than: datetime) -> AsyncIterator[Sequence[str]]:
        found = self._older(than.timestamp())
        while page := await self._run(lambda: list(islice(found, _PAGE))):
            yield page

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.to_thread(self._pool.shutdown)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except OSError as error:
            raise Outage(f"the blobs in {self._directory} do not answer: {error.strerror}") from error

    def _path(self, key: str) -> Path:
        return self._directory / key[:_SHELVES] / key

    def _put(self, key: str, octets: bytes) -> None:
        path = self._path(key)
        draft = path.with_name(key + _DRAFT)
        with self._open(draft) as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _fsync_folder(path.parent)

    def _open(self, draft: Path) -> BinaryIO:
        try:
            return open(draft, "wb", opener=_private)
        except FileNotFoundError:
            self._make(draft.parent)
            return open(draft, "wb", opener=_private)

    def _make(self, folder: Path) -> None:
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        for place in reversed(missing):
            place.mkdir(mode=0o700, exist_ok=True)
            _fsync_folder(place.parent)

    def _get(self, key: str) -> bytes | None:
        try:
            octets = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        if not is_intact(key, octets):
            raise BlobDamaged(f"blob {key}")
        return octets

    def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            path = self._path(key)
            path.unlink(missing_ok=True)
            path.with_name(key + _DRAFT).unlink(missing_ok=True)

    def _older(self, than: float) -> Iterator[str]:
        for folder in _entries(self._directory):
            if folder.is_dir():
                for entry in _entries(Path(folder.path)):
                    key = entry.name.removesuffix(_DRAFT)
                    if is_key(key) and _modified(entry) < than:
                        yield key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return


def _modified(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:  # it got its name, or was deleted, since we looked
        return float("inf")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
