# SPDX-License-Identifier: Apache-2.0
"""One writer thread that commits groups; reads, and what waits for no fsync, run on the event loop.

An fsync costs more than a whole transaction, so everything that waits for the writer shares one.
A read is microseconds, a thread hop two hundred: reads run inline, and so does a transaction that
need not be fsynced when nobody else is writing.  Why: docs/adr/0003-sqlite.md.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from vvm.domain.errors import Outage
from vvm.store.metrics import CommitMetrics
from vvm.store.sqlite.turn import Turn

log = structlog.get_logger(__name__)

T = TypeVar("T")

Row = tuple[Any, ...]
"""What sqlite3 hands out; turned into a struct or a number in the function that asked."""

_GROUP = 256
"""The most transactions that share one fsync; bounds how long the first of them waits."""
_BUSY_MILLISECONDS = 10_000
"""How long a writer waits for another process's commit."""
_WAL_PAGES = 4000
"""Checkpoint about every 32 MB of writes."""
_CACHE_KIBIBYTES = 64 * 1024
"""Of a connection, as far as the file is that large: the inner pages of every index of a million mailboxes.

With SQLite's own 2 MB a deposit among 300,000 mailboxes cost a fifth more than among 1,000.
"""
_SHORTCUTS = 100
"""Transactions in a row that leave the writer out: only its commits make checkpoints."""


class _Job(Generic[T]):
    """Work for the writer, and where its result goes."""

    def __init__(
        self,
        work: Callable[[sqlite3.Connection], T],
        future: asyncio.Future[T],
        *,
        durable: bool,
    ) -> None:
        self.work = work
        self.future = future
        self.durable = durable
        self._context = copy_context()
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Do the work inside a savepoint, so that its failure costs nobody else in the group.

        In the context of who asked for it: an audit has to know who acts.
        """
        connection.execute("SAVEPOINT job")
        try:
            self.result = self._context.run(self.work, connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, its caller gets it and the others go on
            self.error = error
            if connection.in_transaction:
                connection.execute("ROLLBACK TO job")
        if connection.in_transaction:
            connection.execute("RELEASE job")

    def resolve(self) -> None:
        if self.future.cancelled():
            return
        if self.error is None:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # run() has set it
        elif isinstance(self.error, sqlite3.Error):
            self.future.set_exception(outage(self.error))
        else:
            self.future.set_exception(self.error)


class _Busy(Exception):
    """Not now: somebody else is writing, or it is the writer's turn."""


class _Shortcut:
    """Transactions on the event loop, of those that need no fsync; it waits for nobody.

    Not for another writer, of this process or of another one: without a busy timeout BEGIN
    IMMEDIATE says at once that the file is taken.  Not for the disk either: NORMAL commits without
    an fsync but for the header of a log that begins anew, and checkpoints are left to the writer.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._left = _SHORTCUTS

    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction of its own.  Raises _Busy, Outage, and what ``work`` raises."""
        if self._left == 0:
            self._left = _SHORTCUTS
            raise _Busy
        self._left -= 1
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise _Busy from error
        try:
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise outage(error) from error
            raise
        return result

    def close(self) -> None:
        self._connection.close()


