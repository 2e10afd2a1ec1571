# SPDX-License-Identifier: Apache-2.0
"""Owed notifications and received SMS in SQLite.

Writes that only note progress (lease, acceptance, end) wait for no fsync: what a power failure
takes from them costs a second SMS, which is harmless (design.md invariant 4).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, zip_longest

from vvm.domain.actor import actor
from vvm.domain.notification import EVERYBODY, Cause, Family, Lane, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import SubscriberId
from vvm.store import rows
from vvm.store.conditions import of_dead_letters
from vvm.store.port import (
    Acceptance,
    NotificationRecord,
    OutboxCounts,
    Reported,
    Settlement,
    Share,
    Told,
)
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Row, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "outbox.sql")
_FAMILIES = json.dumps([family.value for family in Family])
"""Those that we can send."""
_CAUSES = json.dumps([cause.value for cause in Cause])


def insert_owed(connection: sqlite3.Connection, owed: Sequence[Owed], *, uid: int | None = None) -> None:
    """Owe notifications inside the transaction of their cause: each joins what waits, or gets a row."""
    for item in owed:
        values = {
            "subscriber": item.subscriber,
            "recipient": item.recipient,
            "family": item.cause.family.value,
            "cause": item.cause.value,
            "joined": item.cause.joined.value,
            "uid": uid,
            "return_code": item.return_code,
            "carrier": item.carrier,
            "owed_at": rows.microseconds(item.due_at),
            "due_at": rows.microseconds(item.due_at),
            "expires_at": rows.microseconds(item.expires_at),
        }
        if connection.execute(_SQL["join_waiting"], values).fetchone() is None:
            gate, taken = connection.execute(_SQL["not_before"], values).fetchone()
            values["held"] = gate is not None
            values["due_at"] = max(
                rows.microseconds(item.due_at),
                gate or 0,
                0 if taken is None else taken + rows.duration(item.spacing),
            )
            connection.execute(_SQL["insert_owed"], values)


def _resent(at: datetime) -> dict[str, object]:
    """What a row of the audit has, but for whose it is and why."""
    return {"at": rows.microseconds(at), "trigger": Trigger.RESENT.value, "actor": actor()}


class SqliteOutbox:
    """vvm.store.port.OutboxStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def owe(self, owed: Sequence[Owed]) -> None:
        await self._write(lambda connection: insert_owed(connection, owed))

    async def tell_again(self, owed: Owed, *, uid: int | None, at: datetime, reason: str) -> None:
        noted = _resent(at) | {"subscriber": owed.subscriber, "reason": reason}

        def work(connection: sqlite3.Connection) -> None:
            insert_owed(connection, [owed], uid=uid)
            connection.execute(_SQL["note_resent"], noted)

        await self._write(work)

    async def lease(
        self,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        holder: str = "",
        lane: Lane = EVERYBODY,
        after: str = "",
    ) -> Sequence[Leased]:
        at = {"now": rows.microseconds(now), "until": rows.microseconds(now + lease)}
        carriers = self._carriers(lane, after)
        where = {"now": at["now"], "families": _FAMILIES}
        if not any(self._reader.one(_SQL["any_due"], where | {"carrier": carrier}) for carrier in carriers):
            return []  # an idle worker costs some reads and no write

        def work(connection: sqlite3.Connection) -> Sequence[Leased]:
            queues = [_due(connection, carrier, at, limit) for carrier in carriers]
            turns = chain.from_iterable(zip_longest(*queues))  # the first of each, then the second of each
            due = list(islice((row for row in turns if row is not None), limit))
            connection.executemany(_SQL["lease"], [at | {"row": row[0], "holder": holder} for row in due])
            return [_leased(row, now) for row in due]

        return await self._write(work, durable=False)

    def _carriers(self, lane: Lane, after: str = "") -> Sequence[str]:
        """Those of a lane that are owed anything, in the order of their turns."""
        where = {"carriers": json.dumps(sorted(lane.carriers)), "others": lane.others, "after": after}
        return [carrier for (carrier,) in self._reader.all(_SQL["carriers"], where)]

    async def accepted(self, row: Leased, acceptance: Acceptance, *, now: datetime) -> None:
        values = _acceptance(row, acceptance, now)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_SQL["accept_segment"], values)

        await self._write(work, durable=False)

    async def retry(self, row: Leased, *, due_at: datetime, status: int | None, counted: bool) -> None:
        values = {
            "row": row.id,
            "attempt": row.attempt,
            "taken_at": rows.microseconds(row.taken_at),
            "due_at": rows.microseconds(due_at),
            "status": status,
            "taken_back": 0 if counted else 1,
        }

        await self._write(lambda connection: _give_back(connection, values), durable=False)

    async def take_back(self, holder: str, *, but: Collection[int] = ()) -> int:
        where = (holder, json.dumps(list(but)))

        def work(connection: sqlite3.Connection) -> int:
            found = connection.execute(_SQL["in_hands"], where).fetchall()
            for row, attempt, taken_at in found:
                values = {"row": row, "attempt": attempt, "taken_at": taken_at, "due_at": taken_at}
                _give_back(connection, values | {"status": None, "taken_back": 1})
            return len(found)

        return await self._write(work, durable=False)

    async def hasten(self, recipient: Msisdn, *, now: datetime) -> int:
        values = {"recipient": recipient, "now": rows.microseconds(now)}

        def work(connection: sqlite3.Connection) -> int:
            return len(connection.execute(_SQL["hasten"], values).fetchall())

        return await self._write(work, durable=False)

    async def settle(
        self,
        row: Leased,
        settlement: Settlement,
        *,
        now: datetime,
        status: int | None = None,
        gated_until: datetime | None = None,
        smsc: str = "",
        to_client: bool = False,
        last: Acceptance | None = None,
    ) -> None:
        values = {
            "row": row.id,
            "attempt": row.attempt,
            "taken_at": rows.microseconds(row.taken_at),
            "state": settlement.value,
            "now": rows.microseconds(now),
            "status": status,
            "gated_until": None if gated_until is None else rows.microseconds(gated_until),
            "smsc": smsc,
            "to_client": to_client,
        }
        accepted = None if last is None else _acceptance(row, last, now)
        of_subscriber = row.subscriber is not None and row.cause.family is Family.SYNC

        def work(connection: sqlite3.Connection) -> None:
            closed = connection.execute(_SQL["settle"], values).fetchone()
            if closed is None:
                return
            if accepted is not None:
                connection.execute(_SQL["accept_segment"], accepted)
            if settlement is Settlement.SENT and of_subscriber:
                connection.execute(_SQL["unanswered"], values)
            if gated_until is not None:
                connection.execute(_SQL["hold"], values | {"recipient": closed[0]})

        await self._write(work, durable=False)

    async def receipt(self, message_id: str, settlement: Settlement, *, now: datetime) -> Reported | None:
        def work(connection: sqlite3.Connection) -> Reported | None:
            found = connection.execute(_SQL["row_of_message_id"], (message_id,)).fetchone()
            if found is None:
                return None
            row, segment = found
            if settlement is Settlement.DELIVERED:
                connection.execute(_SQL["mark_delivered"], (row, segment))
                (whole,) = connection.execute(_SQL["delivered_whole"], (row,)).fetchone()
                if not whole:
                    return Reported(None)
            close = {"row": row, "state": settlement.value, "now": rows.microseconds(now)}
            closed = connection.execute(_SQL["close_sent"], close).fetchone()
            if closed is None:
                return Reported(None)
            connection.execute(_SQL["release"], close | {"recipient": closed[0]})
            return Reported(rows.told(connection.execute(_SQL["way"], (row,)).fetchone()))

        return await self._write(work, durable=False)

    async def fetched(self, fetches: Mapping[Msisdn, datetime]) -> Sequence[tuple[Told, datetime]]:
        found: list[tuple[int, bool, datetime]] = []
        for recipient, at in fetches.items():
            where = (recipient, rows.microseconds(at))
            found += [(row, told, at) for row, told in self._reader.all(_SQL["unfetched"], where)]
        if not found:
            return []

        def work(connection: sqlite3.Connection) -> Sequence[tuple[Told, datetime]]:
            answered = []
            for row, told, at in found:
                marked = connection.execute(_SQL["fetched"], (rows.microseconds(at), row)).rowcount
                way = connection.execute(_SQL["way"], (row,)).fetchone()
                if marked and told and way[4] is not None and rows.moment(way[4]) <= at:
                    answered.append((rows.told(way), at))
            return answered

        return await self._write(work, durable=False)

    async def dead_letters(
        self,
        *,
        after: int,
        limit: int,
        recipient: Msisdn | None = None,
        cause: Cause | None = None,
        since: datetime | None = None,
    ) -> Sequence[NotificationRecord]:
        where = of_dead_letters(after=after, limit=limit, recipient=recipient, cause=cause, since=since)
        found = self._reader.all(_SQL["dead_letters"], where)
        return [rows.notification_record(row) for row in found]

    async def has_dead_letters(self) -> bool:
        return self._reader.one(_SQL["any_dead"]) is not None

    async def missed(
        self, *, since: datetime, before: datetime, after: int, limit: int
    ) -> Sequence[NotificationRecord]:
        where = {
            "since": rows.microseconds(since),
            "before": rows.microseconds(before),
            "after": after,
            "limit": limit,
        }
        found = self._reader.all(_SQL["missed"], where)
        return [rows.notification_record(row) for row in found]

    async def history(self, recipient: Msisdn, *, limit: int) -> Sequence[NotificationRecord]:
        found = self._reader.all(_SQL["history"], {"recipient": recipient, "limit": limit})
        return [rows.notification_record(row) for row in found]

    async def resend(self, row: int, *, now: datetime, expires_at: datetime) -> bool:
        noted = _resent(now)

        def work(connection: sqlite3.Connection) -> bool:
            dead = connection.execute(_SQL["revive"], {"row": row, "causes": _CAUSES}).fetchone()
            if dead is None:
                return False
            recipient, subscriber, cause, uid, return_code, carrier = dead
            again = Owed(
                recipient=Msisdn(recipient),
                subscriber=None if subscriber is None else SubscriberId(subscriber),
                cause=Cause(cause),
                due_at=now,
                expires_at=expires_at,
                return_code=return_code,
                carrier=carrier,
            )
            insert_owed(connection, [again], uid=uid)
            connection.execute(_SQL["note_resent"], noted | {"subscriber": subscriber, "reason": cause})
            return True

        return await self._write(work)

    async def forget(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(_SQL["forget_settled"], where).rowcount

        return await self._write(work, durable=False)

    async def share(
        self, sender: str, smscs: Sequence[str], *, now: datetime, until: datetime
    ) -> Mapping[str, Share]:
        at = {"sender": sender, "now": rows.microseconds(now), "until": rows.microseconds(until)}

        def work(connection: sqlite3.Connection) -> Mapping[str, Share]:
            shares = {}
            for smsc in smscs:
                values = at | {"smsc": smsc}
                new = connection.execute(_SQL["sender_is_known"], values).fetchone() is None
                connection.execute(_SQL["put_sender"], values)
                connection.execute(_SQL["forget_senders"], values)
                (senders,) = connection.execute(_SQL["count_senders"], values).fetchone()
                shares[smsc] = Share(senders, new)
            return shares

        return await self._write(work, durable=False)

    async def counts(self) -> OutboxCounts:
        ((dead,),) = self._reader.all(_SQL["counts"])
        return rows.outbox_counts(self._reader.all(_SQL["counts_by_carrier"]), dead)

    async def next_due(self, *, now: datetime, lane: Lane = EVERYBODY) -> datetime | None:
        at = {"now": rows.microseconds(now), "families": _FAMILIES}
        found = [self._reader.one(_SQL["next_due"], at | {"carrier": each}) for each in self._carriers(lane)]
        return min((rows.moment(row[0]) for row in found if row is not None), default=None)


def _due(connection: sqlite3.Connection, carrier: str, at: dict[str, int], limit: int) -> Sequence[Row]:
    due: list[Row] = []
    for family in Family:  # STATUS stands first
        where = at | {"carrier": carrier, "family": family.value, "limit": limit - len(due)}
        due += connection.execute(_SQL["due"], where).fetchall()
    return due


def _acceptance(row: Leased, acceptance: Acceptance, now: datetime) -> dict[str, object]:
    return {
        "row": row.id,
        "segment": acceptance.segment,
        "total": acceptance.total,
        "message_id": acceptance.message_id,
        "now": rows.microseconds(now),
    }


def _give_back(connection: sqlite3.Connection, values: dict[str, int | None]) -> None:
    if connection.execute(_SQL["give_back"], values).fetchone() is None:
        return
    if connection.execute(_SQL["join_beside"], values).fetchone() is not None:
        end = {"row": values["row"], "state": Settlement.JOINED.value, "now": values["due_at"]}
        connection.execute(_SQL["close_joined"], end)


def _leased(row: Row, now: datetime) -> Leased:
    return Leased(
        id=row[0],
        recipient=Msisdn(row[1]),
        subscriber=None if row[2] is None else SubscriberId(row[2]),
        cause=Cause(row[3]),
        uid=row[4],
        return_code=row[5],
        attempt=row[6] + 1,
        owed_at=rows.moment(row[8]),
        taken_at=now,
        expires_at=rows.moment(row[7]),
        accepted=frozenset(map(int, row[10].split(","))) if row[10] else frozenset(),
        carrier=row[9],
    )
