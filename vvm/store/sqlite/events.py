# SPDX-License-Identifier: Apache-2.0
"""The event feed and its webhooks in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from vvm.domain.errors import BadCursor, TooManyWebhooks
from vvm.domain.event import Event, EventKind
from vvm.domain.message import Flags
from vvm.domain.numbers import Msisdn
from vvm.store import rows
from vvm.store.events import BEGINNING, SLACK, NewWebhook, Parked, Round, Webhook
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Row, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "events.sql")
_MOST = 2**63 - 1
_SLACK = SLACK // timedelta(microseconds=1)


class SqliteEvents:
    """vvm.store.events.EventStore and WebhookStore; a cursor is the id of a row, in decimal."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def page(
        self,
        after: str,
        *,
        limit: int,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Event]:
        place = _place(after)
        where: dict[str, int | str | None] = {
            "after": place,
            "limit": limit,
            "kinds": _kinds_json(kinds) if kinds else None,
            "msisdn": msisdn,
        }
        statement = "events_of_subscriber" if msisdn else "events_of_kinds" if kinds else "events_after"
        if since is not None or until is not None:
            statement = "events_of_subscriber_between" if msisdn else "events_between"
            where |= self._between(place, since, until)
        return [_event_of(row) for row in self._reader.all(_SQL[statement], where)]

    def _between(self, after: int, since: datetime | None, until: datetime | None) -> dict[str, int]:
        """Two moments, and the places between which all of their events lie."""
        first = 0 if since is None else rows.microseconds(since)
        last = _MOST if until is None else rows.microseconds(until)
        return {
            "since": first,
            "until": last,
            "after": max(after, self._place_of(first - _SLACK) - 1) if first else after,
            "before": self._place_of(last + _SLACK) if last < _MOST else _MOST,
        }

    def _place_of(self, moment: int) -> int:
        """Before which place the events of earlier moments lie, by halves: no index of moments is kept."""
        ((low, high),) = self._reader.all(_SQL["event_ends"])
        while low < high:
            middle = (low + high) // 2
            found = self._reader.all(_SQL["event_from"], {"place": middle})
            if found and found[0][1] < moment:
                low = found[0][0] + 1
            else:
                high = middle
        return int(low)

    async def newest(self) -> str:
        ((newest,),) = self._reader.all(_SQL["newest_event"])
        return str(newest) if newest else BEGINNING

    async def reaches(self, cursor: str) -> bool:
        place = _place(cursor)
        ((last,),) = self._reader.all(_SQL["last_event"])
        return bool(place <= last)

    async def forget_events(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}
        return await self._write(
            lambda connection: connection.execute(_SQL["forget_events"], where).rowcount, durable=False
        )

    async def add_webhook(self, new: NewWebhook, *, most: int) -> Webhook:
        values = {
            "url": new.url,
            "kinds": _kinds_json(new.kinds),
            "secret_sealed": new.secret_sealed,
            "cursor": _place(new.cursor),
            "created_at": rows.microseconds(new.created_at),
            "most": most,
        }

        def work(connection: sqlite3.Connection) -> Webhook:
            row = connection.execute(_SQL["insert_webhook"], values).fetchone()
            if row is None:
                raise TooManyWebhooks(limit=most)
            return _webhook(row)

        return await self._write(work)

    async def webhooks(self) -> Sequence[Webhook]:
        return [_webhook(row) for row in self._reader.all(_SQL["webhooks"])]

    async def set_webhook(
        self,
        webhook: int,
        *,
        now: datetime,
        url: str | None = None,
        kinds: tuple[EventKind, ...] | None = None,
        secret_sealed: bytes | None = None,
        paused: bool | None = None,
        cursor: str | None = None,
        as_read: Webhook | None = None,
    ) -> Webhook | None:
        values = {
            "webhook": webhook,
            "now": rows.microseconds(now),
            "url": url,
            "kinds": None if kinds is None else _kinds_json(kinds),
            "secret_sealed": secret_sealed,
            "paused": paused,
            "cursor": None if cursor is None else _place(cursor),
        }

        def work(connection: sqlite3.Connection) -> Webhook | None:
            found = _find_webhook(connection, webhook)
            if found is None:
                return None
            found.require(as_read)
            if cursor is not None:
                connection.execute(_SQL["drop_parked"], (webhook,))
            return _webhook(connection.execute(_SQL["set_webhook"], values).fetchone())

        return await self._write(work)

    async def remove_webhook(self, webhook: int, *, as_read: Webhook | None = None) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            found = _find_webhook(connection, webhook)
            if found is None:
                return False
            found.require(as_read)
            connection.execute(_SQL["remove_webhook"], (webhook,))
            return True

        return await self._write(work)

    async def take_webhook(self, *, now: datetime, lease: timedelta) -> Webhook | None:
        where = {"now": rows.microseconds(now)}
        if self._reader.one(_SQL["next_webhook"], where) is None:
            return None  # idle, it costs a read and no write
        until = rows.microseconds(now + lease)

        def work(connection: sqlite3.Connection) -> Webhook | None:
            found = connection.execute(_SQL["next_webhook"], where).fetchone()
            if found is None:
                return None
            taken = {"webhook": found[0], "until": until}
            return _webhook(connection.execute(_SQL["take_webhook"], taken).fetchone())

        return await self._write(work, durable=False)

    async def settle_webhook(self, taken: Webhook, outcome: Round) -> None:
        values = {
            "webhook": taken.id,
            "lease": rows.microseconds(taken.due_at),
            "cursor": _place(outcome.cursor),
            "failures": outcome.failures,
            "due_at": rows.microseconds(outcome.due_at),
            "pause": outcome.pause,
        }
        parked = [
            (taken.id, event.msisdn, msgspec.json.encode(event).decode(), 1, _micros(due_at), error)
            for event, due_at, error in outcome.park
        ]
        again = [
            {"parked": number, "due_at": _micros(due_at), "error": error}
            for number, due_at, error in outcome.again
        ]

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_SQL["settle_webhook"], values).fetchone() is None:
                return
            connection.executemany(_SQL["park"], parked)
            connection.executemany(_SQL["unpark"], [(number,) for number in outcome.delivered])
            connection.executemany(_SQL["park_again"], again)

        await self._write(work)

    async def parked(self, webhook: int, *, now: datetime, limit: int) -> Sequence[Parked]:
        where = {"webhook": webhook, "now": rows.microseconds(now), "limit": limit}
        return [rows.parked(row) for row in self._reader.all(_SQL["parked"], where)]

    async def parked_subscribers(self, webhook: int, among: Collection[Msisdn]) -> Collection[Msisdn]:
        where = {"webhook": webhook, "among": msgspec.json.encode(sorted(among)).decode()}
        return {Msisdn(number) for (number,) in self._reader.all(_SQL["parked_subscribers"], where)}

    async def dead_events(
        self,
        webhook: int,
        *,
        after: int,
        limit: int,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
    ) -> Sequence[Parked]:
        where = {
            "webhook": webhook,
            "after": after,
            "limit": limit,
            "kinds": _kinds_json(kinds) if kinds else None,
            "msisdn": msisdn,
        }
        return [rows.parked(row) for row in self._reader.all(_SQL["dead_events"], where)]

    async def revive(self, webhook: int, parked: int, *, now: datetime) -> bool:
        where = {"webhook": webhook, "parked": parked, "now": rows.microseconds(now)}

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute(_SQL["revive"], where).fetchone() is not None

        return await self._write(work)


