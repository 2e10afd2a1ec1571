# SPDX-License-Identifier: Apache-2.0
"""The adapter put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from vvm.store import rows
from vvm.store.blobs.shelf import DatabaseShelf, MakeShelf
from vvm.store.metrics import CommitMetrics, NoCommitMetrics
from vvm.store.postgres.blobs import PostgresBlobLedger
from vvm.store.postgres.cos import PostgresCos
from vvm.store.postgres.devices import PostgresDevices
from vvm.store.postgres.engine import Database, opened, statements
from vvm.store.postgres.events import PostgresEvents
from vvm.store.postgres.expiry import PostgresExpiry
from vvm.store.postgres.folders import PostgresFolders
from vvm.store.postgres.history import PostgresHistory
from vvm.store.postgres.inbound import PostgresInbound
from vvm.store.postgres.lists import PostgresLists
from vvm.store.postgres.mailboxes import PostgresMailboxes
from vvm.store.postgres.numbers import PostgresNumbers
from vvm.store.postgres.outbox import PostgresOutbox
from vvm.store.postgres.recovery import PostgresRecovery
from vvm.store.postgres.repeats import PostgresRepeats
from vvm.store.postgres.schema import prepare
from vvm.store.postgres.subscribers import PostgresSubscribers
from vvm.store.postgres.tokens import PostgresTokens
from vvm.store.postgres.visits import PostgresVisits
from vvm.store.settings import PostgresSettings

_SQL = statements("watch.sql")


class PostgresStore:
    """vvm.store.port.Store on one database, which any number of processes and machines share."""

    def __init__(self, database: Database, shelf: MakeShelf = DatabaseShelf) -> None:
        self._database = database
        self.subscribers = PostgresSubscribers(database)
        self.numbers = PostgresNumbers(database)
        self.blobs = PostgresBlobLedger(database)
        self.mailboxes = PostgresMailboxes(database, shelf(self.blobs))
        self.folders = PostgresFolders(database)
        self.expiry = PostgresExpiry(database)
        self.recovery = PostgresRecovery(database)
        self.outbox = PostgresOutbox(database)
        self.inbound = PostgresInbound(database)
        self.devices = PostgresDevices(database)
        self.visits = PostgresVisits(database)
        self.cos = PostgresCos(database)
        self.tokens = PostgresTokens(database)
        self.history = PostgresHistory(database)
        self.lists = PostgresLists(database)
        self.repeats = PostgresRepeats(database)
        self.events = self.webhooks = PostgresEvents(database)

    async def time(self) -> datetime | None:
        (now,) = await self._database.one(_SQL["time"])
        return rows.moment(now)

    async def moved_to(self) -> str | None:
        row = await self._database.one(_SQL["moved_to"])
        return None if row is None else str(row[0])

    async def close(self) -> None:
        """Give the connections back; the second time does nothing."""
        await self._database.close()


@asynccontextmanager
async def open_postgres(
    url: str,
    settings: PostgresSettings,
    metrics: CommitMetrics | None = None,
    shelf: MakeShelf = DatabaseShelf,
    *,
    handing_over: bool = False,
) -> AsyncIterator[PostgresStore]:
    """Open a database, making or migrating its schema first.

    Raises Outage when it cannot be used or is too new.
    """
    await prepare(url, settings, handing_over=handing_over)
    async with opened(url, settings, metrics or NoCommitMetrics()) as database:
        yield PostgresStore(database, shelf)
