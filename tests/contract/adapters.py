# SPDX-License-Identifier: Apache-2.0
"""The adapters by name: the only place of the suite that knows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from vvm.store.hints.local import LocalHints
from vvm.store.memory import MemoryStore
from vvm.store.port import Hints, Store
from vvm.store.sqlite import open_sqlite


class OpenStore(Protocol):
    """Opens the store under ``directory``; a new one where there is none."""

    def __call__(self, directory: Path) -> AbstractAsyncContextManager[Store]: ...


@asynccontextmanager
async def _memory(directory: Path) -> AsyncIterator[Store]:
    store = MemoryStore()
    yield store
    await store.close()


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[Store]:
    async with open_sqlite(directory / "vvm.db") as store:
        yield store


STORES: dict[str, OpenStore] = {"memory": _memory, "sqlite": _sqlite}

DURABLE_STORES: dict[str, OpenStore] = {"sqlite": _sqlite}
"""Those that find again what was there under a directory."""

HINTS: dict[str, type[Hints]] = {"local": LocalHints}
