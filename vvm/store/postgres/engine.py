# SPDX-License-Identifier: Apache-2.0
"""Two pools of connections, and what their failures mean.

One commits with an fsync, the other (``synchronous_commit = off``) without: the port says which of
its methods need none.  Statements have names for their parameters, as in SQLite; asyncpg prepares
each once a connection, and the server plans it then (PLANS).  A transaction that met another one
(deadlock, a unique index that somebody else was first in, a step of the schema that changed what it
reads) is run again: it has changed nothing.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import msgspec
import structlog

from vvm.domain.cos import UnknownCos
from vvm.domain.errors import Outage, Refusal, TooManyKeywords
from vvm.store.keywords import KEYWORDS_LIMIT
from vvm.store.metrics import CommitMetrics
from vvm.store.settings import PostgresSettings
from vvm.store.sql import named_statements

log = structlog.get_logger(__name__)

T = TypeVar("T")

_PARAMETER = re.compile(r"(?<![:\w]):([a-z]\w*)")
_COMMENT = re.compile(r"^\s*--.*$\n?", re.MULTILINE)
_GROWING = ("seqscan", "mergejoin", "material")
"""Ways of the planner whose cost grows with the table, however little is wanted.  Hash joins stay: within a
mailbox a loop in their place is what grows, with the square of it."""
PLANS: Mapping[str, str] = {
    # One plan for whatever parameters, made when a connection needs it first; the partition is found when it
    # runs.  To plan over all partitions each time took longer than most statements take (docs/adr/0019).
    "plan_cache_mode": "force_generic_plan",
    # Such a plan may be from the day when a table held one page; whatever we look up has an index.
    **{f"enable_{way}": "off" for way in _GROWING},
    # Our statements touch few rows, and a plan over all partitions looks as if they were many.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
"""What our connections ask of the planner."""
_ANEW = re.compile(r"\bLIMIT :|\bIS NULL OR\b")
"""A plan for whatever parameters would guess how much is taken, and could not use the index of a filter
that may be absent."""
_PLAN_ANEW = "; ".join(
    ["SET LOCAL plan_cache_mode = force_custom_plan", *(f"SET LOCAL enable_{way} = on" for way in _GROWING)]
)
_TRIES = 5
"""Of a transaction that others were in the way of."""
_MET = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
    asyncpg.InvalidCachedStatementError,
)
_REFUSALS: Mapping[str, Callable[[], Refusal]] = {
    "VVM01": lambda: TooManyKeywords(limit=KEYWORDS_LIMIT),
    "VVM02": UnknownCos,
}
"""What our functions raise, which ends the transaction that they are in."""
_OURS = (asyncpg.DataError, asyncpg.SyntaxOrAccessError)
"""Not the server's mistakes: the caller cannot tell, whoever reads the log must."""
FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises.  The last also says that the server had ended a connection, and the socket's end
had not been read yet, when a statement began on it."""
OUTAGES = (*FAULTS, OSError, TimeoutError)


class Statement(msgspec.Struct, frozen=True):
    """SQL with numbers for its parameters, and their names in that order."""

    text: str
    names: tuple[str, ...]
    anew: bool = False
    """It is planned for the parameters of each call: lists and sweeps, for which no phone waits."""

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        return [values[name] for name in self.names]


def statements(file: str) -> dict[str, Statement]:
    """The named statements of a file in queries/, whose parameters are written ``:name``."""
    found = named_statements("vvm.store.postgres.queries", file)
    return {name: numbered(text) for name, text in found.items()}


def numbered(text: str) -> Statement:
    """A statement whose parameters are written ``:name``."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    bare = _COMMENT.sub("", text)
    numbered = _PARAMETER.sub(number, bare)
    return Statement(numbered.rstrip().removesuffix(";"), tuple(names), anew=bool(_ANEW.search(bare)))


class Connection:
    """Hands for the statements of one transaction; for one that is planned anew there must be one."""

    def __init__(self, raw: Any, seconds: float) -> None:
        self._raw = raw
        self._seconds = seconds

    async def all(self, statement: Statement, values: Mapping[str, object] | None = None) -> Sequence[Any]:
        if statement.anew:
            await self._raw.execute(_PLAN_ANEW, timeout=self._seconds)
        rows: Sequence[Any] = await self._raw.fetch(
            statement.text, *statement.arguments(values or {}), timeout=self._seconds
        )
        return rows

    async def one(self, statement: Statement, values: Mapping[str, object] | None = None) -> Any:
        """The first row; None when there is none."""
        rows = await self.all(statement, values)
        return rows[0] if rows else None


