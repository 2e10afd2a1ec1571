# SPDX-License-Identifier: Apache-2.0
"""The numbers of subscribers in SQLite."""

from __future__ import annotations

import sqlite3
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
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.outbox import insert_owed
from vvm.store.sqlite.subscribers import apply_change, audit, find

_SQL = named_statements("vvm.store.sqlite.queries", "numbers.sql")
_SUBSCRIBERS = named_statements("vvm.store.sqlite.queries", "subscribers.sql")


class SqliteNumbers:
    """vvm.store.numbers.NumberStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def aliases(self, subscriber: SubscriberId) -> Sequence[Msisdn]:
        return [Msisdn(number) for (number,) in self._reader.all(_SQL["aliases"], (subscriber,))]

    async def aliases_of(
        self, subscribers: Collection[SubscriberId]
    ) -> Mapping[SubscriberId, Sequence[Msisdn]]:
        where = {"subscribers": rows.uid_list(list(subscribers))}
        return rows.aliases(self._reader.all(_SQL["aliases_of"], where))

    async def add_alias(
        self, msisdn: Msisdn, alias: Msisdn, *, most: int, at: datetime, reason: str = ""
    ) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            owner = find(connection, msisdn)
            known = [number for (number,) in connection.execute(_SQL["aliases"], (owner.id,))]
            if alias in known:
                return False
            _require_free(connection, alias, owner.id, at)
            if len(known) >= most:
                raise TooManyAliases(most=most)
            try:
                connection.execute(_SQL["insert_alias"], {"msisdn": alias, "subscriber": owner.id})
            except sqlite3.IntegrityError:
                raise SubscriberExists from None
            connection.execute(_SQL["leave_quarantine"], (alias,))
            _note(connection, owner, at, Trigger.ALIAS_ADDED, f"{alias} {reason}")
            return True

        return await self._write(work)

    async def remove_alias(self, msisdn: Msisdn, alias: Msisdn, *, at: datetime, reason: str = "") -> None:
        def work(connection: sqlite3.Connection) -> None:
            owner = find(connection, msisdn)
            which = {"msisdn": alias, "subscriber": owner.id}
            if connection.execute(_SQL["delete_alias"], which).fetchone() is None:
                raise UnknownAlias
            if owner.handset == alias:
                apply_change(connection, msisdn, no_more_by_alias(owner, at=at))
            _note(connection, owner, at, Trigger.ALIAS_REMOVED, f"{alias} {reason}")

        await self._write(work)

    async def renumber(
        self, msisdn: Msisdn, renumbering: Renumbering, owed: Sequence[Owed] = ()
    ) -> Subscriber:
        def work(connection: sqlite3.Connection) -> Subscriber:
            after = _renumber(connection, msisdn, renumbering)
            insert_owed(connection, owed)
            return after

        return await self._write(work)

    async def formerly(self, msisdn: Msisdn, *, now: datetime) -> Subscriber | None:
        which = {"msisdn": msisdn, "now": rows.microseconds(now)}
        former = self._reader.one(_SQL["former"], which)
        row = None if former is None else self._reader.one(_SUBSCRIBERS["subscriber_by_id"], former)
        return None if row is None else rows.subscriber(row)

    async def end_quarantines(self, *, now: datetime, limit: int) -> int:
        which = {"now": rows.microseconds(now), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(_SQL["end_quarantines"], which).rowcount

        return await self._write(work, durable=False)


def _renumber(connection: sqlite3.Connection, msisdn: Msisdn, renumbering: Renumbering) -> Subscriber:
    before = find(connection, msisdn)
    if before.msisdn != msisdn:
        raise IsAlias
    new, at, until = renumbering.msisdn, renumbering.change.changed_at, renumbering.quarantine_until
    _require_free(connection, new, before.id, at)
    moved = apply_change(connection, msisdn, renumbering.change)
    connection.execute(_SQL["delete_alias"], {"msisdn": new, "subscriber": before.id})
    try:
        connection.execute(
            _SQL["renumber"],
            {"msisdn": new, "imap_user": renumbering.imap_user, "subscriber": before.id},
        )
    except sqlite3.IntegrityError:
        raise SubscriberExists from None
    connection.execute(_SQL["leave_quarantine"], (new,))
    if until is not None:
        which = {"msisdn": msisdn, "subscriber": before.id, "until": rows.microseconds(until)}
        connection.execute(_SQL["quarantine"], which)
    why = renumbering.change.trigger, before.status, moved.status, renumbering.change.reason
    audit(connection, Audited(new, at, *why))
    return msgspec.structs.replace(moved, msisdn=new, imap_user=renumbering.imap_user)


def _require_free(
    connection: sqlite3.Connection, number: Msisdn, subscriber: SubscriberId, at: datetime
) -> None:
    which = {"msisdn": number, "subscriber": subscriber, "at": rows.microseconds(at)}
    if connection.execute(_SQL["quarantined"], which).fetchone() is not None:
        raise NumberQuarantined


def _note(
    connection: sqlite3.Connection, owner: Subscriber, at: datetime, trigger: Trigger, reason: str
) -> None:
    entry = Audited(owner.msisdn, at, trigger, owner.status, owner.status, reason.strip())
    audit(connection, entry)
