# SPDX-License-Identifier: Apache-2.0
"""Copies of remote blobs on a local disk.

The folder itself is the index, so that several processes may share it and anybody may empty it:
time of modification is time of last use, and what is not whole is read from its source again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

from vvm.store.blobs.key import is_intact
from vvm.store.blobs.port import BlobStore
from vvm.store.metrics import BlobMetrics, NoBlobMetrics

log = structlog.get_logger(__name__)

_SLACK = 16
"""A process looks at the folder's size after it has added this part of what is allowed."""


class CachedBlobs:
    """A BlobStore before another.  Its own failures cost speed and nothing else."""

    def __init__(
        self, source: BlobStore, directory: Path, *, max_bytes: int, metrics: BlobMetrics | None = None
    ) -> None:
        self._source = source
        self._directory = directory
        self._max_bytes = max_bytes
        self._metrics = metrics or NoBlobMetrics()
        self._added = max_bytes  # so that the first copy has the folder looked at

    async def put(self, key: str, octets: bytes) -> None:
        await self._source.put(key, octets)
        await self._keep(key, octets)

    async def get(self, key: str) -> bytes | None:
        octets = await asyncio.to_thread(self._look, key)
        self._metrics.looked_up(hit=octets is not None)
        if octets is not None:
            return octets
        octets = await self._source.get(key)
        if octets is not None:
            await self._keep(key, octets)
        return octets

    async def delete(self, keys: Sequence[str]) -> None:
        await self._source.delete(keys)
        try:
            await asyncio.to_thread(self._forget, keys)
        except OSError as error:
            log.warning("blob_cache_failed", error=error.strerror)

    def older(self, than: datetime) -> AsyncIterator[Sequence[str]]:
        return self._source.older(than)

    async def close(self) -> None:
        await self._source.close()

    def _look(self, key: str) -> bytes | None:
        path = self._directory / key
        try:
            octets = path.read_bytes()
            if is_intact(key, octets):
                os.utime(path)
                return octets
            path.unlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("blob_cache_failed", error=error.strerror)
            return None
        log.warning("blob_cache_damaged", blob=key)
        return None

    async def _keep(self, key: str, octets: bytes) -> None:
        try:
            await asyncio.to_thread(self._write, key, octets)
        except OSError as error:
            log.warning("blob_cache_failed", error=error.strerror)

    def _write(self, key: str, octets: bytes) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._directory, prefix=".", delete=False) as draft:
            draft.write(octets)
        Path(draft.name).rename(self._directory / key)
        self._added += len(octets)
        if self._added > self._max_bytes // _SLACK:
            self._added = 0
            self._evict()

    def _evict(self) -> None:
        """Remove the least recently used until the rest is small enough; drafts of a crash too."""
        kept = 0
        for _, size, path in sorted(self._copies(), reverse=True):
            kept += size
            if kept > self._max_bytes:
                path.unlink(missing_ok=True)

    def _copies(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._directory.iterdir():
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            found.append((stat.st_mtime, stat.st_size, path))
        return found

    def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            (self._directory / key).unlink(missing_ok=True)
