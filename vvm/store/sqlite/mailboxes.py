# SPDX-License-Identifier: Apache-2.0
"""Messages in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from vvm.domain.cos import Usage, crossed
from vvm.domain.errors import MailboxFull, UnknownMessage
from vvm.domain.message import GREETINGS, Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.blobs.shelf import Shelf
from vvm.store.keywords import SAME_KEYWORDS, KeywordChange, spelled
from vvm.store.port import (
    Blob,
    Changes,
    FolderSnapshot,
    FolderState,
    MessageRecord,
    MessageState,
    NewMessage,
    Stored,
)
from vvm.store.sql import named_statements
from vvm.store.sqlite.contents import insert_content
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.outbox import insert_owed
from vvm.store.sqlite.removal import let_go

_SQL = named_statements("vvm.store.sqlite.queries", "mailboxes.sql")
GREETINGS_ID = 2
"""Of every mailbox; INBOX is 1 (migrations/0001, 0002)."""
_SEEN = int(Flags.SEEN)
_FEW = 50
"""Messages whose flags change faster than a thread takes over."""
_MOST_FOLDERS = 1000
"""Whose state is kept while nothing is committed."""


class SqliteMailboxes:
    """vvm.store.port.MailboxStore."""

    def __init__(self, reader: Reader, writer: Writer, shelf: Shelf) -> None:
        self._reader = reader
        self._write = writer
        self._shelf = shelf
        self._folders = _Folders(reader)

    async def append(
        self,
        mailbox: MailboxId,
        folder: str,
        message: NewMessage,
        owed: Sequence[Owed] = (),
        *,
        nearly_full: Sequence[Owed] = (),
    ) -> Stored:
        contents = _Contents(message)
        async with self._shelf.shelved(mailbox, [message]) as (shelved,):

            def work(connection: sqlite3.Connection) -> Stored:
                stored = _append(connection, mailbox, folder, shelved, contents)
                if stored.created:
                    insert_owed(connection, owed, uid=stored.uid)
                    if nearly_full and folder != GREETINGS and _crossed(connection, mailbox, shelved):
                        insert_owed(connection, nearly_full)
                return stored

            return await self._write(work)

    async def file(
        self, mailbox: MailboxId, folder: str, messages: Sequence[NewMessage], owed: Sequence[Owed] = ()
    ) -> Sequence[Stored]:
        async with self._shelf.shelved(mailbox, messages) as shelved:
            prepared = [(message, _Contents(message)) for message in shelved]

            def work(connection: sqlite3.Connection) -> Sequence[Stored]:
                stored = [_append(connection, mailbox, folder, *each) for each in prepared]
                insert_owed(connection, owed)
                return stored

            return await self._write(work)

    async def folder(self, mailbox: MailboxId, folder: str) -> FolderState | None:
        return self._folders(mailbox, folder)

    async def states(self, mailbox: MailboxId, folder: str) -> Sequence[MessageState]:
        return [
            rows.message_state(row) for row in self._reader.all(_SQL["message_states"], (mailbox, folder))
        ]

    async def snapshot(self, mailbox: MailboxId, folder: str) -> FolderSnapshot | None:
        with self._reader.snapshot():
            row = self._reader.one(_SQL["folder_state"], (mailbox, folder))
            if row is None:
                return None
            found = self._reader.all(_SQL["message_states"], (mailbox, folder))
        return FolderSnapshot(rows.folder_state(row), [rows.message_state(state) for state in found])

    async def changes(self, mailbox: MailboxId, folder: str, since_modseq: int) -> Changes | None:
        present = self._folders(mailbox, folder)
        if present is None:
            return None
        if present.highest_modseq <= since_modseq:
            return Changes(folder=present)
        with self._reader.snapshot():
            row = self._reader.one(_SQL["folder_state"], (mailbox, folder))
            if row is None:
                return None
            where = {"mailbox": mailbox, "folder_id": row[7], "since": since_modseq}
            state = rows.folder_state(row)
            if since_modseq < row[10]:
                changed = self._reader.all(_SQL["changed_before_journal"], where)
                there = {uid for (uid,) in self._reader.all(_SQL["uids"], where)}
                expunged = [uid for uid in range(1, state.uid_next) if uid not in there]
            else:
                changed = self._reader.all(_SQL["changed_since"], where)
                expunged = [uid for (uid,) in self._reader.all(_SQL["expunged_since"], where)]
        return Changes(state, [rows.message_state(found) for found in changed], expunged)

    async def messages(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], *, originals: bool = False
    ) -> Sequence[MessageRecord]:
        if len(uids) == 1 and not originals:
            found = self._reader.all(_SQL["message_record"], (mailbox, folder, uids[0]))
        else:
            where = {"mailbox": mailbox, "folder": folder, "uids": rows.uid_list(uids)}
            found = self._reader.all(_SQL["original_records" if originals else "message_records"], where)
        return [rows.message_record(row) for row in found]

    async def octets(
        self, mailbox: MailboxId, folder: str, uid: int, *, originals: bool = False
    ) -> bytes | None:
        statement = _SQL["original_octets" if originals else "message_octets"]

        async def look() -> bytes | Blob | None:
            row = self._reader.one(statement, (mailbox, folder, uid))
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
        def work(connection: sqlite3.Connection) -> Sequence[MessageState]:
            written = connection.total_changes
            states = _change_flags(connection, mailbox, folder, uids, add, remove, keywords, unchanged_since)
            if connection.total_changes > written:
                insert_owed(connection, owed)
            return states

        if len(uids) <= _FEW:
            return await self._write.brief(work)
        return await self._write(work, durable=False)

    async def expunge(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int] | None, owed: Sequence[Owed] = ()
    ) -> Sequence[int]:
        def work(connection: sqlite3.Connection) -> Sequence[int]:
            gone = _expunge(connection, mailbox, folder, uids)
            if gone:
                insert_owed(connection, owed)
            return gone

        return await self._write(work)


class _Folders:
    """Folders as they are now, each read once for as long as nobody commits anything."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._version: int | None = None
        self._read: dict[tuple[MailboxId, str], FolderState] = {}

    def __call__(self, mailbox: MailboxId, folder: str) -> FolderState | None:
        """Raises Outage."""
        version = self._reader.version()  # before the row, which may be newer but never older
        if version != self._version or len(self._read) >= _MOST_FOLDERS:
            self._version = version
            self._read.clear()
        found = self._read.get((mailbox, folder))
        if found is None:
            row = self._reader.one(_SQL["folder_state"], (mailbox, folder))
            if row is None:
                return None
            found = self._read[mailbox, folder] = rows.folder_state(row)
        return found


