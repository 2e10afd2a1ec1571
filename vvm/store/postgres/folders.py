# SPDX-License-Identifier: Apache-2.0
"""Folders in PostgreSQL, and what moves between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from vvm.domain.errors import (
    FolderExists,
    FolderHasChildren,
    FolderStays,
    MailboxFull,
    TooManyAnnotations,
    TooManyFolders,
    UnknownFolder,
)
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.folders import DELIMITER, Annotation, Copied, FolderEntry, levels
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.mailboxes import learn_keywords
from vvm.store.postgres.outbox import owe

_SQL = statements("folders.sql")
_GREETINGS_ID = 2
"""Of every mailbox; INBOX is 1."""
_WHOLE_MAILBOX = 0
"""In place of a folder's id, for annotations."""


class _Place(NamedTuple):
    """A folder, as a transaction found it."""

    id: int
    uid_validity: int
    keywords: str

    @property
    def own(self) -> bool:
        """It is the subscriber's to arrange."""
        return self.id > _GREETINGS_ID


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
            where: dict[str, object] = {"mailbox": mailbox, "id": place.id}
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
                "folder_id": place.id if folder else _WHOLE_MAILBOX,
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
        async def work(connection: Connection) -> Copied | None:
            await _lock(connection, mailbox)
            copied = await _copy(connection, mailbox, folder, uids, target, moving=moving)
            if copied is not None and copied.uids:
                await owe(connection, owed)
            return copied

        return await self._database.write(work)


async def _lock(connection: Connection, mailbox: MailboxId) -> None:
    await connection.all(_SQL["lock_mailbox"], {"mailbox": mailbox})


async def _find(connection: Connection, mailbox: MailboxId, name: str) -> _Place | None:
    row = await connection.one(_SQL["folder_by_name"], {"mailbox": mailbox, "name": name})
    return None if row is None else _Place(*row)


async def _require(connection: Connection, mailbox: MailboxId, name: str) -> _Place:
    place = await _find(connection, mailbox, name)
    if place is None:
        raise UnknownFolder
    return place


async def _require_own(connection: Connection, mailbox: MailboxId, name: str) -> _Place:
    place = await _require(connection, mailbox, name)
    if not place.own:
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
    inbox = await _require(connection, mailbox, INBOX)
    if await _find(connection, mailbox, other) is not None:
        raise FolderExists
    await _make(connection, mailbox, levels(other), at, most)
    found = await connection.all(_SQL["uids"], {"mailbox": mailbox, "folder_id": inbox.id})
    await _copy(connection, mailbox, INBOX, [uid for (uid,) in found], other, moving=True)


async def _copy(
    connection: Connection,
    mailbox: MailboxId,
    folder: str,
    uids: Sequence[int],
    target: str,
    *,
    moving: bool,
) -> Copied | None:
    source = await _require(connection, mailbox, folder)
    destination = await _find(connection, mailbox, target)
    if destination is None:
        return None
    place: dict[str, object] = {
        "mailbox": mailbox,
        "folder_id": source.id,
        "uid_validity": source.uid_validity,
        "target_id": destination.id,
        "left_behind": int(Flags.GREETING_ON),
    }
    named = await connection.all(_SQL["named_messages"], place | {"uids": list(uids)})
    if not named:
        return Copied(destination.uid_validity)
    totals = {
        "messages": len(named),
        "unseen": sum(not flags & Flags.SEEN for _, flags, *_ in named),
        "octets": sum(size for _, _, size, *_ in named),
        "seconds": sum(seconds for _, _, _, seconds, *_ in named),
    }
    same_quota = (source.id == _GREETINGS_ID) == (destination.id == _GREETINGS_ID)
    if not (moving and same_quota):
        unit, used, limit = await connection.one(_SQL["full_with"], place | totals)
        if unit:
            raise MailboxFull(used=used, limit=limit, unit=unit)
    first, modseq = await connection.one(_SQL["allocate_messages"], place | totals)
    carried = frozenset[str]().union(*(rows.keywords(text) for *_, text in named))
    where = (mailbox, destination.id)
    spelling = {
        name.lower(): name for name in await learn_keywords(connection, where, destination.keywords, carried)
    }
    sources = tuple(uid for uid, *_ in named)
    copies = tuple(range(first, first + len(named)))
    which = {
        "uids": list(sources),
        "copies": list(copies),
        "modseq": modseq,
        "keywords": [
            rows.keyword_text([spelling[name.lower()] for name in rows.keywords(text)]) for *_, text in named
        ],
    }
    await connection.all(_SQL["copy_messages"], place | which)
    if moving:
        await connection.all(_SQL["leave"], place | totals | which)
    else:
        contents = {"contents": [content for *_, content, _ in named]}
        await connection.all(_SQL["share_contents"], place | contents)
    return Copied(destination.uid_validity, sources, copies)