class Writer:
    """Runs transactions one after another: in a thread of its own, or at once if that can be."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, metrics: CommitMetrics) -> None:
        self._path = path
        self._loop = loop
        self._metrics = metrics
        self._jobs: queue.SimpleQueue[_Job[object] | None] = queue.SimpleQueue()
        self._shortcut = _Shortcut(path)
        self._turn = Turn(path, patience_seconds=_BUSY_MILLISECONDS / 1000)
        self._thread = threading.Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._closed = False
        self._thread.start()

    async def __call__(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Run ``work`` in a transaction; return when it is committed.

        Durable: also when it is fsynced.  Raises Outage, and what ``work`` raises.
        """
        if self._closed:
            raise Outage("the store is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, future, durable=durable))  # type: ignore[arg-type]  # jobs differ in T
        return await future

    async def brief(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As with ``durable=False``, at once on the event loop when nobody else is writing.

        For work of a few rows that somebody waits for: it shares no commit, and the loop stands still.
        """
        if not self._closed:
            with suppress(_Busy):
                return self._shortcut(work)
        return await self(work, durable=False)

    async def close(self) -> None:
        """Finish what waits, then stop the thread."""
        self._closed = True
        if self._thread.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
        self._shortcut.close()
        self._turn.close()

    def _serve(self) -> None:
        try:
            connection = connect(self._path)
            try:
                while self._serve_once(connection):
                    pass
            finally:
                connection.close()
        except Exception:  # whatever it is, nobody may wait for a writer that is gone
            log.exception("writer_died")
            self._closed = True
            self._refuse_all()

    def _refuse_all(self) -> None:
        """Answer every job, those that still come too, until the order to stop."""
        while (job := self._jobs.get()) is not None:
            job.error = sqlite3.OperationalError("the writer is gone")
            self._loop.call_soon_threadsafe(_resolve, [job])

    def _serve_once(self, connection: sqlite3.Connection) -> bool:
        """Wait for a job and for the turn to write, and commit it with all that have come meanwhile."""
        first = self._jobs.get()
        with self._turn.taken():
            return self._commit(connection, self._group(first))

    def _group(self, first: _Job[object] | None) -> list[_Job[object] | None]:
        """A job and with it everything that waits."""
        group = [first]
        while len(group) < _GROUP:
            try:
                group.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return group

    def _commit(self, connection: sqlite3.Connection, group: list[_Job[object] | None]) -> bool:
        """Commit one group.  False when the group holds the order to stop."""
        jobs = [job for job in group if job is not None]
        if jobs:
            started = time.perf_counter()
            try:
                _transaction(connection, jobs)
                self._metrics.committed(len(jobs), time.perf_counter() - started)
            except Exception as error:
                if isinstance(error, sqlite3.Error):
                    log.error("commit_failed", jobs=len(jobs), error=str(error))  # noqa: TRY400 - it says all
                else:
                    log.exception("commit_failed", jobs=len(jobs))
                self._metrics.failed()
                for job in jobs:
                    job.error = error
                if connection.in_transaction:
                    connection.rollback()
            finally:
                self._loop.call_soon_threadsafe(_resolve, jobs)
        return len(jobs) == len(group)


def _transaction(connection: sqlite3.Connection, jobs: list[_Job[object]]) -> None:
    # In WAL mode NORMAL commits without an fsync: what only has to survive kill -9 asks for no more.
    level = "FULL" if any(job.durable for job in jobs) else "NORMAL"
    connection.execute(f"PRAGMA synchronous = {level}")
    connection.execute("BEGIN IMMEDIATE")
    for job in jobs:
        job.run(connection)
        if not connection.in_transaction:  # SQLite gave the whole transaction up: disk full, I/O error
            raise job.error if isinstance(job.error, sqlite3.Error) else sqlite3.OperationalError("lost")
    connection.execute("COMMIT")


def _resolve(jobs: list[_Job[object]]) -> None:
    for job in jobs:
        job.resolve()


class Reader:
    """The event loop's own connection.  A statement runs inline and returns within microseconds."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA query_only = ON")

    def all(self, statement: str, parameters: object = ()) -> list[Row]:
        """Raises Outage."""
        try:
            return self._connection.execute(statement, parameters).fetchall()  # type: ignore[arg-type]  # both forms of parameters
        except sqlite3.Error as error:
            raise outage(error) from error

    def one(self, statement: str, parameters: object = ()) -> Row | None:
        rows = self.all(statement, parameters)
        return rows[0] if rows else None

    def version(self) -> int:
        """Of the file: another one as soon as anybody, of any process, has committed.  Raises Outage."""
        ((version,),) = self.all("PRAGMA data_version")
        return int(version)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Statements within see one state of the file, whatever the writer commits meanwhile.

        Raises Outage.
        """
        self.all("BEGIN")
        try:
            yield
        finally:
            self.all("COMMIT")

    def close(self) -> None:
        self._connection.close()


def connect(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open a connection with the settings that every one of ours has.

    With ``any_thread`` threads may use it one after another.
    """
    connection = sqlite3.connect(
        path, isolation_level=None, cached_statements=256, check_same_thread=not any_thread
    )
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    return connection


def outage(error: sqlite3.Error) -> Outage:
    """What a failure of the engine means to a caller.  The text names no data."""
    return Outage(f"the store does not answer: {getattr(error, 'sqlite_errorname', type(error).__name__)}")