def _place(cursor: str) -> int:
    """Raises BadCursor."""
    if cursor == BEGINNING:
        return 0
    if not (cursor.isascii() and cursor.isdigit()) or int(cursor) > _MOST:
        raise BadCursor
    return int(cursor)


def _kinds_json(kinds: Collection[EventKind]) -> str:
    return msgspec.json.encode(sorted(kinds)).decode()


def _micros(due_at: datetime | None) -> int | None:
    return None if due_at is None else rows.microseconds(due_at)


def _event_of(row: Row) -> Event:
    number, at, msisdn, kind, detail = row
    known: dict[str, Any] = {
        name: value for name, value in msgspec.json.decode(detail).items() if value is not None
    }
    if "flags" in known:
        known["flags"] = Flags(known["flags"]).names
    return Event(cursor=str(number), at=rows.moment(at), msisdn=Msisdn(msisdn), kind=EventKind(kind), **known)


def _find_webhook(connection: sqlite3.Connection, webhook: int) -> Webhook | None:
    row = connection.execute(_SQL["webhook"], (webhook,)).fetchone()
    return None if row is None else _webhook(row)


def _webhook(row: Row) -> Webhook:
    return rows.webhook((*row[:4], *row[5:]), cursor=str(row[4]) if row[4] else BEGINNING)
