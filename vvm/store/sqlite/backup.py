# SPDX-License-Identifier: Apache-2.0
"""vvm.store.backup on a file."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from vvm.store.backup import BadBackup, Origin, Report
from vvm.store.blobs.shelf import MakeShelf
from vvm.store.port import Store
from vvm.store.sqlite.adapter import open_sqlite
from vvm.store.sqlite.snapshot import begin_anew, blob_keys, copy_file, schema_of

_PAGE = 500


class SqliteInstant:
    """vvm.store.backup.Instant: a copy of the file."""

    def __init__(self, path: Path) -> None:
        """Raises Outage."""
        self._path = path
        self.origin = Origin(schema_of(path), sqlite3.sqlite_version, namespace="")

    async def blob_keys(self) -> AsyncIterator[Sequence[str]]:
        after = ""
        while page := await asyncio.to_thread(blob_keys, self._path, after=after, limit=_PAGE):
            yield page
            after = page[-1]

    def opened(self, shelf: MakeShelf) -> AbstractAsyncContextManager[Store]:
        return open_sqlite(self._path, shelf=shelf, handing_over=True)


class SqliteEngine:
    """vvm.store.backup.Engine."""

    name = "sqlite"
    file = "vvm.db"

    def __init__(self, path: Path) -> None:
        self._path = path

    @asynccontextmanager
    async def copied(self, copy: Path, report: Report) -> AsyncIterator[SqliteInstant]:
        if not self._path.exists():
            raise BadBackup(f"there is no store at {self._path}")
        await asyncio.to_thread(copy_file, self._path, copy, report)
        yield SqliteInstant(copy)

    @asynccontextmanager
    async def scratch(self, copy: Path, origin: Origin) -> AsyncIterator[SqliteInstant]:
        del origin
        with TemporaryDirectory(prefix="vvm-verify-") as folder:
            file = Path(folder, self.file)
            await asyncio.to_thread(shutil.copyfile, copy, file)
            yield SqliteInstant(file)

    async def require_vacant(self) -> None:
        if self._path.exists():
            raise BadBackup(f"{self._path} exists: move it away first")

    async def restore(self, copy: Path, origin: Origin, at: datetime, report: Report) -> None:
        del origin
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.restoring")
        draft.unlink(missing_ok=True)
        await asyncio.to_thread(copy_file, copy, draft, report)
        await asyncio.to_thread(begin_anew, draft, at)
        draft.rename(self._path)

    async def begin_anew(self, at: datetime) -> None:
        if not self._path.exists():
            raise BadBackup(f"there is no store at {self._path}")
        await asyncio.to_thread(begin_anew, self._path, at)
