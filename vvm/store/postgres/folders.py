# SPDX-License-Identifier: Apache-2.0
"""Folders in PostgreSQL, and what moves between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vvm.domain.errors import (
    FolderExists,
    FolderHasChildren,
    FolderStays,
    MailboxFull,
    TooManyAnnotations,
    TooManyFolders,
    UnknownFolder,
)
from vvm.domain.message import INBOX
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store.folders import DELIMITER, Annotation, Copied, FolderEntry, levels
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owed_json

_SQL = statements("folders.sql")
_GREETINGS_ID = 2
"""Of every mailbox; INBOX is 1."""
_WHOLE_MAILBOX = 0
"""In place of a folder's id, for annotations."""


class PostgresFolders:
    """vvm.store.port.FolderStore.  Each write locks the mailbox first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, mailbox: MailboxId) -> Sequence[FolderEntry]:
        found = await self._database.all(_SQL["folders"], {"mailbox": mailbox})
        return [FolderEntry(*row) for row in found]

    async def used(self, mailbox: MailboxId) -> int:
        (used,) = await self._database.one(_SQL["used_messages"], {"mailbox": mailbox})
        return int(used or 0)

    async def create(
        self, mailbox: MailboxId, name: str, *, special_use: str | None = None, at: datetime, most: int
    ) -> None:
        async def work(connection: Connection) -> None:
            await _lock(connection, mailbox)
            if await _find(connection, mailbox, name) is not None:
                raise FolderExists
            await _make(connection, mailbox, levels(name), at, most)
            use = {"mailbox": mailbox, "name": name, "special_use": special_use}
            await connection.all(_SQL["set_special_use"], use)

        await self._database.write(work)

    async def delete(self, mailbox: MailboxId, name: str) -> None:
        async def work(connection: Connection) -> None:
            await _lock(connection, mailbox)
            place = await _require_own(connection, mailbox, name)
            if len(await _tree(connection, mailbox, name)) > 1:
                raise FolderHasChildren
            where: dict[str, object] = {"mailbox": mailbox, "id": place}
            for statement in ("let_go", "delete_folder"):
                await connection.all(_SQL[statement], where)

        await self._database.write(work)

    async def rename(self, mailbox: MailboxId, name: str, other: str, *, at: datetime, most: int) -> None:
        async def work(connection: Connection) -> None:
            await _lock(connection, mailbox)
            if name == INBOX:
                await _empty_inbox(connection, mailbox, other, at, most)
            else:
                await _rename(connection, mailbox, name, other, at, most)

        await self._database.write(work)

    async def subscribe(self, mailbox: MailboxId, name: str, *, wanted: bool, most: int) -> None:
        async def work(connection: Connection) -> None:
            await _lock(connection, mailbox)
            await _require(connection, mailbox, INBOX)
            which = {"mailbox": mailbox, "name": name}
            await connection.all(_SQL["subscribe" if wanted else "unsubscribe"], which)
            if wanted and len(await connection.all(_SQL["subscriptions"], which)) > most:
                raise TooManyFolders(limit=most)

        await self._database.write(work)

    async def subscriptions(self, mailbox: MailboxId) -> Sequence[str]:
        found = await self._database.all(_SQL["subscriptions"], {"mailbox": mailbox})
        return [name for (name,) in found]

    async def annotations(self, mailbox: MailboxId, folder: str) -> Sequence[Annotation]:
        found = await self._database.all(_SQL["annotations"], {"mailbox": mailbox, "folder": folder})
        return [Annotation(*row) for row in found]

    async def annotate(
        self, mailbox: MailboxId, folder: str, values: Mapping[str, bytes | None], *, most: int
    ) -> None:
        async def work(connection: Connection) -> None:
            await _lock(connection, mailbox)
            place = await _require(connection, mailbox, folder or INBOX)
            where: dict[str, object] = {
                "mailbox": mailbox,
                "folder_id": place if folder else _WHOLE_MAILBOX,
            }
            (before,) = await connection.one(_SQL["count_annotations"], where)
            for name, value in values.items():
                statement = "delete_annotation" if value is None else "set_annotation"
                which = {"entry": name.lower(), "name": name, "value": value}
                await connection.all(_SQL[statement], where | which)
            (after,) = await connection.one(_SQL["count_annotations"], where)
            if after > max(before, most):
                raise TooManyAnnotations(limit=most)

        await self._database.write(work)

    async def copy(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        return await self._transfer(mailbox, folder, uids, target, owed, moving=False)

    async def move(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        return await self._transfer(mailbox, folder, uids, target, owed, moving=True)

    async def _transfer(
        self,
        mailbox: MailboxId,
        folder: str,
        uids: Sequence[int],
        target: str,
        owed: Sequence[Owed],
        *,
        moving: bool,
    ) -> Copied | None:
        values = _transfer_values(mailbox, folder, uids, target, owed, moving=moving)
        (row,) = await self._database.decide(_SQL["transfer"], values)
        return _copied(row)


async def _lock(connection: Connection, mailbox: MailboxId) -> None:
    await connection.all(_SQL["lock_mailbox"], {"mailbox": mailbox})


async def _find(connection: Connection, mailbox: MailboxId, name: str) -> int | None:
    """The id of a folder."""
    row = await connection.one(_SQL["folder_by_name"], {"mailbox": mailbox, "name": name})
    return None if row is None else int(row[0])


async def _require(connection: Connection, mailbox: MailboxId, name: str) -> int:
    place = await _find(connection, mailbox, name)
    if place is None:
        raise UnknownFolder
    return place


async def _require_own(connection: Connection, mailbox: MailboxId, name: str) -> int:
    place = await _require(connection, mailbox, name)
    if place <= _GREETINGS_ID:
        raise FolderStays
    return place


async def _tree(connection: Connection, mailbox: MailboxId, name: str) -> list[str]:
    found = await connection.all(_SQL["tree"], {"mailbox": mailbox, "name": name})
    return [each for (each,) in found]


async def _make(
    connection: Connection, mailbox: MailboxId, names: Sequence[str], at: datetime, most: int
) -> None:
    """Those that are missing."""
    missing = [name for name in names if await _find(connection, mailbox, name) is None]
    (own,) = await connection.one(_SQL["own_folders"], {"mailbox": mailbox})
    if own + len(missing) > most:
        raise TooManyFolders(limit=most)
    for name in missing:
        when = {"mailbox": mailbox, "seconds": int(at.timestamp())}
        given = await connection.one(_SQL["next_folder"], when)
        if given is None:
            raise UnknownFolder
        made = {"mailbox": mailbox, "name": name, "id": given[0], "uid_validity": given[1]}
        await connection.all(_SQL["insert_folder"], made)


async def _rename(  # noqa: PLR0917 - one transaction's whole input
    connection: Connection, mailbox: MailboxId, name: str, other: str, at: datetime, most: int
) -> None:
    await _require_own(connection, mailbox, name)
    if await _find(connection, mailbox, other) is not None:
        raise FolderExists
    if other.startswith(name + DELIMITER):
        raise FolderStays
    for each in await _tree(connection, mailbox, name):
        if await _find(connection, mailbox, other + each.removeprefix(name)) is not None:
            raise FolderExists
    await _make(connection, mailbox, levels(other)[:-1], at, most)
    await connection.all(_SQL["rename_tree"], {"mailbox": mailbox, "name": name, "other": other})


async def _empty_inbox(
    connection: Connection, mailbox: MailboxId, other: str, at: datetime, most: int
) -> None:
    """What RENAME of INBOX means (RFC 3501 section 6.3.5)."""
    if await _find(connection, mailbox, other) is not None:
        raise FolderExists
    await _make(connection, mailbox, levels(other), at, most)
    values = _transfer_values(mailbox, INBOX, None, other, (), moving=True)
    _copied(await connection.one(_SQL["transfer"], values))


def _transfer_values(
    mailbox: MailboxId,
    folder: str,
    uids: Sequence[int] | None,
    target: str,
    owed: Sequence[Owed],
    *,
    moving: bool,
) -> dict[str, object]:
    """Of no ``uids``: everything there."""
    return {
        "mailbox": mailbox,
        "folder": folder,
        "uids": None if uids is None else list(uids),
        "target": target,
        "moving": moving,
        "owed": owed_json(owed),
    }


def _copied(row: Sequence[Any]) -> Copied | None:
    outcome, uid_validity, sources, copies, used, most, unit = row
    if outcome == "no source":
        raise UnknownFolder
    if outcome == "no target":
        return None
    if outcome == "full":
        raise MailboxFull(used=used, limit=most, unit=unit)
    return Copied(uid_validity, tuple(sources), tuple(copies))