class _Contents:
    """The layouts of a message as they are stored, made on the event loop and not in the writer."""

    def __init__(self, message: NewMessage) -> None:
        self.layout = rows.layout_octets(message.layout)
        self.original = None if message.original is None else rows.layout_octets(message.original.layout)


def _append(
    connection: sqlite3.Connection, mailbox: MailboxId, folder: str, message: NewMessage, contents: _Contents
) -> Stored:
    keyed = {"mailbox": mailbox, "key": message.key}
    if message.key is not None:
        known = connection.execute(_SQL["deposit_by_key"], keyed).fetchone()
        if known is not None:
            return Stored(uid=known[0], created=False)
    size = len(message.octets)
    unseen = Flags.SEEN not in message.flags
    where = {
        "mailbox": mailbox,
        "folder": folder,
        "size": size,
        "seconds": message.seconds,
        "unseen": unseen,
    }
    allocated = connection.execute(_SQL["allocate_message"], where).fetchone()
    if allocated is None:
        raise why_not(connection, mailbox, folder)
    folder_id, uid, modseq, known_keywords = allocated
    original = None
    if message.original is not None and contents.original is not None:
        original = insert_content(connection, contents.original, message.original.octets)
    connection.execute(
        _SQL["insert_message"],
        {
            "mailbox": mailbox,
            "folder_id": folder_id,
            "uid": uid,
            "modseq": modseq,
            "flags": int(message.flags),
            "kind": message.kind.value,
            "caller": message.caller,
            "received_at": rows.microseconds(message.received_at),
            "utc_offset": rows.utc_offset(message.received_at),
            "seconds": message.seconds,
            "size": size,
            "content_id": insert_content(connection, contents.layout, message.octets),
            "keywords": rows.keyword_text(
                learn_keywords(connection, (mailbox, folder_id), known_keywords, message.keywords)
            ),
            "original_id": original,
            "original_size": None if message.original is None else len(message.original.octets),
        },
    )
    connection.execute(_SQL["insert_journal"], (mailbox, folder_id, modseq, uid, "deposited"))
    if Flags.GREETING_ON in message.flags:
        place = {"mailbox": mailbox, "folder_id": folder_id}
        _silence_others(connection, place, {message.kind.value: uid}, modseq)
    if message.key is not None:
        connection.execute(_SQL["insert_deposit_key"], keyed | {"uid": uid})
    return Stored(uid=uid, created=True)


