# SPDX-License-Identifier: Apache-2.0
"""The event feed and its webhooks in PostgreSQL."""

from __future__ import annotations

import re
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
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.rows import Row

_SQL = statements("events.sql")
_CURSOR = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?\Z")
_MOST = 2**63 - 1
_NEVER = 2**62
_SLACK = SLACK // timedelta(microseconds=1)


class PostgresEvents:
    """vvm.store.events.EventStore and WebhookStore; a cursor is a transaction's id and an event's."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        xid, number = _place(after)
        where = {
            "after_xid": xid,
            "after_id": number,
            "limit": limit,
            "kinds": [kind.value for kind in kinds] or None,
            "msisdn": msisdn,
        }
        name = "events_of_subscriber" if msisdn else "events_after"
        if since is not None or until is not None:
            name = "events_of_subscriber_between" if msisdn else "events_between"
            first = 0 if since is None else rows.microseconds(since)
            last = _NEVER if until is None else rows.microseconds(until)
            where |= {"since": first, "until": last, "slack": _SLACK}
        return [_event_of(row) for row in await self._database.all(_SQL[name], where)]

    async def newest(self) -> str:
        row = await self._database.one(_SQL["newest_event"])
        return BEGINNING if row is None else _cursor(row[0], row[1])

    async def reaches(self, cursor: str) -> bool:
        xid, _ = _place(cursor)
        ((reached,),) = await self._database.all(_SQL["event_reached"], {"xid": xid})
        return bool(reached)

    async def forget_events(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}
        ((count,),) = await self._database.decide(_SQL["forget_events"], where, durable=False)
        return int(count)

    async def add_webhook(self, new: NewWebhook, *, most: int) -> Webhook:
        xid, number = _place(new.cursor)
        values = {
            "url": new.url,
            "kinds": _kinds_json(new.kinds),
            "secret_sealed": new.secret_sealed,
            "cursor_xid": xid,
            "cursor_id": number,
            "created_at": rows.microseconds(new.created_at),
            "most": most,
        }
        found = await self._database.decide(_SQL["insert_webhook"], values)
        if not found:
            raise TooManyWebhooks(limit=most)
        return _webhook(found[0])

    async def webhooks(self) -> Sequence[Webhook]:
        return [_webhook(row) for row in await self._database.all(_SQL["webhooks"])]

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
        xid, number = (None, None) if cursor is None else _place(cursor)
        values = {
            "webhook": webhook,
            "now": rows.microseconds(now),
            "url": url,
            "kinds": None if kinds is None else _kinds_json(kinds),
            "secret_sealed": secret_sealed,
            "paused": paused,
            "cursor_xid": xid,
            "cursor_id": number,
        }

        async def work(connection: Connection) -> Webhook | None:
            found = await _locked_webhook(connection, webhook)
            if found is None:
                return None
            found.require(as_read)
            if cursor is not None:
                await connection.all(_SQL["drop_parked"], values)
            return _webhook(await connection.one(_SQL["set_webhook"], values))

        return await self._database.write(work)

    async def remove_webhook(self, webhook: int, *, as_read: Webhook | None = None) -> bool:
        async def work(connection: Connection) -> bool:
            found = await _locked_webhook(connection, webhook)
            if found is None:
                return False
            found.require(as_read)
            await connection.all(_SQL["remove_webhook"], {"webhook": webhook})
            return True

        return await self._database.write(work)

    async def take_webhook(self, *, now: datetime, lease: timedelta) -> Webhook | None:
        where = {"now": rows.microseconds(now), "until": rows.microseconds(now + lease)}
        found = await self._database.decide(_SQL["take_webhook"], where, durable=False)
        return _webhook(found[0]) if found else None

    async def settle_webhook(self, taken: Webhook, outcome: Round) -> None:
        xid, number = _place(outcome.cursor)
        values = {
            "webhook": taken.id,
            "lease": rows.microseconds(taken.due_at),
            "cursor_xid": xid,
            "cursor_id": number,
            "failures": outcome.failures,
            "due_at": rows.microseconds(outcome.due_at),
            "pause": outcome.pause,
            "delivered": list(outcome.delivered),
        }

        async def work(connection: Connection) -> None:
            if await connection.one(_SQL["settle_webhook"], values) is None:
                return
            for event, due_at, error in outcome.park:
                parked = {
                    "webhook": taken.id,
                    "msisdn": event.msisdn,
                    "event": msgspec.json.encode(event).decode(),
                    "due_at": _micros(due_at),
                    "error": error,
                }
                await connection.all(_SQL["park"], parked)
            await connection.all(_SQL["unpark"], values)
            for row, due_at, error in outcome.again:
                again = {"parked": row, "due_at": _micros(due_at), "error": error}
                await connection.all(_SQL["park_again"], again)

        await self._database.write(work)

    async def parked(self, webhook: int, *, now: datetime, limit: int) -> Sequence[Parked]:
        where = {"webhook": webhook, "now": rows.microseconds(now), "limit": limit}
        return [rows.parked(row) for row in await self._database.all(_SQL["parked"], where)]

    async def parked_subscribers(self, webhook: int, among: Collection[Msisdn]) -> Collection[Msisdn]:
        where = {"webhook": webhook, "among": sorted(among)}
        return {Msisdn(row[0]) for row in await self._database.all(_SQL["parked_subscribers"], where)}

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
            "kinds": [kind.value for kind in kinds] or None,
            "msisdn": msisdn,
        }
        return [rows.parked(row) for row in await self._database.all(_SQL["dead_events"], where)]

    async def revive(self, webhook: int, parked: int, *, now: datetime) -> bool:
        where = {"webhook": webhook, "parked": parked, "now": rows.microseconds(now)}
        return bool(await self._database.decide(_SQL["revive"], where))


def _place(cursor: str) -> tuple[int, int]:
    """Raises BadCursor."""
    if cursor == BEGINNING:
        return 0, 0
    match = _CURSOR.match(cursor)
    if match is None:
        raise BadCursor
    place = int(match[1]), int(match[2] or 0)
    if max(place) > _MOST:
        raise BadCursor
    return place


def _cursor(xid: int, number: int) -> str:
    return f"{xid}-{number}" if xid or number else BEGINNING


def _kinds_json(kinds: Collection[EventKind]) -> str:
    return msgspec.json.encode(sorted(kinds)).decode()


def _micros(due_at: datetime | None) -> int | None:
    return None if due_at is None else rows.microseconds(due_at)


def _event_of(row: Row) -> Event:
    xid, number, at, msisdn, kind, detail = row
    known: dict[str, Any] = {
        name: value for name, value in msgspec.json.decode(detail).items() if value is not None
    }
    if "flags" in known:
        known["flags"] = Flags(known["flags"]).names
    return Event(
        cursor=_cursor(xid, number), at=rows.moment(at), msisdn=Msisdn(msisdn), kind=EventKind(kind), **known
    )


async def _locked_webhook(connection: Connection, webhook: int) -> Webhook | None:
    row = await connection.one(_SQL["lock_webhook"], {"webhook": webhook})
    return None if row is None else _webhook(row)


def _webhook(row: Row) -> Webhook:
    return rows.webhook((*row[:4], *row[6:]), cursor=_cursor(row[4], row[5]))
