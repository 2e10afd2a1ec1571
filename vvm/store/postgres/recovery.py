# SPDX-License-Identifier: Apache-2.0
"""Deleted messages in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.errors import MailboxFull, PreconditionFailed, UnknownMessage
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.postgres.engine import Database, statements
from vvm.store.postgres.outbox import owed_json
from vvm.store.recovery import DeletedMessage

_SQL = statements("recovery.sql")


class PostgresRecovery:
    """vvm.store.recovery.RecoveryStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deleted(self, mailbox: MailboxId, *, after: int, limit: int) -> Sequence[DeletedMessage]:
        which = {"mailbox": mailbox, "after": after, "limit": limit}
        return [rows.deleted_message(row) for row in await self._database.all(_SQL["deleted"], which)]

    async def delete(
        self,
        mailbox: MailboxId,
        folder: str,
        uid: int,
        *,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> None:
        values = {
            "mailbox": mailbox,
            "folder": folder,
            "uid": uid,
            "unchanged_since": unchanged_since,
            "owed": owed_json(owed),
        }
        ((outcome,),) = await self._database.decide(_SQL["delete"], values)
        if outcome == "gone":
            raise UnknownMessage
        if outcome == "changed":
            raise PreconditionFailed

    async def restore(
        self, mailbox: MailboxId, deleted: int, owed: Sequence[Owed] = (), *, key: str | None = None
    ) -> int:
        values = {"mailbox": mailbox, "deleted": deleted, "owed": owed_json(owed), "key": key}
        ((outcome, uid, used, most, unit),) = await self._database.decide(_SQL["restore"], values)
        if outcome == "gone":
            raise UnknownMessage
        if outcome == "full":
            raise MailboxFull(used=used, limit=most, unit=unit)
        return int(uid)

    async def restored(self, mailbox: MailboxId, key: str) -> int | None:
        row = await self._database.one(_SQL["restored"], {"mailbox": mailbox, "key": key})
        return None if row is None else int(row[0])

    async def purge(self, *, now: datetime, limit: int) -> int:
        which = {"now": rows.microseconds(now), "limit": limit}
        ((purged,),) = await self._database.decide(_SQL["purge"], which)
        return int(purged)
