# SPDX-License-Identifier: Apache-2.0
"""Messages in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vvm.domain.errors import MailboxFull, UnknownMessage
from vvm.domain.message import Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.blobs.port import Blob, BlobSwept
from vvm.store.blobs.shelf import Shelf
from vvm.store.keywords import SAME_KEYWORDS, KeywordChange
from vvm.store.port import (
    Changes,
    FolderSnapshot,
    FolderState,
    MessageRecord,
    MessageState,
    NewMessage,
    Stored,
)
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owe, owed_json

_SQL = statements("mailboxes.sql")
_STATE_COLUMNS = 10
"""Of a folder; behind them come those of its messages."""


class PostgresMailboxes:
    """vvm.store.port.MailboxStore."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf

    async def append(
        self,
        mailbox: MailboxId,
        folder: str,
        message: NewMessage,
        owed: Sequence[Owed] = (),
        *,
        nearly_full: Sequence[Owed] = (),
    ) -> Stored:
        async with self._shelf.shelved(mailbox, [message]) as (shelved,):
            values = _deposit_values(mailbox, folder, shelved, owed, nearly_full)
            (row,) = await self._database.decide(_SQL["deposit"], values)
            return _stored(row)

    async def file(
        self, mailbox: MailboxId, folder: str, messages: Sequence[NewMessage], owed: Sequence[Owed] = ()
    ) -> Sequence[Stored]:
        async with self._shelf.shelved(mailbox, messages) as shelved:
            prepared = [_deposit_values(mailbox, folder, each, ()) for each in shelved]

            async def work(connection: Connection) -> Sequence[Stored]:
                stored = [_stored(await connection.one(_SQL["deposit"], each)) for each in prepared]
                await owe(connection, owed)
                return stored

            return await self._database.write(work)

    async def folder(self, mailbox: MailboxId, folder: str) -> FolderState | None:
        row = await self._database.one(_SQL["folder_state"], {"mailbox": mailbox, "folder": folder})
        return None if row is None else rows.folder_state(row)

    async def states(self, mailbox: MailboxId, folder: str) -> Sequence[MessageState]:
        found = await self._database.all(_SQL["message_states"], {"mailbox": mailbox, "folder": folder})
        return [rows.message_state(row) for row in found]

    async def snapshot(self, mailbox: MailboxId, folder: str) -> FolderSnapshot | None:
        row = await self._database.one(_SQL["snapshot"], {"mailbox": mailbox, "folder": folder})
        return None if row is None else FolderSnapshot(rows.folder_state(row), _states(row))

    async def changes(self, mailbox: MailboxId, folder: str, since_modseq: int) -> Changes | None:
        where = {"mailbox": mailbox, "folder": folder, "since": since_modseq}
        row = await self._database.one(_SQL["changes"], where)
        if row is None:
            return None
        return Changes(folder=rows.folder_state(row), changed=_states(row), expunged=row[14] or [])

    async def messages(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], *, originals: bool = False
    ) -> Sequence[MessageRecord]:
        where = {"mailbox": mailbox, "folder": folder, "uids": list(uids)}
        statement = _SQL["original_records" if originals else "message_records"]
        return [rows.message_record(row) for row in await self._database.all(statement, where)]

    async def octets(
        self, mailbox: MailboxId, folder: str, uid: int, *, originals: bool = False
    ) -> bytes | None:
        statement = _SQL["original_octets" if originals else "message_octets"]
        where = {"mailbox": mailbox, "folder": folder, "uid": uid}

        async def look() -> bytes | Blob | None:
            row = await self._database.one(statement, where)
            return None if row is None else rows.octets(row)

        return await self._shelf.read(mailbox, look)

    async def change_flags(
        self,
        mailbox: MailboxId,
        folder: str,
        uids: Sequence[int],
        *,
        add: Flags,
        remove: Flags,
        keywords: KeywordChange = SAME_KEYWORDS,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> Sequence[MessageState]:
        change = {
            "add": int(add),
            "remove": int(remove),
            "unchanged_since": unchanged_since,
            "add_keywords": sorted(keywords.add),
            "remove_keywords": None if keywords.remove is None else sorted(map(str.lower, keywords.remove)),
        }
        values = {
            "mailbox": mailbox,
            "folder": folder,
            "uids": list(uids),
            "change": msgspec.json.encode(change).decode(),
            "owed": owed_json(owed),
        }
        found = await self._database.decide(_SQL["change_flags"], values, durable=False)
        return [rows.message_state(row) for row in found]

    async def expunge(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int] | None, owed: Sequence[Owed] = ()
    ) -> Sequence[int]:
        values = {
            "mailbox": mailbox,
            "folder": folder,
            "uids": None if uids is None else list(uids),
            "owed": owed_json(owed),
        }
        ((gone,),) = await self._database.decide(_SQL["expunge"], values)
        return list(gone)


def _deposit_values(
    mailbox: MailboxId,
    folder: str,
    message: NewMessage,
    owed: Sequence[Owed],
    nearly_full: Sequence[Owed] = (),
) -> dict[str, object]:
    original = message.original
    return {
        "mailbox": mailbox,
        "folder": folder,
        "message": _message_json(message, nearly_full),
        "layout": rows.layout_octets(message.layout),
        "octets": _in_row(message.octets),
        "original_layout": None if original is None else rows.layout_octets(original.layout),
        "original_octets": None if original is None else _in_row(original.octets),
        "owed": owed_json(owed),
    }


def _message_json(message: NewMessage, nearly_full: Sequence[Owed]) -> str:
    """What the function deposit() reads (functions/deposit.sql)."""
    original = None if message.original is None else message.original.octets
    fields = {
        "key": message.key,
        "flags": int(message.flags),
        "seen": Flags.SEEN in message.flags,
        "kind": message.kind.value,
        "caller": message.caller,
        "received_at": rows.microseconds(message.received_at),
        "utc_offset": rows.utc_offset(message.received_at),
        "seconds": message.seconds,
        "names": sorted(message.keywords),
        "size": len(message.octets),
        "blob": message.octets.key if isinstance(message.octets, Blob) else None,
        "original_size": None if original is None else len(original),
        "original_blob": original.key if isinstance(original, Blob) else None,
        "nearly_full": msgspec.Raw(owed_json(nearly_full).encode()) if nearly_full else None,
    }
    return msgspec.json.encode(fields).decode()


def _in_row(octets: bytes | Blob) -> bytes:
    return b"" if isinstance(octets, Blob) else octets


def _stored(row: Any) -> Stored:
    outcome, uid, used, most, unit = row
    if outcome == "no folder":
        raise UnknownMessage
    if outcome == "swept":
        raise BlobSwept
    if outcome == "full":
        raise MailboxFull(used=used, limit=most, unit=unit)
    return Stored(uid=uid, created=outcome != "known")


def _states(row: Any) -> list[MessageState]:
    """The messages of a row of snapshot or changes."""
    columns = row[_STATE_COLUMNS : _STATE_COLUMNS + 4]
    if columns[0] is None:
        return []
    return [rows.message_state(state) for state in zip(*columns, strict=True)]
