# SPDX-License-Identifier: Apache-2.0
"""Owed notifications in PostgreSQL.

Writes that only note progress (lease, acceptance, end) wait for no fsync: what a power failure
takes from them costs a second SMS, which is harmless (design.md invariant 4).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

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
from vvm.store.postgres.engine import Connection, Database, statements

_SQL = statements("outbox.sql")
_FAMILIES = [family.value for family in Family]
"""Those that we can send.  A newer release that works beside this one may owe others: they are its own."""
_CAUSES = [cause.value for cause in Cause]


async def owe(connection: Connection, owed: Sequence[Owed], *, uid: int | None = None) -> None:
    """Owe notifications inside the transaction of their cause: each joins what waits, or gets a row."""
    if owed:
        await connection.all(_SQL["owe"], {"owed": owed_json(owed), "uid": uid})


def owed_json(owed: Sequence[Owed]) -> str:
    """What the function owe() reads (functions/owe.sql)."""
    items = [
        {
            "subscriber": item.subscriber,
            "recipient": item.recipient,
            "family": item.cause.family.value,
            "cause": item.cause.value,
            "joined": item.cause.joined.value,
            "return_code": item.return_code,
            "due_at": rows.microseconds(item.due_at),
            "expires_at": rows.microseconds(item.expires_at),
            "spacing": rows.duration(item.spacing),
            "carrier": item.carrier,
        }
        for item in owed
    ]
    return msgspec.json.encode(items).decode()


def _resent(at: datetime) -> dict[str, object]:
    """What a row of the audit has, but for whose it is and why."""
    return {"at": rows.microseconds(at), "trigger": Trigger.RESENT.value, "actor": actor()}


class PostgresOutbox:
    """vvm.store.port.OutboxStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owe(self, owed: Sequence[Owed]) -> None:
        await self._database.decide(_SQL["owe"], {"owed": owed_json(owed), "uid": None})

    async def tell_again(self, owed: Owed, *, uid: int | None, at: datetime, reason: str) -> None:
        noted = _resent(at) | {"subscriber": owed.subscriber, "reason": reason}

        async def work(connection: Connection) -> None:
            await owe(connection, [owed], uid=uid)
            await connection.all(_SQL["note_resent"], noted)

        await self._database.write(work)

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
        at = {
            "now": rows.microseconds(now),
            "until": rows.microseconds(now + lease),
            "limit": limit,
            "holder": holder,
            "families": _FAMILIES,
            "carriers": list(lane.carriers),
            "others": lane.others,
            "after": after,
        }
        found = await self._database.decide(_SQL["lease"], at, durable=False)
        return [_leased(row, now) for row in found]

    async def accepted(self, row: Leased, acceptance: Acceptance, *, now: datetime) -> None:
        values = _which(row) | _acceptance(acceptance) | {"now": rows.microseconds(now)}
        await self._database.decide(_SQL["accept_segment"], values, durable=False)

    async def retry(self, row: Leased, *, due_at: datetime, status: int | None, counted: bool) -> None:
        values = _which(row) | {
            "due_at": rows.microseconds(due_at),
            "status": status,
            "taken_back": 0 if counted else 1,
        }
        await self._database.decide(_SQL["give_back"], values, durable=False)

    async def take_back(self, holder: str, *, but: Collection[int] = ()) -> int:
        where = {"holder": holder, "but": list(but)}
        return len(await self._database.decide(_SQL["take_back"], where, durable=False))

    async def hasten(self, recipient: Msisdn, *, now: datetime) -> int:
        values = {"recipient": recipient, "now": rows.microseconds(now)}
        return len(await self._database.decide(_SQL["hasten"], values, durable=False))

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
        values = (
            _which(row)
            | _acceptance(last)
            | {
                "state": settlement.value,
                "now": rows.microseconds(now),
                "status": status,
                "gated_until": None if gated_until is None else rows.microseconds(gated_until),
                "smsc": smsc,
                "to_client": to_client,
            }
        )
        await self._database.decide(_SQL["settle"], values, durable=False)

    async def receipt(self, message_id: str, settlement: Settlement, *, now: datetime) -> Reported | None:
        end = {"message_id": message_id, "state": settlement.value, "now": rows.microseconds(now)}
        ((found,),) = await self._database.decide(_SQL["report"], end, durable=False)
        return None if found is None else rows.reported(msgspec.json.decode(found))

    async def fetched(self, fetches: Mapping[Msisdn, datetime]) -> Sequence[tuple[Told, datetime]]:
        where = {"recipients": list(fetches), "ats": [rows.microseconds(at) for at in fetches.values()]}
        found = await self._database.decide(_SQL["fetched"], where, durable=False)
        return [(rows.told(row), rows.moment(row[5])) for row in found]

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
        found = await self._database.all(_SQL["dead_letters"], where)
        return [rows.notification_record(row) for row in found]

    async def has_dead_letters(self) -> bool:
        return await self._database.one(_SQL["any_dead"]) is not None

    async def missed(
        self, *, since: datetime, before: datetime, after: int, limit: int
    ) -> Sequence[NotificationRecord]:
        where = {
            "since": rows.microseconds(since),
            "before": rows.microseconds(before),
            "after": after,
            "limit": limit,
        }
        found = await self._database.all(_SQL["missed"], where)
        return [rows.notification_record(row) for row in found]

    async def history(self, recipient: Msisdn, *, limit: int) -> Sequence[NotificationRecord]:
        found = await self._database.all(_SQL["history"], {"recipient": recipient, "limit": limit})
        return [rows.notification_record(row) for row in found]

    async def resend(self, row: int, *, now: datetime, expires_at: datetime) -> bool:
        noted = _resent(now)

        async def work(connection: Connection) -> bool:
            dead = await connection.one(_SQL["revive"], {"row": row, "causes": _CAUSES})
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
            await owe(connection, [again], uid=uid)
            await connection.all(_SQL["note_resent"], noted | {"subscriber": subscriber, "reason": cause})
            return True

        return await self._database.write(work)

    async def forget(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}
        ((count,),) = await self._database.decide(_SQL["forget_settled"], where, durable=False)
        return int(count)

    async def share(
        self, sender: str, smscs: Sequence[str], *, now: datetime, until: datetime
    ) -> Mapping[str, Share]:
        values = {
            "sender": sender,
            "smscs": list(smscs),
            "now": rows.microseconds(now),
            "until": rows.microseconds(until),
        }
        found = await self._database.decide(_SQL["share"], values, durable=False)
        return {smsc: Share(senders, new) for smsc, senders, new in found}

    async def counts(self) -> OutboxCounts:
        (dead,) = await self._database.one(_SQL["counts"])
        return rows.outbox_counts(await self._database.all(_SQL["counts_by_carrier"]), dead)

    async def next_due(self, *, now: datetime, lane: Lane = EVERYBODY) -> datetime | None:
        where = {
            "now": rows.microseconds(now),
            "families": _FAMILIES,
            "carriers": list(lane.carriers),
            "others": lane.others,
        }
        (due_at,) = await self._database.one(_SQL["next_due"], where)
        return rows.moment_or_none(due_at)


def _acceptance(acceptance: Acceptance | None) -> dict[str, object]:
    if acceptance is None:
        return {"segment": None, "total": None, "message_id": None}
    return {
        "segment": acceptance.segment,
        "total": acceptance.total,
        "message_id": acceptance.message_id,
    }


def _which(row: Leased) -> dict[str, object]:
    """A row, and the lease that it is held by."""
    return {
        "recipient": row.recipient,
        "row": row.id,
        "attempt": row.attempt,
        "taken_at": rows.microseconds(row.taken_at),
    }


def _leased(row: Any, now: datetime) -> Leased:
    return Leased(
        id=row[0],
        recipient=Msisdn(row[1]),
        subscriber=None if row[2] is None else SubscriberId(row[2]),
        cause=Cause(row[3]),
        uid=row[4],
        return_code=row[5],
        attempt=row[6],
        owed_at=rows.moment(row[8]),
        taken_at=now,
        expires_at=rows.moment(row[7]),
        accepted=frozenset(map(int, row[9])),
        carrier=row[10],
    )
