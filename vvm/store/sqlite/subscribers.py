# SPDX-License-Identifier: Apache-2.0
"""Subscribers in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from vvm.domain.cos import UnknownCos
from vvm.domain.errors import (
    IsAlias,
    NumberQuarantined,
    PreconditionFailed,
    SubscriberExists,
    SubscriberHeld,
    UnknownSubscriber,
)
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, MailboxId, Subscriber, SubscriberId
from vvm.store import rows
from vvm.store.port import GREETINGS_LIMIT, Audited, NewSubscriber, SubscriberChange
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.outbox import insert_owed

_SQL = named_statements("vvm.store.sqlite.queries", "subscribers.sql")
_FOLDER_IDS = {INBOX: 1, GREETINGS: 2}


class SqliteSubscribers:
    """vvm.store.port.SubscriberStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def create(self, new: NewSubscriber) -> Subscriber:
        def work(connection: sqlite3.Connection) -> Subscriber:
            return _insert(connection, new)

        return await self._write(work)

    async def create_many(self, new: Sequence[NewSubscriber]) -> Sequence[Msisdn]:
        def work(connection: sqlite3.Connection) -> Sequence[Msisdn]:
            created = []
            for one in new:
                if all(_is_free(connection, number, one) for number in one.numbers):
                    _insert(connection, one)
                    created.append(one.msisdn)
            return created

        return await self._write(work)

    async def by_msisdn(self, msisdn: Msisdn) -> Subscriber | None:
        row = self._reader.one(_SQL["subscriber_by_msisdn"], {"msisdn": msisdn})
        return None if row is None else rows.subscriber(row)

    async def by_id(self, subscriber: SubscriberId) -> Subscriber | None:
        return self._one("subscriber_by_id", subscriber)

    async def by_imap_user(self, user: str) -> Subscriber | None:
        return self._one("subscriber_by_imap_user", user)

    async def change(self, msisdn: Msisdn, change: SubscriberChange, owed: Sequence[Owed] = ()) -> Subscriber:
        def work(connection: sqlite3.Connection) -> Subscriber:
            after = apply_change(connection, msisdn, change)
            insert_owed(connection, owed)
            return after

        return await self._write(work)

    async def remove(
        self, msisdn: Msisdn, *, at: datetime, reason: str = "", decided_at: datetime | None = None
    ) -> None:
        def work(connection: sqlite3.Connection) -> None:
            found = find(connection, msisdn)
            if found.msisdn != msisdn:
                raise IsAlias
            if found.held:
                raise SubscriberHeld
            if decided_at not in {None, found.changed_at}:
                raise PreconditionFailed
            audit(connection, Audited(msisdn, at, Trigger.REMOVED, found.status, None, reason))
            for statement in ("delete_contents", "delete_messages", "delete_deleted"):
                connection.execute(_SQL[statement], {"mailbox": found.mailbox})
            connection.execute(_SQL["delete_subscriber"], (found.id,))
            connection.execute(_SQL["delete_journal"], (found.mailbox,))
            # The key of its blobs goes with the mailbox, and must not be found in a free page.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(_SQL["delete_mailbox"], (found.mailbox,))
            connection.execute("PRAGMA secure_delete = OFF")

        await self._write(work)

    async def take_pin_try(
        self, subscriber: SubscriberId, *, now: datetime, most: int, lockout: timedelta
    ) -> bool:
        what = {
            "id": subscriber,
            "now": rows.microseconds(now),
            "most": most,
            "locked_until": rows.microseconds(now + lockout),
        }

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute(_SQL["take_pin_try"], what).fetchone() is not None

        return await self._write.brief(work)

    async def forget_pin_tries(self, subscriber: SubscriberId) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_SQL["forget_pin_tries"], (subscriber,))

        await self._write.brief(work)

    async def page(self, *, after: Msisdn | None, limit: int) -> Sequence[Subscriber]:
        found = self._reader.all(_SQL["subscribers_after"], {"after": after or "", "limit": limit})
        return [rows.subscriber(row) for row in found]

    async def closed(self, *, now: datetime, limit: int) -> Sequence[Subscriber]:
        found = self._reader.all(_SQL["closed"], {"now": rows.microseconds(now), "limit": limit})
        return [rows.subscriber(row) for row in found]

    async def audit(self, msisdn: Msisdn, *, limit: int) -> Sequence[Audited]:
        found = self._reader.all(_SQL["audit"], {"msisdn": msisdn, "limit": limit})
        return [rows.audited(row) for row in found]

    async def answered(self, subscriber: SubscriberId) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_SQL["answered"], (subscriber,))

        await self._write.brief(work)

    def _one(self, statement: str, key: object) -> Subscriber | None:
        row = self._reader.one(_SQL[statement], (key,))
        return None if row is None else rows.subscriber(row)


