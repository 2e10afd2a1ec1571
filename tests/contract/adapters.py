# SPDX-License-Identifier: Apache-2.0
"""The adapters by name: the only place of the suite that knows them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from _pytest.mark import ParameterSet

from tests import postgres
from tests.sqlite import ready
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.port import BlobStore
from vvm.store.blobs.shelf import BlobShelf, MakeShelf
from vvm.store.hints.local import LocalHints
from vvm.store.memory import MemoryStore
from vvm.store.port import Hints, Store
from vvm.store.postgres import open_postgres
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
    async with open_sqlite(ready(directory / "vvm.db")) as store:
        yield store


@asynccontextmanager
async def _memory_blobs(directory: Path, blobs: BlobStore) -> AsyncIterator[Store]:
    store = MemoryStore(_shelf(blobs))
    yield store
    await store.close()


@asynccontextmanager
async def _sqlite_blobs(directory: Path, blobs: BlobStore) -> AsyncIterator[Store]:
    async with open_sqlite(ready(directory / "vvm.db"), shelf=_shelf(blobs)) as store:
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


@asynccontextmanager
async def _postgres(directory: Path) -> AsyncIterator[Store]:
    async with postgres.new_store() as store:
        yield store


@asynccontextmanager
async def _lasting_postgres(directory: Path) -> AsyncIterator[Store]:
    name = "lasting_" + hashlib.sha256(bytes(directory)).hexdigest()[:16]
    async with open_postgres(await postgres.make(name), postgres.SETTINGS) as store:
        yield store


@asynccontextmanager
async def _postgres_blobs(directory: Path, blobs: BlobStore) -> AsyncIterator[Store]:
    async with postgres.new_store(_shelf(blobs)) as store:
        yield store


STORES: dict[str, OpenStore] = {"memory": _memory, "sqlite": _sqlite, "postgres": _postgres}

DURABLE_STORES: dict[str, OpenStore] = {
    "sqlite": _sqlite,
    "sqlite with blobs on disk": _sqlite_disk,
    "postgres": _lasting_postgres,
}
"""Those that find again what was there under a directory."""

BLOB_STORES: dict[str, OpenBlobStore] = {
    "memory": _memory_blobs,
    "sqlite": _sqlite_blobs,
    "postgres": _postgres_blobs,
}
"""With encrypted blobs."""

_SERVED = frozenset({"postgres"})


def parameters(names: Iterable[str]) -> list[ParameterSet]:
    """For a test that runs over each of these; the ones that need a server are peers."""
    return [
        pytest.param(name, marks=[pytest.mark.peers] if name in _SERVED else []) for name in sorted(names)
    ]


HINTS: dict[str, type[Hints]] = {"local": LocalHints}
