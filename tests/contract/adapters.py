# SPDX-License-Identifier: Apache-2.0
"""The adapters by name: the only place of the suite that knows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.port import BlobStore
from vvm.store.blobs.shelf import BlobShelf, MakeShelf
from vvm.store.hints.local import LocalHints
from vvm.store.memory import MemoryStore
from vvm.store.port import Hints, Store
from vvm.store.sqlite import open_sqlite


class OpenStore(Protocol):
    """Opens the store under ``directory``; a new one where there is none."""

    def __call__(self, directory: Path) -> AbstractAsyncContextManager[Store]: ...


class OpenBlobStore(Protocol):
    """The same, with the octets in a place of their own."""

    def __call__(self, directory: Path, blobs: BlobStore) -> AbstractAsyncContextManager[Store]: ...


@asynccontextmanager
async def _memory(directory: Path) -> AsyncIterator[Store]:
    store = MemoryStore()
    yield store
    await store.close()


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[Store]:
    async with open_sqlite(directory / "vvm.db") as store:
        yield store


@asynccontextmanager
async def _memory_blobs(directory: Path, blobs: BlobStore) -> AsyncIterator[Store]:
    store = MemoryStore(_shelf(blobs))
    yield store
    await store.close()


@asynccontextmanager
async def _sqlite_blobs(directory: Path, blobs: BlobStore) -> AsyncIterator[Store]:
    async with open_sqlite(directory / "vvm.db", shelf=_shelf(blobs)) as store:
        yield store


@asynccontextmanager
async def _sqlite_disk(directory: Path) -> AsyncIterator[Store]:
    disk = DiskBlobs(directory / "blobs", threads=2)
    async with _sqlite_blobs(directory, disk) as store:
        yield store
    await disk.close()


def _shelf(blobs: BlobStore) -> MakeShelf:
    return partial(BlobShelf, blobs=blobs, wrap=_KEYRING, encrypt=True)


_KEYRING = Keyring(bytes(MASTER_KEY_BYTES))

STORES: dict[str, OpenStore] = {"memory": _memory, "sqlite": _sqlite}

DURABLE_STORES: dict[str, OpenStore] = {"sqlite": _sqlite, "sqlite with blobs on disk": _sqlite_disk}
"""Those that find again what was there under a directory."""

BLOB_STORES: dict[str, OpenBlobStore] = {"memory": _memory_blobs, "sqlite": _sqlite_blobs}
"""With encrypted blobs."""

HINTS: dict[str, type[Hints]] = {"local": LocalHints}
