# SPDX-License-Identifier: Apache-2.0
"""Deleted messages in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.errors import MailboxFull, UnknownMessage
from vvm.domain.message import Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.mailboxes import learn_keywords
from vvm.store.postgres.outbox import owe
from vvm.store.recovery import DeletedMessage

_SQL = statements("recovery.sql")
_DROPPED = Flags.DELETED | Flags.GREETING_ON


class PostgresRecovery:
    """vvm.store.recovery.RecoveryStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deleted(self, mailbox: MailboxId, *, after: int, limit: int) -> Sequence[DeletedMessage]:
        which = {"mailbox": mailbox, "after": after, "limit": limit}
        return [rows.deleted_message(row) for row in await self._database.all(_SQL["deleted"], which)]

    async def restore(self, mailbox: MailboxId, deleted: int, owed: Sequence[Owed] = ()) -> int:
        async def work(connection: Connection) -> int:
            uid = await _restore(connection, mailbox, deleted)
            await owe(connection, owed)
            return uid

        return await self._database.write(work)

    async def purge(self, *, now: datetime, limit: int) -> int:
        which = {"now": rows.microseconds(now), "limit": limit}
        ((purged,),) = await self._database.decide(_SQL["purge"], which)
        return int(purged)


async def _restore(connection: Connection, mailbox: MailboxId, deleted: int) -> int:
    which: dict[str, object] = {"mailbox": mailbox, "id": deleted, "dropped": int(_DROPPED)}
    await connection.all(_SQL["lock_mailbox"], which)
    found = await connection.one(_SQL["restorable"], which)
    if found is None:
        raise UnknownMessage
    folder, size, seconds, flags, keywords = found
    place = which | {"folder_id": folder, "size": size, "seconds": seconds, "flags": flags}
    unit, used, limit = await connection.one(_SQL["full_with"], place)
    if unit:
        raise MailboxFull(used=used, limit=limit, unit=unit)
    coming = place | {"unseen": int(not flags & Flags.SEEN)}
    uid, modseq, known = await connection.one(_SQL["allocate_message"], coming)
    names = await learn_keywords(connection, (mailbox, folder), known, rows.keywords(keywords))
    place |= {"uid": uid, "modseq": modseq, "keywords": rows.keyword_text(names)}
    for statement in ("restore", "note"):
        await connection.all(_SQL[statement], place)
    return int(uid)
