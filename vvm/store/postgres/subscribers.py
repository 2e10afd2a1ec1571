# SPDX-License-Identifier: Apache-2.0
"""Subscribers in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from vvm.domain.actor import actor
from vvm.domain.cos import UnknownCos
from vvm.domain.errors import (
    IsAlias,
    NumberQuarantined,
    PreconditionFailed,
    SubscriberExists,
    SubscriberHeld,
    UnknownSubscriber,
)
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, MailboxId, Subscriber, SubscriberId
from vvm.store import rows
from vvm.store.port import GREETINGS_LIMIT, Audited, NewSubscriber, SubscriberChange
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owe

_SQL = statements("subscribers.sql")


class PostgresSubscribers:
    """vvm.store.port.SubscriberStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, new: NewSubscriber) -> Subscriber:
        ((outcome, subscriber, mailbox),) = await self._database.decide(_SQL["create"], _new_values([new]))
        if outcome == "exists":
            raise SubscriberExists
        if outcome == "quarantined":
            raise NumberQuarantined
        return new.born(SubscriberId(subscriber), MailboxId(mailbox))

    async def create_many(self, new: Sequence[NewSubscriber]) -> Sequence[Msisdn]:
        found = await self._database.decide(_SQL["create"], _new_values(new))
        return [one.msisdn for one, (outcome, *_) in zip(new, found, strict=True) if not outcome]

    async def by_msisdn(self, msisdn: Msisdn) -> Subscriber | None:
        return await self._one("subscriber_by_msisdn", {"msisdn": msisdn})

    async def by_id(self, subscriber: SubscriberId) -> Subscriber | None:
        return await self._one("subscriber_by_id", {"id": subscriber})

    async def by_imap_user(self, user: str) -> Subscriber | None:
        return await self._one("subscriber_by_imap_user", {"user": user})

    async def change(self, msisdn: Msisdn, change: SubscriberChange, owed: Sequence[Owed] = ()) -> Subscriber:
        async def work(connection: Connection) -> Subscriber:
            after = await apply_change(connection, msisdn, change)
            await owe(connection, owed)
            return after

        return await self._database.write(work)

    async def remove(
        self, msisdn: Msisdn, *, at: datetime, reason: str = "", decided_at: datetime | None = None
    ) -> None:
        async def work(connection: Connection) -> None:
            found = await find(connection, msisdn)
            if found.msisdn != msisdn:
                raise IsAlias
            if found.held:
                raise SubscriberHeld
            if decided_at not in {None, found.changed_at}:
                raise PreconditionFailed
            which = {"id": found.id, "mailbox": found.mailbox, "msisdn": msisdn}
            await audit(connection, Audited(msisdn, at, Trigger.REMOVED, found.status, None, reason))
            for statement in (
                "lock_mailbox",
                "delete_mailbox",
                "delete_owed",
                "delete_devices",
                "delete_aliases",
                "delete_subscriber",
            ):
                await connection.all(_SQL[statement], which)
            for name, kind in ((msisdn, "msisdn"), (found.imap_user, "imap_user")):
                await connection.all(_SQL["delete_name"], {"name": name, "kind": kind})

        await self._database.write(work)

    async def take_pin_try(
        self, subscriber: SubscriberId, *, now: datetime, most: int, lockout: timedelta
    ) -> bool:
        what = {
            "id": subscriber,
            "now": rows.microseconds(now),
            "most": most,
            "locked_until": rows.microseconds(now + lockout),
        }
        return bool(await self._database.decide(_SQL["take_pin_try"], what, durable=False))

    async def forget_pin_tries(self, subscriber: SubscriberId) -> None:
        await self._database.decide(_SQL["forget_pin_tries"], {"id": subscriber}, durable=False)

    async def page(self, *, after: Msisdn | None, limit: int) -> Sequence[Subscriber]:
        where = {"after": after or "", "limit": limit}
        return [rows.subscriber(row) for row in await self._database.all(_SQL["subscribers_after"], where)]

    async def closed(self, *, now: datetime, limit: int) -> Sequence[Subscriber]:
        where = {"now": rows.microseconds(now), "limit": limit}
        return [rows.subscriber(row) for row in await self._database.all(_SQL["closed"], where)]

    async def audit(self, msisdn: Msisdn, *, limit: int) -> Sequence[Audited]:
        where = {"msisdn": msisdn, "limit": limit}
        return [rows.audited(row) for row in await self._database.all(_SQL["audit"], where)]

    async def answered(self, subscriber: SubscriberId) -> None:
        await self._database.decide(_SQL["answered"], {"id": subscriber}, durable=False)

    async def _one(self, statement: str, key: dict[str, object]) -> Subscriber | None:
        row = await self._database.one(_SQL[statement], key)
        return None if row is None else rows.subscriber(row)