def apply_change(connection: sqlite3.Connection, msisdn: Msisdn, change: SubscriberChange) -> Subscriber:
    """Set the fields of a change, inside the caller's transaction.  Raises UnknownSubscriber."""
    before = find(connection, msisdn)
    after = change.applied_to(before)
    _check_cos(connection, after.cos)
    connection.execute(_SQL["update_subscriber"], rows.changed_subscriber(after))
    if change.audited(before):
        why = change.trigger, before.status, after.status, change.told(before)
        audit(connection, Audited(before.msisdn, change.changed_at, *why))
    if change.pin_check is not None:
        connection.execute(_SQL["forget_pin_tries"], (after.id,))
    if after.max_messages != before.max_messages:
        connection.execute(
            _SQL["limit_folders"], {"mailbox": after.mailbox, "max_messages": after.max_messages}
        )
    return after


def find(connection: sqlite3.Connection, msisdn: Msisdn) -> Subscriber:
    """Read a subscriber inside the caller's transaction.  Raises UnknownSubscriber."""
    row = connection.execute(_SQL["subscriber_by_msisdn"], {"msisdn": msisdn}).fetchone()
    if row is None:
        raise UnknownSubscriber
    return rows.subscriber(row)


def _insert(connection: sqlite3.Connection, new: NewSubscriber) -> Subscriber:
    for number in new.numbers:
        given = {"msisdn": number, "at": rows.microseconds(new.created_at)}
        if connection.execute(_SQL["number_quarantined"], given).fetchone() is not None:
            raise NumberQuarantined
    _check_cos(connection, new.cos)
    (mailbox,) = connection.execute(_SQL["insert_mailbox"]).fetchone()
    try:
        (subscriber,) = connection.execute(
            _SQL["insert_subscriber"],
            {
                "mailbox": mailbox,
                "msisdn": new.msisdn,
                "status": new.status.value,
                "client": rows.client_json(new.client),
                "language": new.language,
                "setup_done": new.setup_done,
                "max_messages": new.max_messages,
                "imap_user": new.imap_user,
                "password_check": new.password_check,
                "password_sealed": new.password_sealed,
                "created_at": rows.microseconds(new.created_at),
                "pin_check": new.pin_check,
                "fallback": new.fallback.value,
                "cos": new.cos,
                "held": new.held,
                "closing_at": None if new.closing is None else rows.microseconds(new.closing.at),
                "closed_from": None if new.closing is None else new.closing.before.value,
            },
        ).fetchone()
        for alias in new.aliases:
            connection.execute(_SQL["insert_alias"], {"msisdn": alias, "subscriber": subscriber})
    except sqlite3.IntegrityError:
        raise SubscriberExists from None
    for name, most in ((INBOX, new.max_messages), (GREETINGS, GREETINGS_LIMIT)):
        connection.execute(
            _SQL["insert_folder"],
            {
                "mailbox": mailbox,
                "folder": _FOLDER_IDS[name],
                "name": name,
                # Grows with time and with each mailbox: a number that comes back at once gets another.
                "uid_validity": int(new.created_at.timestamp()) + mailbox,
                "max_messages": most,
            },
        )
        connection.execute(_SQL["insert_subscription"], {"mailbox": mailbox, "name": name})
    for entry in new.transitions():
        audit(connection, entry)
    return new.born(SubscriberId(subscriber), MailboxId(mailbox))


def _is_free(connection: sqlite3.Connection, number: Msisdn, new: NewSubscriber) -> bool:
    asked = {"msisdn": number, "imap_user": new.imap_user, "at": rows.microseconds(new.created_at)}
    return connection.execute(_SQL["subscriber_exists"], asked).fetchone() is None


def _check_cos(connection: sqlite3.Connection, name: CosName) -> None:
    if name and connection.execute(_SQL["cos_exists"], (name,)).fetchone() is None:
        raise UnknownCos


def audit(connection: sqlite3.Connection, entry: Audited) -> None:
    """Note a transition, inside the caller's transaction."""
    connection.execute(
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
