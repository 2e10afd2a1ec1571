# SPDX-License-Identifier: Apache-2.0
"""One folder of a subscriber's mailbox, as IMAP has it open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

from imap_server.abilities import Copied
from imap_server.backend import (
    Changes,
    Ended,
    FlagChange,
    MessageRecord,
    MessageState,
    NotAllowed,
    PartSpan,
    Snapshot,
)
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.subscriber import Subscriber
from vvm.domain.visit import Act
from vvm.fronts.imap.ahead import ReadAhead
from vvm.fronts.imap.opened import Opened, told
from vvm.fronts.imap.preview import preview
from vvm.fronts.imap.rosters import state_of
from vvm.fronts.imap.vocabulary import names_of
from vvm.store import port

_STAY = frozenset({INBOX, GREETINGS})

Transfer = Callable[[Subscriber, str, Sequence[int], str], Awaitable[port.Copied | None]]


class Folder:
    """imap_server.backend.Mailbox, and imap_server.abilities.Copying where the profile allows it."""

    def __init__(self, folder: str, opened: Opened) -> None:
        self._folder = folder
        self._opened = opened
        self._mailbox = opened.mailbox
        self._language = opened.owner.language
        self._vocabulary = opened.profile.vocabulary(folder)
        self._mailboxes = opened.services.mailboxes
        self._rosters = opened.services.rosters
        self._ahead = ReadAhead()

    async def snapshot(self) -> Snapshot:
        found = await told(self._rosters.present(self._mailboxes, self._mailbox, self._folder))
        if found is None:
            raise await self._gone()
        folder, roster = found
        await self._opened.check(folder)
        self._opened.note(Act.LOOKED, self._folder)
        return Snapshot(
            uid_validity=folder.uid_validity,
            uid_next=folder.uid_next,
            highest_modseq=folder.highest_modseq,
            flags=self._vocabulary.names(folder.keywords),
            permanent_flags=self._vocabulary.permanent(folder.keywords),
            messages=roster,
            mailbox_id=mailbox_id(self._folder, folder),
        )

    async def changes(self, since_modseq: int) -> Changes:
        changes = await told(self._mailboxes.changes(self._mailbox, self._folder, since_modseq))
        if changes is None:
            raise await self._opened.over()
        await self._opened.check(changes.folder)
        highest_modseq, uid_next = changes.folder.highest_modseq, changes.folder.uid_next
        if not changes.changed and not changes.expunged:  # as before most commands
            return Changes(highest_modseq, uid_next)
        self._ahead.forget(message.uid for message in changes.changed)
        self._ahead.forget(changes.expunged)
        changed = [state_of(message) for message in changes.changed]
        return Changes(highest_modseq, uid_next, changed, changes.expunged)

    async def messages(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        if len(uids) == 1:
            return await self._ahead.one(uids[0], self._records)
        return await self._records(uids)

    async def _records(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        originals = self._opened.originals
        found = await told(self._mailboxes.messages(self._mailbox, self._folder, uids, originals=originals))
        return [_record(message, "O" if originals else "M", self._language) for message in found]

    async def read(self, uid: int) -> bytes | None:
        originals = self._opened.originals
        self._opened.fetched(self._folder)
        return await told(self._mailboxes.octets(self._mailbox, self._folder, uid, originals=originals))

    async def store(
        self, uids: Sequence[int], change: FlagChange, *, unchanged_since: int | None = None
    ) -> Sequence[MessageState]:
        meant = self._vocabulary.change(change)
        self._opened.note(Act.MARKED, self._folder)
        states = await told(
            self._opened.services.retrieval.mark(
                self._mailbox,
                self._folder,
                uids,
                add=meant.add,
                remove=meant.remove,
                keywords=meant.keywords,
                unchanged_since=unchanged_since,
                owed=self._opened.owed(self._folder),
            )
        )
        return [state_of(message) for message in states]

    async def expunge(self, uids: Collection[int] | None) -> Sequence[int]:
        chosen = None if uids is None else sorted(uids)
        owed = self._opened.owed(self._folder)
        retrieval = self._opened.services.retrieval
        gone = await told(retrieval.expunge(self._mailbox, self._folder, chosen, owed))
        if gone:
            self._opened.note(Act.EXPUNGED, self._folder)
        return gone

    async def copy(self, uids: Sequence[int], name: str) -> Copied | None:
        return await self._transfer(self._opened.services.filing.copy, uids, name)

    async def move(self, uids: Sequence[int], name: str) -> Copied | None:
        return await self._transfer(self._opened.services.filing.move, uids, name)

    async def _transfer(self, transfer: Transfer, uids: Sequence[int], name: str) -> Copied | None:
        if not self._opened.profile.files:
            raise NotAllowed
        copied = await told(transfer(self._opened.owner, self._folder, uids, name))
        return None if copied is None else Copied(copied.uid_validity, copied.sources, copied.uids)

    async def _gone(self) -> Ended | NotAllowed:
        """Nobody can remove INBOX or Greetings; of any other folder another session can, and ours goes on."""
        if self._folder in _STAY:
            return await self._opened.over()
        return NotAllowed("no such mailbox", code="NONEXISTENT")

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._ahead.clear()
        return self._opened.services.hints.watch(self._mailbox, callback)


def mailbox_id(folder: str, state: port.FolderState) -> str:
    """INBOX and Greetings came into being with one UIDVALIDITY; that of any other folder is its own."""
    return f"{'G' if folder == GREETINGS else 'F'}{state.uid_validity}"


def _record(message: port.MessageRecord, content: str, language: str) -> MessageRecord:
    """``content`` tells who reads originals from who does not: they have no octets in common."""
    layout = message.layout
    return MessageRecord(
        uid=message.uid,
        flags=names_of(message.flags, message.keywords),
        modseq=message.modseq,
        internal_date=message.received_at,
        size=message.size,
        header=layout.header,
        envelope=layout.envelope,
        body=layout.body,
        body_structure=layout.body_structure,
        parts=tuple(
            [
                PartSpan(part.number, part.mime_start, part.body_start, part.body_end, part.message)
                for part in layout.parts
            ]
        ),
        email_id=content + message.identity,
        preview=preview(message.kind, seconds=message.seconds, caller=message.caller, language=language),
    )