async def apply_change(connection: Connection, msisdn: Msisdn, change: SubscriberChange) -> Subscriber:
    """Set the fields of a change, inside the caller's transaction.  Raises UnknownSubscriber."""
    before = await find(connection, msisdn)
    after = change.applied_to(before)
    await _check_cos(connection, after.cos)
    await connection.all(_SQL["update_subscriber"], rows.changed_subscriber(after))
    if change.audited(before):
        why = change.trigger, before.status, after.status, change.told(before)
        await audit(connection, Audited(before.msisdn, change.changed_at, *why))
    if change.pin_check is not None:
        await connection.all(_SQL["forget_pin_tries"], {"id": after.id})
    mailbox = {
        "mailbox": after.mailbox,
        "status": after.status.value,
        "cos": after.cos,
        "held": after.held,
        "max_messages": after.max_messages,
    }
    if (after.status, after.cos, after.held) != (before.status, before.cos, before.held):
        await connection.all(_SQL["update_mailbox"], mailbox)
    if after.max_messages != before.max_messages:
        await connection.all(_SQL["lock_mailbox"], mailbox)
        await connection.all(_SQL["limit_folders"], mailbox)
    return after


async def find(connection: Connection, msisdn: Msisdn) -> Subscriber:
    """Lock a subscriber inside the caller's transaction.  Raises UnknownSubscriber."""
    row = await connection.one(_SQL["locked_subscriber_by_msisdn"], {"msisdn": msisdn})
    if row is None:
        raise UnknownSubscriber
    return rows.subscriber(row)


def _new_values(new: Sequence[NewSubscriber]) -> dict[str, object]:
    """A row each for the function create_subscriber() (functions/create_subscriber.sql)."""
    return {
        "given": [_new_json(one) for one in new],
        "checks": [one.password_check for one in new],
        "sealed": [one.password_sealed for one in new],
    }


def _new_json(new: NewSubscriber) -> str:
    fields = {
        "msisdn": new.msisdn,
        "status": new.status.value,
        "client": rows.client_json(new.client),
        "language": new.language,
        "setup_done": new.setup_done,
        "max_messages": new.max_messages,
        "max_greetings": GREETINGS_LIMIT,
        "imap_user": new.imap_user,
        "created_at": rows.microseconds(new.created_at),
        "pin_check": new.pin_check,
        "fallback": new.fallback.value,
        "cos": new.cos or None,
        "actor": actor(),
        "aliases": new.aliases,
        "held": new.held,
        "closing_at": None if new.closing is None else rows.microseconds(new.closing.at),
        "closed_from": None if new.closing is None else new.closing.before.value,
        "transitions": [
            {"trigger": one.trigger, "before": one.before, "after": one.after, "reason": one.reason}
            for one in new.transitions()
        ],
    }
    return msgspec.json.encode(fields).decode()


async def _check_cos(connection: Connection, name: CosName) -> None:
    if name and await connection.one(_SQL["cos_exists"], {"cos": name}) is None:
        raise UnknownCos


async def audit(connection: Connection, entry: Audited) -> None:
    """Note a transition, inside the caller's transaction."""
    await connection.all(
        _SQL["insert_audit"],
        {
            "msisdn": entry.msisdn,
            "at": rows.microseconds(entry.at),
            "trigger": str(entry.trigger),
            "before": entry.before,
            "after": entry.after,
            "reason": entry.reason,
            "actor": entry.actor,
        },
    )
