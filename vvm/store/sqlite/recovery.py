# SPDX-License-Identifier: Apache-2.0
"""Deleted messages in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from vvm.domain.errors import PreconditionFailed, UnknownMessage
from vvm.domain.message import Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.recovery import DeletedMessage
from vvm.store.sql import named_statements
from vvm.store.sqlite.contents import release_content
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.mailboxes import learn_keywords, remove_messages, why_not
from vvm.store.sqlite.outbox import insert_owed

_SQL = named_statements("vvm.store.sqlite.queries", "recovery.sql")
_MAILBOXES = named_statements("vvm.store.sqlite.queries", "mailboxes.sql")
_DROPPED = Flags.DELETED | Flags.GREETING_ON


class SqliteRecovery:
    """vvm.store.recovery.RecoveryStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def deleted(self, mailbox: MailboxId, *, after: int, limit: int) -> Sequence[DeletedMessage]:
        which = {"mailbox": mailbox, "after": after, "limit": limit}
        return [rows.deleted_message(row) for row in self._reader.all(_SQL["deleted"], which)]

    async def delete(
        self,
        mailbox: MailboxId,
        folder: str,
        uid: int,
        *,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> None:
        which = {"mailbox": mailbox, "folder": folder, "uid": uid}

        def work(connection: sqlite3.Connection) -> None:
            found = connection.execute(_SQL["deletable"], which).fetchone()
            if found is None:
                raise UnknownMessage
            folder_id, modseq, *message = found
            if unchanged_since is not None and modseq > unchanged_since:
                raise PreconditionFailed
            remove_messages(connection, mailbox, folder_id, [message])
            insert_owed(connection, owed)

        await self._write(work)

    async def restore(
        self, mailbox: MailboxId, deleted: int, owed: Sequence[Owed] = (), *, key: str | None = None
    ) -> int:
        def work(connection: sqlite3.Connection) -> int:
            uid = _restore(connection, mailbox, deleted)
            insert_owed(connection, owed)
            if key is not None:
                noted = {"mailbox": mailbox, "key": key, "uid": uid}
                connection.execute(_MAILBOXES["insert_deposit_key"], noted)
            return uid

        return await self._write(work)

    async def restored(self, mailbox: MailboxId, key: str) -> int | None:
        found = self._reader.all(_MAILBOXES["deposit_by_key"], {"mailbox": mailbox, "key": key})
        return int(found[0][0]) if found else None

    async def purge(self, *, now: datetime, limit: int) -> int:
        which = {"now": rows.microseconds(now), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            due = connection.execute(_SQL["due"], which).fetchall()
            for row, mailbox, content, original in due:
                connection.execute(_SQL["forget"], (row,))
                release_content(connection, mailbox, content, original)
            return len(due)

        return await self._write(work)


def _restore(connection: sqlite3.Connection, mailbox: MailboxId, deleted: int) -> int:
    which = {"mailbox": mailbox, "id": deleted, "dropped": int(_DROPPED)}
    found = connection.execute(_SQL["restorable"], which).fetchone()
    if found is None:
        raise UnknownMessage
    folder, size, seconds, flags, keywords = found
    coming = {
        "mailbox": mailbox,
        "folder": folder,
        "size": size,
        "seconds": seconds,
        "unseen": not flags & Flags.SEEN,
    }
    allocated = connection.execute(_MAILBOXES["allocate_message"], coming).fetchone()
    if allocated is None:
        raise why_not(connection, mailbox, folder)
    folder_id, uid, modseq, known = allocated
    names = learn_keywords(connection, (mailbox, folder_id), known, rows.keywords(keywords))
    place = {"folder_id": folder_id, "uid": uid, "modseq": modseq, "flags": flags}
    connection.execute(_SQL["restore"], which | place | {"keywords": rows.keyword_text(names)})
    connection.execute(_SQL["forget"], (deleted,))
    connection.execute(_MAILBOXES["insert_journal"], (mailbox, folder_id, modseq, uid, "deposited"))
    return int(uid)
