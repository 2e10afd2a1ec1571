# SPDX-License-Identifier: Apache-2.0
"""Which adapter of the store a URL means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vvm.config.sections import StoreSettings
from vvm.store.backup import Engine
from vvm.store.blobs.shelf import DatabaseShelf, MakeShelf
from vvm.store.metrics import CommitMetrics
from vvm.store.migration import Migrated
from vvm.store.port import Store
from vvm.store.postgres import open_postgres
from vvm.store.postgres.backup import PostgresEngine
from vvm.store.postgres.schema import prepare
from vvm.store.sqlite import migrate_sqlite, open_sqlite
from vvm.store.sqlite.backup import SqliteEngine


@asynccontextmanager
async def open_store(
    settings: StoreSettings,
    commits: CommitMetrics | None = None,
    shelf: MakeShelf = DatabaseShelf,
    *,
    handing_over: bool = False,
) -> AsyncIterator[Store]:
    """Open the store, making or migrating it first; ``commits`` hears of its writes.

    ``handing_over``: even one that becomes another store.  Raises Outage, HandedOver.
    """
    if settings.path is not None:
        async with open_sqlite(settings.path, commits, shelf, handing_over=handing_over) as file:
            yield file
    else:
        async with open_postgres(
            settings.url, settings.postgres, commits, shelf, handing_over=handing_over
        ) as database:
            yield database


async def migrate_store(
    settings: StoreSettings, *, finish: bool = False, handing_over: bool = False
) -> Migrated:
    """Make or migrate the store; ``finish``: no program of an older release will use it any more.

    Raises Outage, HandedOver.
    """
    if settings.path is None:
        return await prepare(settings.url, settings.postgres, finish=finish, handing_over=handing_over)
    return await migrate_sqlite(settings.path, finish=finish, handing_over=handing_over)


async def holds_secrets(settings: StoreSettings) -> bool:
    """The store is there, and so must be the key that sealed the passwords in it.  Raises Outage."""
    if settings.path is not None:
        return settings.path.exists()
    async with open_store(settings) as store:
        return bool(await store.subscribers.page(after=None, limit=1))


def backup_engine(settings: StoreSettings) -> Engine:
    if settings.path is not None:
        return SqliteEngine(settings.path)
    return PostgresEngine(settings.url, settings.postgres)
