# SPDX-License-Identifier: Apache-2.0
"""vvm.store.backup on a database: pg_dump reads in a snapshot that we read in, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from vvm.domain.errors import Outage
from vvm.store.backup import BadBackup, Origin, Report
from vvm.store.blobs.shelf import MakeShelf
from vvm.store.metrics import NoCommitMetrics
from vvm.store.port import Store
from vvm.store.postgres.adapter import PostgresStore, open_postgres
from vvm.store.postgres.engine import FAULTS, OUTAGES, Database, connect, outage, statements
from vvm.store.postgres.programs import Complaint, Programs, environment, find_programs, pipe, run
from vvm.store.postgres.schema import VERSION
from vvm.store.postgres.scratch import quoted, scratch_database
from vvm.store.settings import PostgresSettings
from vvm.store.sql import named_statements

_SQL = statements("backup.sql")
_TEXTS = named_statements("vvm.store.postgres.queries", "backup.sql")
_BLOBS = statements("check.sql")["blobs"]
_ANEW = ("begin_mailboxes_anew", "begin_folders_anew")
_MOVED = ("number_events", "number_cursors", "renumber_events", "number_next_event")
"""What another server needs besides: it counts its transactions from the beginning."""
_PAGE = 500
_PLAIN = ("--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions", "--no-security-labels")
"""Whoever restores owns what is restored."""


class PostgresInstant:
    """vvm.store.backup.Instant: a transaction that sees nothing of what comes after its beginning."""

    def __init__(self, connection: Any, settings: PostgresSettings, origin: Origin) -> None:
        self.origin = origin
        self._connection = connection
        self._settings = settings

    async def blob_keys(self) -> AsyncIterator[Sequence[str]]:
        after = ""
        while page := await self._page(after):
            yield page
            after = page[-1]

    async def _page(self, after: str) -> Sequence[str]:
        where = {"after": after, "limit": _PAGE}
        with _outages():
            rows = await self._connection.fetch(_BLOBS.text, *_BLOBS.arguments(where))
        return [key for (key,) in rows]

    @asynccontextmanager
    async def opened(self, shelf: MakeShelf) -> AsyncIterator[Store]:
        alone = _Alone(self._connection)
        yield PostgresStore(Database(alone, alone, self._settings, NoCommitMetrics()), shelf)


class _Alone:
    """A pool of one connection, which is somebody else's to close."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._free = asyncio.Lock()

    @asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109 - as asyncpg's
        async with asyncio.timeout(timeout):
            await self._free.acquire()
        try:
            yield self._connection
        finally:
            self._free.release()


class PostgresEngine:
    """vvm.store.backup.Engine."""

    name = "postgres"
    file = "vvm.dump"

    def __init__(self, url: str, settings: PostgresSettings) -> None:
        self._url = url
        self._settings = settings

    @asynccontextmanager
    async def copied(self, copy: Path, report: Report) -> AsyncIterator[PostgresInstant]:
        async with _snapshot(self._url, self._settings) as (instant, snapshot):
            programs = find_programs(self._settings, major=int(instant.origin.release))
            report(0, 0)
            await _dump(programs, self._url, self._settings, copy, snapshot)
            report(1, 1)
            yield instant

    @asynccontextmanager
    async def scratch(self, copy: Path, origin: Origin) -> AsyncIterator[PostgresInstant]:
        programs = find_programs(self._settings, major=int(origin.release))
        async with scratch_database(self._url, self._settings, programs, namespace=origin.namespace) as (
            url,
            settings,
        ):
            await _restore(programs, url, settings, copy, origin.namespace)
            async with open_postgres(url, settings, handing_over=True):
                pass  # an older schema is brought up to date
            async with _snapshot(url, settings) as (instant, _):
                yield instant

    async def require_vacant(self) -> None:
        async with _connected(self._url, self._settings) as connection:
            vacant, _, _ = await connection.fetchrow(_SQL["vacant"].text)
        if not vacant:
            raise BadBackup("a store is in that database already: a backup is restored into an empty one")

    async def restore(self, copy: Path, origin: Origin, at: datetime, report: Report) -> None:
        async with _connected(self._url, self._settings) as connection:
            _, namespace, major = await connection.fetchrow(_SQL["vacant"].text)
        if namespace != origin.namespace:
            raise BadBackup(
                f"the backup is of the schema {origin.namespace}, and search_path begins with {namespace}"
            )
        programs = find_programs(self._settings, major=max(major, int(origin.release)))
        report(0, 0)
        await _restore(
            programs,
            self._url,
            self._settings,
            copy,
            origin.namespace,
            anew={"at": str(int(at.timestamp()))},
        )
        report(1, 1)

    async def begin_anew(self, at: datetime) -> None:
        async with _connected(self._url, self._settings) as connection, connection.transaction():
            await connection.execute(_SQL[_ANEW[0]].text, int(at.timestamp()))
            await connection.execute(_SQL[_ANEW[1]].text)


