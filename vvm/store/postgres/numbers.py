# SPDX-License-Identifier: Apache-2.0
"""The numbers of subscribers in PostgreSQL.

Whoever changes the numbers of a subscriber locks its row first; that a number is nobody else's, the
directory decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from vvm.domain.errors import IsAlias, NumberQuarantined, SubscriberExists, TooManyAliases, UnknownAlias
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.store import rows
from vvm.store.numbers import Renumbering, no_more_by_alias
from vvm.store.port import Audited
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owe
from vvm.store.postgres.subscribers import apply_change, audit, find

_SQL = statements("numbers.sql")
_SUBSCRIBERS = statements("subscribers.sql")


class PostgresNumbers:
    """vvm.store.numbers.NumberStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def aliases(self, subscriber: SubscriberId) -> Sequence[Msisdn]:
        found = await self._database.all(_SQL["aliases"], {"subscriber": subscriber})
        return [Msisdn(number) for (number,) in found]

    async def aliases_of(
        self, subscribers: Collection[SubscriberId]
    ) -> Mapping[SubscriberId, Sequence[Msisdn]]:
        return rows.aliases(await self._database.all(_SQL["aliases_of"], {"subscribers": list(subscribers)}))

    async def add_alias(
        self, msisdn: Msisdn, alias: Msisdn, *, most: int, at: datetime, reason: str = ""
    ) -> bool:
        async def work(connection: Connection) -> bool:
            owner = await find(connection, msisdn)
            which = {"subscriber": owner.id, "msisdn": alias}
            known = [number for (number,) in await connection.all(_SQL["aliases"], which)]
            if alias in known:
                return False
            await _take(connection, owner.id, alias, "msisdn")
            await _require_free(connection, alias, owner.id, at)
            if len(known) >= most:
                raise TooManyAliases(most=most)
            for statement in ("insert_alias", "leave_quarantine"):
                await connection.all(_SQL[statement], which)
            await _note(connection, owner, at, Trigger.ALIAS_ADDED, f"{alias} {reason}")
            return True

        return await self._database.write(work)

    async def remove_alias(self, msisdn: Msisdn, alias: Msisdn, *, at: datetime, reason: str = "") -> None:
        async def work(connection: Connection) -> None:
            owner = await find(connection, msisdn)
            if not await _drop_alias(connection, owner.id, alias):
                raise UnknownAlias
            if owner.handset == alias:
                await apply_change(connection, msisdn, no_more_by_alias(owner, at=at))
            await _note(connection, owner, at, Trigger.ALIAS_REMOVED, f"{alias} {reason}")

        await self._database.write(work)

    async def renumber(
        self, msisdn: Msisdn, renumbering: Renumbering, owed: Sequence[Owed] = ()
    ) -> Subscriber:
        async def work(connection: Connection) -> Subscriber:
            after = await _renumber(connection, msisdn, renumbering)
            await owe(connection, owed)
            return after

        return await self._database.write(work)

    async def formerly(self, msisdn: Msisdn, *, now: datetime) -> Subscriber | None:
        which = {"msisdn": msisdn, "now": rows.microseconds(now)}
        former = await self._database.one(_SQL["former"], which)
        if former is None:
            return None
        row = await self._database.one(_SUBSCRIBERS["subscriber_by_id"], {"id": former[0]})
        return None if row is None else rows.subscriber(row)

    async def end_quarantines(self, *, now: datetime, limit: int) -> int:
        which = {"now": rows.microseconds(now), "limit": limit}
        ((count,),) = await self._database.decide(_SQL["end_quarantines"], which, durable=False)
        return int(count)


async def _renumber(connection: Connection, msisdn: Msisdn, renumbering: Renumbering) -> Subscriber:
    before = await find(connection, msisdn)
    if before.msisdn != msisdn:
        raise IsAlias
    new, at, until = renumbering.msisdn, renumbering.change.changed_at, renumbering.quarantine_until
    moved = await apply_change(connection, msisdn, renumbering.change)
    await _drop_alias(connection, before.id, new)
    for name, old, kind in (
        (new, msisdn, "msisdn"),
        (renumbering.imap_user, before.imap_user, "imap_user"),
    ):
        await _drop_name(connection, before.id, old, kind)
        await _take(connection, before.id, name, kind)
    await _require_free(connection, new, before.id, at)
    which = {"msisdn": new, "imap_user": renumbering.imap_user, "subscriber": before.id}
    await connection.all(_SQL["renumber"], which | {"mailbox": before.mailbox})
    await connection.all(_SQL["leave_quarantine"], which)
    if until is not None:
        left = {"msisdn": msisdn, "subscriber": before.id, "until": rows.microseconds(until)}
        await connection.all(_SQL["quarantine"], left)
    why = renumbering.change.trigger, before.status, moved.status, renumbering.change.reason
    await audit(connection, Audited(new, at, *why))
    return msgspec.structs.replace(moved, msisdn=new, imap_user=renumbering.imap_user)


async def _take(connection: Connection, subscriber: SubscriberId, name: str, kind: str) -> None:
    which = {"name": name, "kind": kind, "subscriber": subscriber}
    if await connection.one(_SQL["insert_name"], which) is None:
        raise SubscriberExists


async def _drop_name(connection: Connection, subscriber: SubscriberId, name: str, kind: str) -> None:
    await connection.all(_SQL["delete_name"], {"name": name, "kind": kind, "subscriber": subscriber})


async def _drop_alias(connection: Connection, subscriber: SubscriberId, alias: Msisdn) -> bool:
    """False: it had no such alias."""
    which = {"subscriber": subscriber, "msisdn": alias}
    if await connection.one(_SQL["delete_alias"], which) is None:
        return False
    await _drop_name(connection, subscriber, alias, "msisdn")
    return True


async def _require_free(
    connection: Connection, number: Msisdn, subscriber: SubscriberId, at: datetime
) -> None:
    which = {"msisdn": number, "subscriber": subscriber, "at": rows.microseconds(at)}
    if await connection.one(_SQL["quarantined"], which) is not None:
        raise NumberQuarantined


async def _note(
    connection: Connection, owner: Subscriber, at: datetime, trigger: Trigger, reason: str
) -> None:
    entry = Audited(owner.msisdn, at, trigger, owner.status, owner.status, reason.strip())
    await audit(connection, entry)
