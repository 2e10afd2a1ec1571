# SPDX-License-Identifier: Apache-2.0
"""The adapter put together."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from vvm.domain.errors import Outage
from vvm.domain.subscriber import MailboxId
from vvm.store.blobs.shelf import DatabaseShelf, MakeShelf
from vvm.store.metrics import CommitMetrics, NoCommitMetrics
from vvm.store.migration import Migrated
from vvm.store.port import Hints
from vvm.store.sql import named_statements
from vvm.store.sqlite.blobs import SqliteBlobLedger
from vvm.store.sqlite.cos import SqliteCos
from vvm.store.sqlite.devices import SqliteDevices
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.events import SqliteEvents
from vvm.store.sqlite.expiry import SqliteExpiry
from vvm.store.sqlite.folders import SqliteFolders
from vvm.store.sqlite.history import SqliteHistory
from vvm.store.sqlite.inbound import SqliteInbound
from vvm.store.sqlite.lists import SqliteLists
from vvm.store.sqlite.mailboxes import SqliteMailboxes
from vvm.store.sqlite.numbers import SqliteNumbers
from vvm.store.sqlite.outbox import SqliteOutbox
from vvm.store.sqlite.recovery import SqliteRecovery
from vvm.store.sqlite.repeats import SqliteRepeats
from vvm.store.sqlite.schema import prepare
from vvm.store.sqlite.subscribers import SqliteSubscribers
from vvm.store.sqlite.tokens import SqliteTokens
from vvm.store.sqlite.visits import SqliteVisits

_SQL = named_statements("vvm.store.sqlite.queries", "watch.sql")


class SqliteStore:
    """vvm.store.port.Store on one file.  Other processes may have the same file open."""

    def __init__(
        self, path: Path, loop: asyncio.AbstractEventLoop, metrics: CommitMetrics, shelf: MakeShelf
    ) -> None:
        self._reader = Reader(path)
        self._writer = Writer(path, loop, metrics)
        self.subscribers = SqliteSubscribers(self._reader, self._writer)
        self.numbers = SqliteNumbers(self._reader, self._writer)
        self.blobs = SqliteBlobLedger(self._reader, self._writer)
        self.mailboxes = SqliteMailboxes(self._reader, self._writer, shelf(self.blobs))
        self.folders = SqliteFolders(self._reader, self._writer)
        self.expiry = SqliteExpiry(self._reader, self._writer)
        self.recovery = SqliteRecovery(self._reader, self._writer)
        self.outbox = SqliteOutbox(self._reader, self._writer)
        self.inbound = SqliteInbound(self._reader, self._writer)
        self.devices = SqliteDevices(self._reader, self._writer)
        self.visits = SqliteVisits(self._reader, self._writer)
        self.events = self.webhooks = SqliteEvents(self._reader, self._writer)
        self.cos = SqliteCos(self._reader, self._writer)
        self.tokens = SqliteTokens(self._reader, self._writer)
        self.history = SqliteHistory(self._writer)
        self.lists = SqliteLists(self._reader)
        self.repeats = SqliteRepeats(self._writer)
        self._version = self._reader.version()
        self._journal, self._audit = self._newest()

    async def time(self) -> datetime | None:
        return None

    async def moved_to(self) -> str | None:
        row = self._reader.one(_SQL["moved_to"])
        return None if row is None else str(row[0])

    def pass_on_hints(self, hints: Hints) -> None:
        """Hint whatever was committed since the last call, by whichever process.

        Costs one pragma when nothing was.  Own commits are hinted a second time, which is harmless.
        """
        version = self._reader.version()
        if version == self._version:
            return
        self._version = version
        journal, audit = self._journal, self._audit
        self._journal, self._audit = self._newest()
        moved = self._reader.all(_SQL["moved_since"], (journal,))
        decided = self._reader.all(_SQL["decided_since"], (audit,)) if self._audit > audit else []
        for (mailbox,) in [*moved, *decided]:
            hints.mailbox(MailboxId(mailbox))
        hints.outbox()
        hints.inbound()

    async def close(self) -> None:
        """Commit what waits, then close the file."""
        await self._writer.close()
        self._reader.close()

    def _newest(self) -> tuple[int, int]:
        """The last entries of the journal and of the audit."""
        ((journal, audit),) = self._reader.all(_SQL["newest"])
        return int(journal), int(audit)


async def migrate_sqlite(path: Path, *, finish: bool = False, handing_over: bool = False) -> Migrated:
    """Make a file or run its missing steps; ``finish``: no older release will open it any more.

    Raises Outage when it cannot be used or is too new, HandedOver.
    """
    try:
        return await asyncio.to_thread(prepare, path, finish=finish, handing_over=handing_over)
    except (OSError, sqlite3.Error) as error:
        raise Outage(f"{path} cannot be opened: {error}") from error


@asynccontextmanager
async def open_sqlite(
    path: Path,
    metrics: CommitMetrics | None = None,
    shelf: MakeShelf = DatabaseShelf,
    *,
    handing_over: bool = False,
) -> AsyncIterator[SqliteStore]:
    """Open a file, making or migrating it first.  Raises Outage when it cannot be used or is too new."""
    await migrate_sqlite(path, handing_over=handing_over)
    try:
        store = SqliteStore(path, asyncio.get_running_loop(), metrics or NoCommitMetrics(), shelf)
    except (OSError, sqlite3.Error) as error:
        raise Outage(f"{path} cannot be opened: {error}") from error
    try:
        yield store
    finally:
        await store.close()