def learn_keywords(
    connection: sqlite3.Connection, place: tuple[MailboxId, int], known: str, wanted: Collection[str]
) -> frozenset[str]:
    """``wanted`` in the spelling of a folder, which knows them from now on.  Raises TooManyKeywords."""
    after, names = spelled(rows.keyword_order(known), wanted)
    remember_keywords(connection, place, known, after)
    return names


def remember_keywords(
    connection: sqlite3.Connection, place: tuple[MailboxId, int], known: str, after: tuple[str, ...]
) -> None:
    if " ".join(after) != known:
        connection.execute(_SQL["set_folder_keywords"], (" ".join(after), *place))


def why_not(connection: sqlite3.Connection, mailbox: MailboxId, folder: str) -> Exception:
    row = connection.execute(_SQL["folder_state"], (mailbox, folder)).fetchone()
    if row is None:
        return UnknownMessage()
    state = rows.folder_state(row)
    used = state.messages
    if row[7] != GREETINGS_ID:
        (used,) = connection.execute(_SQL["used_messages"], (mailbox,)).fetchone()
    room = connection.execute(_SQL["used_room"], {"mailbox": mailbox}).fetchone()
    if used < state.max_messages and room is not None:
        octets, seconds, max_octets, max_seconds = room
        if max_octets is None or (max_seconds is not None and seconds * max_octets > octets * max_seconds):
            return MailboxFull(used=seconds, limit=max_seconds, unit="seconds")
        return MailboxFull(used=octets, limit=max_octets, unit="octets")
    return MailboxFull(used=used, limit=state.max_messages)


def _crossed(connection: sqlite3.Connection, mailbox: MailboxId, added: NewMessage) -> bool:
    row = connection.execute(_SQL["usage"], {"mailbox": mailbox}).fetchone()
    if row is None:
        return False
    text, max_messages, messages, seconds, octets = row
    after = Usage(messages, seconds, octets)
    before = Usage(messages - 1, seconds - added.seconds, octets - len(added.octets))
    return crossed(rows.limits(text), max_messages=max_messages, before=before, after=after)