@asynccontextmanager
async def _snapshot(url: str, settings: PostgresSettings) -> AsyncIterator[tuple[PostgresInstant, str]]:
    """An instant, and the name by which others may read in it.  Raises BadBackup, Outage."""
    async with _connected(url, settings) as connection:
        # The dump and the blobs take longer than a server may let a transaction wait.
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            vacant, _, _ = await connection.fetchrow(_SQL["vacant"].text)
            if vacant:
                raise BadBackup("there is no store in that database")
            version, compatible, major, namespace = await connection.fetchrow(_SQL["origin"].text)
            if version < VERSION:
                raise BadBackup(f"the database has schema {version}, not {VERSION}: vvm store migrate first")
            if compatible > VERSION:
                raise BadBackup(f"the database needs schema {compatible}, this release knows {VERSION}")
            (snapshot,) = await connection.fetchrow(_SQL["export"].text)
            origin = Origin(version, str(major), namespace)
            yield PostgresInstant(connection, settings, origin), snapshot


@asynccontextmanager
async def _connected(url: str, settings: PostgresSettings) -> AsyncIterator[Any]:
    """Raises Outage.  Statements take as long as they need."""
    try:
        connection = await connect(url, settings)
    except (*OUTAGES, ValueError) as error:
        raise outage(error) from error
    try:
        with _outages():
            yield connection
    finally:
        await connection.close()


@contextmanager
def _outages() -> Iterator[None]:
    """Of the connection; what else goes wrong within, with a file, is not the database's."""
    try:
        yield
    except (*FAULTS, ConnectionError, TimeoutError) as error:
        raise outage(error) from error


async def _dump(programs: Programs, url: str, settings: PostgresSettings, copy: Path, snapshot: str) -> None:
    """Durable when it returns.  Raises Outage."""
    try:
        await run(
            [
                programs.path("pg_dump"),
                *("--format=custom", "--compress=1", f"--snapshot={snapshot}", f"--file={copy}"),
                *("--no-password", *_PLAIN, f"--dbname={url}"),
            ],
            environment(settings),
        )
    except Complaint as complaint:
        raise Outage(str(complaint)) from None


async def _restore(
    programs: Programs,
    url: str,
    settings: PostgresSettings,
    copy: Path,
    namespace: str,
    *,
    anew: Mapping[str, str] | None = None,
) -> None:
    """In one transaction, with ``anew`` in its end where the store will serve.  Raises BadBackup."""
    last = ""
    if anew is not None:
        last = f"SET search_path = {quoted(namespace)};\n"  # the dump has emptied it
        last += "\n".join(_TEXTS[name] for name in (*_ANEW, *_MOVED))
    values = [f"--set={name}={value}" for name, value in (anew or {}).items()]
    try:
        await pipe(
            # What else was in that database is not ours.
            [programs.path("pg_restore"), *_PLAIN, f"--schema={namespace}", "--file=-", str(copy)],
            [
                programs.path("psql"),
                *("--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--set=ON_ERROR_STOP=1"),
                *(*values, "--file=-", f"--dbname={url}"),
            ],
            environment(settings),
            last=last.encode(),
        )
    except Complaint as complaint:
        raise BadBackup(f"{copy} cannot be restored: {complaint}") from None
