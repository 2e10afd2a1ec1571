# SPDX-License-Identifier: Apache-2.0
"""The places for blobs by name: the only part of their suite that knows them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Protocol

from obstore.store import LocalStore

from vvm.store.blobs.cache import CachedBlobs
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.memory import MemoryBlobs
from vvm.store.blobs.objects import ObjectBlobs
from vvm.store.blobs.port import BlobStore


class MakeBlobs(Protocol):
    def __call__(self, directory: Path) -> BlobStore: ...


def _memory(directory: Path) -> BlobStore:
    return MemoryBlobs()


def _disk(directory: Path) -> BlobStore:
    return DiskBlobs(directory / "blobs", threads=2)


def _objects(directory: Path) -> BlobStore:
    store = LocalStore(directory / "objects", mkdir=True)
    return ObjectBlobs(store, timeout=timedelta(seconds=30), connections=2)


def _cached(directory: Path) -> BlobStore:
    return CachedBlobs(_objects(directory), directory / "cache", max_bytes=1 << 20)


PLACES: dict[str, MakeBlobs] = {"cached": _cached, "disk": _disk, "memory": _memory, "objects": _objects}
