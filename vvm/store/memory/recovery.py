# SPDX-License-Identifier: Apache-2.0
"""The RecoveryStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from vvm.domain.errors import PreconditionFailed, UnknownMessage
from vvm.domain.event import EventKind
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.recovery import DeletedMessage

_DROPPED = Flags.DELETED | Flags.GREETING_ON


class MemoryRecovery:
    def __init__(self, mailboxes: MemoryMailboxes, outbox: MemoryOutbox) -> None:
        self._mailboxes = mailboxes
        self._outbox = outbox

    async def deleted(self, mailbox: MailboxId, *, after: int, limit: int) -> Sequence[DeletedMessage]:
        found = self._mailboxes.mailbox(mailbox)
        kept = [] if found is None else [kept for kept, _ in found.deleted.values() if kept.id > after]
        return kept[:limit]

    async def delete(
        self,
        mailbox: MailboxId,
        folder: str,
        uid: int,
        *,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> None:
        found = self._mailboxes.mailbox(mailbox)
        place = None if found is None else found.folders.get(folder)
        if place is None or uid not in place.messages:
            raise UnknownMessage
        if unchanged_since is not None and place.messages[uid].modseq > unchanged_since:
            raise PreconditionFailed
        self._mailboxes.remove(mailbox, folder, [uid])
        self._outbox.add(owed)

    async def restore(
        self, mailbox: MailboxId, deleted: int, owed: Sequence[Owed] = (), *, key: str | None = None
    ) -> int:
        found = self._mailboxes.mailbox(mailbox)
        if found is None or deleted not in found.deleted:
            raise UnknownMessage
        kept, message = found.deleted[deleted]
        folder = GREETINGS if kept.folder == GREETINGS else INBOX
        flags = message.flags & ~_DROPPED
        new = msgspec.structs.replace(message.new, flags=flags, keywords=message.keywords)
        found.require_room(folder, [new])
        place = found.folders[folder]
        back = place.add(new, place.advance(), identity=message.identity)
        del found.deleted[deleted]
        self._mailboxes.tell(mailbox, folder, back, EventKind.MESSAGE_DEPOSITED)
        self._outbox.add(owed)
        if key is not None:
            found.note_key(key, back.uid)
        return back.uid

    async def restored(self, mailbox: MailboxId, key: str) -> int | None:
        found = self._mailboxes.mailbox(mailbox)
        return None if found is None else found.deposits.get(key)

    async def purge(self, *, now: datetime, limit: int) -> int:
        due = [
            (kept.purge_at, kept.id, found)
            for found in self._mailboxes.all()
            if not found.held
            for kept, _ in found.deleted.values()
            if kept.purge_at <= now
        ]
        oldest = sorted(due, key=lambda one: one[:2])[:limit]
        for _, deleted, found in oldest:
            del found.deleted[deleted]
        return len(oldest)