class Database:
    """What the parts of the adapter share."""

    def __init__(
        self, durable: Any, relaxed: Any, settings: PostgresSettings, metrics: CommitMetrics
    ) -> None:
        self._durable = durable
        self._relaxed = relaxed
        self._settings = settings
        self._metrics = metrics

    async def all(self, statement: Statement, values: Mapping[str, object] | None = None) -> Sequence[Any]:
        """Read.  Raises Outage."""

        async def once(connection: Connection) -> Sequence[Any]:
            return await connection.all(statement, values)

        return await self._again(once, self._durable, transaction=statement.anew)

    async def one(self, statement: Statement, values: Mapping[str, object] | None = None) -> Any:
        rows = await self.all(statement, values)
        return rows[0] if rows else None

    async def decide(
        self, statement: Statement, values: Mapping[str, object], *, durable: bool = True
    ) -> Sequence[Any]:
        """Run a statement that is a whole transaction: one round trip, unless it is planned anew.

        Raises Outage.
        """

        async def once(connection: Connection) -> Sequence[Any]:
            return await connection.all(statement, values)

        return await self._commit(once, durable=durable, transaction=statement.anew)

    async def write(self, work: Callable[[Connection], Awaitable[T]], *, durable: bool = True) -> T:
        """Run ``work`` in a transaction; return when it is committed.

        Durable: also when it is fsynced.  ``work`` may be run again from its beginning.  Raises
        Outage, and what ``work`` raises.
        """
        return await self._commit(work, durable=durable, transaction=True)

    async def _commit(
        self, work: Callable[[Connection], Awaitable[T]], *, durable: bool, transaction: bool
    ) -> T:
        pool = self._durable if durable else self._relaxed
        started = time.perf_counter()
        try:
            result = await self._again(work, pool, transaction=transaction)
        except Outage:
            self._metrics.failed()
            raise
        self._metrics.committed(1, time.perf_counter() - started)
        return result

    async def _again(self, work: Callable[[Connection], Awaitable[T]], pool: Any, *, transaction: bool) -> T:
        for left in reversed(range(_TRIES)):
            try:
                async with self._connection(pool, transaction=transaction) as connection:
                    return await work(connection)
            except _MET as met:
                if not left:
                    raise outage(met) from met
                log.debug("transaction_repeated", error=type(met).__name__)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def _connection(self, pool: Any, *, transaction: bool = False) -> AsyncIterator[Connection]:
        try:
            async with pool.acquire(timeout=self._settings.connect_seconds) as raw:
                connection = Connection(raw, self._settings.statement_seconds)
                if transaction:
                    async with raw.transaction():
                        yield connection
                else:
                    yield connection
        except _MET:
            raise
        except OUTAGES as error:
            if (refusal := _REFUSALS.get(getattr(error, "sqlstate", ""))) is not None:
                raise refusal() from error
            if isinstance(error, _OURS):
                log.exception("statement_refused")
            raise outage(error) from error

    async def close(self) -> None:
        """Finish what runs; end what takes longer than a statement may."""
        for pool in (self._durable, self._relaxed):
            try:
                async with asyncio.timeout(self._settings.statement_seconds):
                    await pool.close()
            except (TimeoutError, *OUTAGES):
                pool.terminate()


@asynccontextmanager
async def opened(url: str, settings: PostgresSettings, metrics: CommitMetrics) -> AsyncIterator[Database]:
    """Raises Outage, whose text names no password."""
    pools: list[Any] = []
    try:
        for level in ("on", "off"):
            pools.append(await _pool(url, settings, level))  # noqa: PERF401 - the first is closed when the second fails
    except (*OUTAGES, ValueError) as error:
        for pool in pools:
            pool.terminate()
        raise outage(error) from error
    durable, relaxed = pools
    database = Database(durable, relaxed, settings, metrics)
    try:
        yield database
    finally:
        await database.close()


async def connect(url: str, settings: PostgresSettings) -> Any:
    """One connection outside the pools: migrations, notifications.  Raises what asyncpg raises."""
    return await asyncpg.connect(
        url,
        password=settings.password or None,
        timeout=settings.connect_seconds,
        server_settings={"application_name": "vvm"},
    )


async def _pool(url: str, settings: PostgresSettings, synchronous_commit: str) -> Any:
    return await asyncpg.create_pool(
        url,
        password=settings.password or None,
        min_size=0,
        max_size=settings.connections,
        timeout=settings.connect_seconds,
        statement_cache_size=256,
        reset=_as_it_is,
        server_settings={
            "application_name": "vvm",
            "synchronous_commit": synchronous_commit,
            "statement_timeout": str(int(settings.statement_seconds * 1000)),
            # A node that is stopped or cut off within a transaction lets go of its locks before those
            # who wait for them give up.
            "idle_in_transaction_session_timeout": str(int(settings.statement_seconds * 500)),
            **PLANS,
        },
    )


async def _as_it_is(connection: Any) -> None:
    """Give it back: nothing that we set outlasts its transaction, and the driver has ended an open one.

    To let the server forget everything, as the driver would, is a round trip more for every statement.
    """


def outage(error: BaseException) -> Outage:
    """What a failure of the engine means to a caller.  The text names no data, and no password."""
    code = getattr(error, "sqlstate", None)
    name = type(error).__name__
    return Outage(
        f"the store does not answer: {name} {code}" if code else f"the store does not answer: {name}"
    )
