# SPDX-License-Identifier: Apache-2.0
"""One side of a copy: a database.  See vvm.store.copying."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from vvm.store.copying import COUNTED, Key, Row, Table
from vvm.store.handover import Handover
from vvm.store.postgres.engine import OUTAGES, connect, outage, statements
from vvm.store.settings import PostgresSettings

_SQL = statements("copy.sql")
_BATCH = 1000
_TEXT = frozenset({"name", "key", "msisdn", "recipient", "originator"})
"""Of the columns in keys; the others are numbers, but for a digest."""
_DIGESTS = frozenset({"kept_request"})
"""Tables whose key is one."""
_BOOLEANS = frozenset(
    {"setup_done", "leased", "held", "settled", "paused", "condemned", "deleted", "greeting", "to_client"}
)
_TRIGGERS = (
    ("journal", "journal_event"),
    ("audit", "audit_event"),
    ("outbox", "outbox_event"),
    ("content", "content_released"),
)
"""What they write is copied as it is."""
_SEQUENCES = {name: f"{name}_ids" for name in COUNTED} | {
    "webhook": "webhook_id_seq",
    "parked_event": "parked_event_id_seq",
}
_SEALED = """
CREATE OR REPLACE FUNCTION sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the store was moved' USING ERRCODE = 'read_only_sql_transaction';
END
$$
"""


class PostgresSide:
    """vvm.store.copying.Side."""

    def __init__(
        self, url: str, settings: PostgresSettings, connection: Any, *, place: str, source: bool
    ) -> None:
        self.place = place
        self._url = url
        self._settings = settings
        self._connection = connection
        self._prefix = "source_" if source else ""

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        found = _SQL.get(self._prefix + table.name) or _SQL.get(table.name)
        columns = ", ".join(table.light)
        order = ", ".join(
            f'{column} COLLATE "C"' if _type(table, column) == "text" else column for column in table.key
        )
        statement = f"SELECT {columns} FROM {table.name} ORDER BY {order}" if found is None else found.text  # noqa: S608 - names of our own
        async with self._opened() as reader, reader.transaction(isolation="repeatable_read", readonly=True):
            batch: list[Row] = []
            async for record in reader.cursor(statement, prefetch=_BATCH):
                batch.append(_numbers(record))
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch

    async def whole(self, table: Table, keys: Sequence[Key]) -> Sequence[Row]:
        columns = ", ".join(f"t.{column}" for column in table.columns)
        statement = f"SELECT {columns} FROM {table.name} t JOIN {_named(table)} ON {_same(table)}"  # noqa: S608 - names of our own
        with _outages():
            found = await self._connection.fetch(statement, *_arrays(table, keys))
        return [_numbers(record) for record in found]

    async def replace(self, table: Table, gone: Sequence[Key], new: Sequence[Row]) -> None:
        delete = f"DELETE FROM {table.name} t USING {_named(table)} WHERE {_same(table)}"  # noqa: S608 - names of our own
        rows = [dict(zip(table.columns, row, strict=True)) for row in new]
        with _outages():
            async with self._connection.transaction():
                if table.name == "outbox":
                    recipients, ids = _arrays(table, gone)
                    await self._run("delete_receipts", {"recipients": recipients, "ids": ids})
                if gone:
                    await self._connection.execute(delete, *_arrays(table, gone))
                if rows:
                    await self._insert(table.name, rows)

    async def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        match table:
            case "outbox":
                await self._insert_receipts(rows)
                rows = [_outbox(row) for row in rows]
            case "event":
                rows = [{**row, "xid": 0} for row in rows]
            case "webhook":
                rows = [_webhook(row) for row in rows]
            case _:
                pass
        columns = list(rows[0])
        records = [
            tuple(bool(row[column]) if column in _BOOLEANS else row[column] for column in columns)
            for row in rows
        ]
        await self._connection.copy_records_to_table(table, records=records, columns=columns)

    async def _insert_receipts(self, rows: Sequence[Mapping[str, Any]]) -> None:
        receipts = [
            (message_id, row["id"], segment, row["recipient"])
            for row in rows
            for segment, _, message_id, _ in json.loads(row["segments"])
        ]
        if receipts:
            names = ("message_ids", "outbox_ids", "segments", "recipients")
            columns = zip(*receipts, strict=True)
            await self._run("insert_receipts", dict(zip(names, map(list, columns), strict=True)))

    async def last_ids(self) -> Mapping[str, int]:
        """But of events, which are numbered anew."""
        with _outages():
            return {
                table: (await self._run("last_ids", {"sequence": sequence}))[0][0]
                for table, sequence in _SEQUENCES.items()
                if table != "event"
            }

    async def finish(self, last_ids: Mapping[str, int]) -> None:
        with _outages():
            (top,) = await self._connection.fetchrow("SELECT coalesce(max(id), 0) FROM content")
            behind = [(_SEQUENCES[table], last) for table, last in last_ids.items()]
            async with self._connection.transaction():
                for sequence, last in [*behind, ("content_ids", top)]:
                    await self._run("next_id_behind", {"sequence": sequence, "last": last})
                await self._run("forget_names", {})
                await self._run("insert_names", {})

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        with _outages():
            async with self._connection.transaction():
                tables = ", ".join(await self._tables())
                await self._connection.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
                yield

    async def seal(self, place: str) -> None:
        with _outages():
            await self._connection.execute(_SEALED)
            for table in await self._tables():
                await self._connection.execute(
                    f"CREATE TRIGGER sealed BEFORE INSERT OR UPDATE OR DELETE ON {table} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION sealed()"
                )
            await self._run("mark", {"role": "source", "place": place})

    async def unseal(self) -> None:
        with _outages():
            async with self._connection.transaction():
                for table in await self._tables():
                    await self._connection.execute(f"DROP TRIGGER IF EXISTS sealed ON {table}")
                for table, trigger in _TRIGGERS:
                    await self._connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
                await self._run("unmark", {})

    async def mark_target(self, place: str) -> None:
        with _outages():
            async with self._connection.transaction():
                for table, trigger in _TRIGGERS:
                    await self._connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
                await self._run("unmark", {})
                await self._run("mark", {"role": "target", "place": place})

    async def handover(self) -> Handover | None:
        with _outages():
            rows = await self._run("handover", {})
        return Handover(*rows[0]) if rows else None

    async def _tables(self) -> list[str]:
        return [name for (name,) in await self._run("tables", {})]

    async def _run(self, name: str, values: Mapping[str, object]) -> Sequence[Any]:
        statement = _SQL[name]
        rows: Sequence[Any] = await self._connection.fetch(statement.text, *statement.arguments(values))
        return rows

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Any]:
        with _outages():
            connection = await connect(self._url, self._settings)
            try:
                yield connection
            finally:
                await connection.close()


@asynccontextmanager
async def postgres_side(
    url: str, settings: PostgresSettings, *, place: str, source: bool
) -> AsyncIterator[PostgresSide]:
    """Raises Outage.  Statements take as long as they need."""
    with _outages():
        connection = await connect(url, settings)
    try:
        yield PostgresSide(url, settings, connection, place=place, source=source)
    finally:
        await connection.close()


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except OUTAGES as error:
        raise outage(error) from error


def _numbers(record: Any) -> Row:
    return tuple(int(value) if isinstance(value, bool) else value for value in record)


def _type(table: Table, column: str) -> str:
    if table.name in _DIGESTS:
        return "bytea"
    return "text" if column in _TEXT else "bigint"


def _named(table: Table) -> str:
    """The keys of a call, as a relation ``k``."""
    arrays = ", ".join(f"${number}::{_type(table, column)}[]" for number, column in enumerate(table.key, 1))
    return f"unnest({arrays}) AS k ({', '.join(table.key)})"


def _same(table: Table) -> str:
    return " AND ".join(f"t.{column} = k.{column}" for column in table.key)


def _arrays(table: Table, keys: Sequence[Key]) -> list[list[Any]]:
    return [[key[at] for key in keys] for at in range(len(table.key))]


def _outbox(row: Mapping[str, Any]) -> dict[str, Any]:
    """Segments are columns of their row here."""
    segments = json.loads(row["segments"])
    kept = {name: value for name, value in row.items() if name != "segments"}
    return kept | {
        "message_ids": json.dumps({str(segment): message_id for segment, _, message_id, _ in segments}),
        "segments": max((total for _, total, _, _ in segments), default=0),
        "delivered": [segment for segment, _, _, delivered in segments if delivered],
    }


def _webhook(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name != "cursor"}
    return kept | {"cursor_xid": 0, "cursor_id": row["cursor"]}