def _change_flags(  # noqa: PLR0917 - one transaction's whole input
    connection: sqlite3.Connection,
    mailbox: MailboxId,
    folder: str,
    uids: Sequence[int],
    add: Flags,
    remove: Flags,
    keywords: KeywordChange,
    unchanged_since: int | None,
) -> Sequence[MessageState]:
    row = connection.execute(_SQL["folder_state"], (mailbox, folder)).fetchone()
    if row is None:
        return []
    where = {"mailbox": mailbox, "folder_id": row[7], "uids": rows.uid_list(uids)}
    before = [rows.message_state(found) for found in connection.execute(_SQL["states_of"], where)]
    if unchanged_since is not None:
        before = [state for state in before if state.modseq <= unchanged_since]
        where["uids"] = rows.uid_list([state.uid for state in before])
    last = dict(connection.execute(_SQL["kinds_of"], where).fetchall()) if add & Flags.GREETING_ON else {}
    left, added = ~int(remove), int(add)  # the operators of Flags cost as much as a statement
    wanted = [rows.flags((int(state.flags) & left) | added) for state in before]
    if last:
        kept = set(last.values())
        wanted = [
            flags if state.uid in kept else flags & ~Flags.GREETING_ON
            for state, flags in zip(before, wanted, strict=True)
        ]
    unseen = sum(
        bool(int(state.flags) & _SEEN) - bool(int(flags) & _SEEN)
        for state, flags in zip(before, wanted, strict=True)
    )
    change, known = keywords.spelled(rows.keyword_order(row[9]))
    carried = [change.applied_to(state.keywords) for state in before]
    moved = [
        (state.flags, state.keywords) != (flags, names)
        for state, flags, names in zip(before, wanted, carried, strict=True)
    ]
    if not any(moved):
        return before
    remember_keywords(connection, (mailbox, row[7]), row[9], known)
    (modseq,) = connection.execute(_SQL["advance_modseq"], where | {"unseen": unseen}).fetchone()
    after = []
    for state, moves, flags, names in zip(before, moved, wanted, carried, strict=True):
        if not moves:
            after.append(state)
            continue
        values = (int(flags), rows.keyword_text(names), modseq)
        connection.execute(_SQL["set_flags"], (*values, mailbox, row[7], state.uid))
        connection.execute(_SQL["insert_journal"], (mailbox, row[7], modseq, state.uid, "flags"))
        after.append(MessageState(state.uid, flags, modseq, names))
    _silence_others(connection, where, last, modseq)
    return after


def _silence_others(
    connection: sqlite3.Connection, where: Mapping[str, object], last: Mapping[str, int], modseq: int
) -> None:
    """Leave GREETING_ON, of each kind, to one UID alone."""
    for kind, uid in last.items():
        which = {"greeting_on": int(Flags.GREETING_ON), "modseq": modseq, "kind": kind, "uid": uid}
        for (silenced,) in connection.execute(_SQL["silence_greetings"], dict(where) | which).fetchall():
            journal = (where["mailbox"], where["folder_id"], modseq, silenced, "flags")
            connection.execute(_SQL["insert_journal"], journal)


def _expunge(
    connection: sqlite3.Connection, mailbox: MailboxId, folder: str, uids: Sequence[int] | None
) -> Sequence[int]:
    row = connection.execute(_SQL["folder_state"], (mailbox, folder)).fetchone()
    if row is None:
        return []
    where = {
        "mailbox": mailbox,
        "folder_id": row[7],
        "deleted": int(Flags.DELETED),
        "uids": None if uids is None else rows.uid_list(uids),
    }
    return remove_messages(
        connection, mailbox, row[7], connection.execute(_SQL["deleted_messages"], where).fetchall()
    )


def remove_messages(
    connection: sqlite3.Connection,
    mailbox: MailboxId,
    folder_id: int,
    doomed: Sequence[tuple[int, int, int, int, int | None]],
) -> Sequence[int]:
    """Take messages (UID, flags, size, content, original) out of a folder; their UIDs."""
    if not doomed:
        return []
    totals = {
        "messages": len(doomed),
        "unseen": sum(not flags & Flags.SEEN for _, flags, *_ in doomed),
        "octets": sum(size for _, _, size, *_ in doomed),
    }
    place = {"mailbox": mailbox, "folder_id": folder_id}
    (modseq,) = connection.execute(_SQL["shrink_folder"], place | totals).fetchone()
    let_go(
        connection, mailbox, folder_id, [(uid, content, original) for uid, _, _, content, original in doomed]
    )
    for uid, *_ in doomed:
        connection.execute(_SQL["insert_journal"], (mailbox, folder_id, modseq, uid, "expunged"))
    return [uid for uid, *_ in doomed]
