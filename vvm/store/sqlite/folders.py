# SPDX-License-Identifier: Apache-2.0
"""Folders in SQLite, and what moves between them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from vvm.domain.errors import (
    FolderExists,
    FolderHasChildren,
    FolderStays,
    TooManyAnnotations,
    TooManyFolders,
    UnknownFolder,
)
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.folders import DELIMITER, Annotation, Copied, FolderEntry, levels
from vvm.store.sql import named_statements
from vvm.store.sqlite.contents import share_content
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.mailboxes import GREETINGS_ID, learn_keywords, why_not
from vvm.store.sqlite.outbox import insert_owed
from vvm.store.sqlite.removal import let_go

_SQL = named_statements("vvm.store.sqlite.queries", "folders.sql")
_MAILBOXES = named_statements("vvm.store.sqlite.queries", "mailboxes.sql")
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
        return self.id > GREETINGS_ID


class SqliteFolders:
    """vvm.store.port.FolderStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def all(self, mailbox: MailboxId) -> Sequence[FolderEntry]:
        return [FolderEntry(*row) for row in self._reader.all(_SQL["folders"], (mailbox,))]

    async def used(self, mailbox: MailboxId) -> int:
        ((used,),) = self._reader.all(_MAILBOXES["used_messages"], (mailbox,))
        return int(used or 0)

    async def create(
        self, mailbox: MailboxId, name: str, *, special_use: str | None = None, at: datetime, most: int
    ) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if _find(connection, mailbox, name) is not None:
                raise FolderExists
            _make(connection, mailbox, levels(name), at, most)
            use = {"mailbox": mailbox, "name": name, "special_use": special_use}
            connection.execute(_SQL["set_special_use"], use)

        await self._write(work)

    async def delete(self, mailbox: MailboxId, name: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            place = _require_own(connection, mailbox, name)
            if len(_tree(connection, mailbox, name)) > 1:
                raise FolderHasChildren
            where = {"mailbox": mailbox, "id": place.id}
            messages = connection.execute(_SQL["contents"], where).fetchall()
            let_go(connection, mailbox, place.id, messages)
            for statement in ("delete_folder", "delete_journal", "delete_annotations"):
                connection.execute(_SQL[statement], where)

        await self._write(work)

    async def rename(self, mailbox: MailboxId, name: str, other: str, *, at: datetime, most: int) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if name == INBOX:
                _empty_inbox(connection, mailbox, other, at, most)
            else:
                _rename(connection, mailbox, name, other, at, most)

        await self._write(work)

    async def subscribe(self, mailbox: MailboxId, name: str, *, wanted: bool, most: int) -> None:
        def work(connection: sqlite3.Connection) -> None:
            _require(connection, mailbox, INBOX)
            which = {"mailbox": mailbox, "name": name}
            if not wanted:
                connection.execute(_SQL["unsubscribe"], which)
                return
            connection.execute(_SQL["subscribe"], which)
            if len(connection.execute(_SQL["subscriptions"], (mailbox,)).fetchall()) > most:
                raise TooManyFolders(limit=most)

        await self._write(work)

    async def subscriptions(self, mailbox: MailboxId) -> Sequence[str]:
        return [name for (name,) in self._reader.all(_SQL["subscriptions"], (mailbox,))]

    async def annotations(self, mailbox: MailboxId, folder: str) -> Sequence[Annotation]:
        found = self._reader.all(_SQL["annotations"], {"mailbox": mailbox, "folder": folder})
        return [Annotation(*row) for row in found]

    async def annotate(
        self, mailbox: MailboxId, folder: str, values: Mapping[str, bytes | None], *, most: int
    ) -> None:
        def work(connection: sqlite3.Connection) -> None:
            place = _require(connection, mailbox, folder or INBOX)
            where = {"mailbox": mailbox, "folder_id": place.id if folder else _WHOLE_MAILBOX}
            (before,) = connection.execute(_SQL["count_annotations"], where).fetchone()
            for name, value in values.items():
                statement = "delete_annotation" if value is None else "set_annotation"
                which = {"entry": name.lower(), "name": name, "value": value}
                connection.execute(_SQL[statement], where | which)
            (after,) = connection.execute(_SQL["count_annotations"], where).fetchone()
            if after > max(before, most):
                raise TooManyAnnotations(limit=most)

        await self._write(work)

    async def copy(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        def work(connection: sqlite3.Connection) -> Copied | None:
            copied = _copy(connection, mailbox, folder, uids, target, moving=False)
            if copied is not None and copied.uids:
                insert_owed(connection, owed)
            return copied

        return await self._write(work)

    async def move(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        def work(connection: sqlite3.Connection) -> Copied | None:
            copied = _copy(connection, mailbox, folder, uids, target, moving=True)
            if copied is not None and copied.uids:
                insert_owed(connection, owed)
            return copied

        return await self._write(work)


def _find(connection: sqlite3.Connection, mailbox: MailboxId, name: str) -> _Place | None:
    row = connection.execute(_SQL["folder_by_name"], {"mailbox": mailbox, "name": name}).fetchone()
    return None if row is None else _Place(*row)


def _require(connection: sqlite3.Connection, mailbox: MailboxId, name: str) -> _Place:
    place = _find(connection, mailbox, name)
    if place is None:
        raise UnknownFolder
    return place


def _require_own(connection: sqlite3.Connection, mailbox: MailboxId, name: str) -> _Place:
    place = _require(connection, mailbox, name)
    if not place.own:
        raise FolderStays
    return place


def _tree(connection: sqlite3.Connection, mailbox: MailboxId, name: str) -> list[str]:
    found = connection.execute(_SQL["tree"], {"mailbox": mailbox, "name": name})
    return [each for (each,) in found.fetchall()]


def _make(
    connection: sqlite3.Connection, mailbox: MailboxId, names: Sequence[str], at: datetime, most: int
) -> None:
    """Those that are missing."""
    missing = [name for name in names if _find(connection, mailbox, name) is None]
    (own,) = connection.execute(_SQL["own_folders"], {"mailbox": mailbox}).fetchone()
    if own + len(missing) > most:
        raise TooManyFolders(limit=most)
    for name in missing:
        when = {"mailbox": mailbox, "seconds": int(at.timestamp())}
        given = connection.execute(_SQL["next_folder"], when).fetchone()
        if given is None:
            raise UnknownFolder
        made = {"mailbox": mailbox, "name": name, "id": given[0], "uid_validity": given[1]}
        connection.execute(_SQL["insert_folder"], made)


def _rename(  # noqa: PLR0917 - one transaction's whole input
    connection: sqlite3.Connection, mailbox: MailboxId, name: str, other: str, at: datetime, most: int
) -> None:
    _require_own(connection, mailbox, name)
    if _find(connection, mailbox, other) is not None:
        raise FolderExists
    if other.startswith(name + DELIMITER):
        raise FolderStays
    for each in _tree(connection, mailbox, name):
        if _find(connection, mailbox, other + each.removeprefix(name)) is not None:
            raise FolderExists
    _make(connection, mailbox, levels(other)[:-1], at, most)
    connection.execute(_SQL["rename_tree"], {"mailbox": mailbox, "name": name, "other": other})


def _empty_inbox(
    connection: sqlite3.Connection, mailbox: MailboxId, other: str, at: datetime, most: int
) -> None:
    """What RENAME of INBOX means (RFC 3501 section 6.3.5)."""
    _require(connection, mailbox, INBOX)
    if _find(connection, mailbox, other) is not None:
        raise FolderExists
    _make(connection, mailbox, levels(other), at, most)
    states = connection.execute(_MAILBOXES["message_states"], (mailbox, INBOX)).fetchall()
    _copy(connection, mailbox, INBOX, [uid for uid, *_ in states], other, moving=True)


def _copy(
    connection: sqlite3.Connection,
    mailbox: MailboxId,
    folder: str,
    uids: Sequence[int],
    target: str,
    *,
    moving: bool,
) -> Copied | None:
    source = _require(connection, mailbox, folder)
    destination = _find(connection, mailbox, target)
    if destination is None:
        return None
    place: dict[str, object] = {
        "mailbox": mailbox,
        "folder_id": source.id,
        "uid_validity": source.uid_validity,
        "target_id": destination.id,
        "left_behind": int(Flags.GREETING_ON),
    }
    named = connection.execute(_SQL["named_messages"], place | {"uids": rows.uid_list(uids)}).fetchall()
    if not named:
        return Copied(destination.uid_validity)
    totals = {
        "messages": len(named),
        "unseen": sum(not flags & Flags.SEEN for _, flags, *_ in named),
        "octets": sum(size for _, _, size, *_ in named),
        "seconds": sum(seconds for _, _, _, seconds, *_ in named),
    }
    same_quota = (source.id == GREETINGS_ID) == (destination.id == GREETINGS_ID)
    room = {"room": 0 if moving and same_quota else len(named)}
    allocated = connection.execute(_SQL["allocate_messages"], place | totals | room).fetchone()
    if allocated is None:
        raise why_not(connection, mailbox, target)
    first, modseq = allocated
    carried = frozenset[str]().union(*(rows.keywords(text) for *_, text in named))
    spelling = {
        name.lower(): name
        for name in learn_keywords(connection, (mailbox, destination.id), destination.keywords, carried)
    }
    for copy, (uid, _, _, _, content, text) in enumerate(named, first):
        names = rows.keyword_text([spelling[name.lower()] for name in rows.keywords(text)])
        which = {"uid": uid, "copy": copy, "modseq": modseq, "keywords": names}
        connection.execute(_SQL["copy_message"], place | which)
        journal = (mailbox, destination.id, modseq, copy, "deposited")
        connection.execute(_MAILBOXES["insert_journal"], journal)
        if not moving:
            share_content(connection, mailbox, content)
    sources = tuple(uid for uid, *_ in named)
    if moving:
        _leave(connection, place | totals, sources)
    return Copied(destination.uid_validity, sources, tuple(range(first, first + len(named))))


def _leave(connection: sqlite3.Connection, place: dict[str, object], uids: Sequence[int]) -> None:
    """The messages are in the target and no more here; their content stays."""
    (modseq,) = connection.execute(_MAILBOXES["shrink_folder"], place).fetchone()
    for uid in uids:
        where = (place["mailbox"], place["folder_id"], uid)
        connection.execute(_MAILBOXES["delete_message"], where)
        connection.execute(_MAILBOXES["insert_journal"], (*where[:2], modseq, uid, "expunged"))
