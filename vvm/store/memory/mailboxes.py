# SPDX-License-Identifier: Apache-2.0
"""The MailboxStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from vvm.domain.cos import Limits, Usage, crossed
from vvm.domain.errors import MailboxFull, UnknownMessage
from vvm.domain.event import EventKind
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store.blobs.shelf import Shelf
from vvm.store.keywords import SAME_KEYWORDS, KeywordChange, spelled
from vvm.store.memory.blobs import MemoryBlobLedger, blob_keys
from vvm.store.memory.events import MemoryEvents
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.port import (
    GREETINGS_LIMIT,
    Annotation,
    Blob,
    Changes,
    DeletedMessage,
    FolderSnapshot,
    FolderState,
    MessageRecord,
    MessageState,
    NewMessage,
    Original,
    Stored,
)


class Message:
    def __init__(self, uid: int, modseq: int, new: NewMessage, identity: str) -> None:
        self.identity = identity
        self.uid = uid
        self.modseq = modseq
        self.flags = new.flags
        self.keywords = new.keywords
        self.new = new

    def state(self) -> MessageState:
        return MessageState(uid=self.uid, flags=self.flags, modseq=self.modseq, keywords=self.keywords)

    def content(self, *, originals: bool) -> NewMessage | Original:
        return self.new.original if originals and self.new.original is not None else self.new

    def record(self, *, originals: bool) -> MessageRecord:
        content = self.content(originals=originals)
        return MessageRecord(
            uid=self.uid,
            flags=self.flags,
            modseq=self.modseq,
            kind=self.new.kind,
            caller=self.new.caller,
            received_at=self.new.received_at,
            seconds=self.new.seconds,
            size=len(content.octets),
            layout=content.layout,
            identity=self.identity,
            keywords=self.keywords,
        )


class Folder:
    _identities = count(1)

    def __init__(self, *, uid_validity: int, max_messages: int, special_use: str | None = None) -> None:
        self.uid_validity = uid_validity
        self.max_messages = max_messages
        self.special_use = special_use
        self.keywords: tuple[str, ...] = ()
        self.admits_clients = False
        self.uid_next = 1
        self.highest_modseq = 1  # RFC 7162 section 3.1.2.1: at least 1, also of an empty folder
        self.annotations: dict[str, Annotation] = {}
        self.messages: dict[int, Message] = {}
        """Ascending, because UIDs are given in that order and a dict keeps it."""
        self.gone: dict[int, int] = {}
        """MODSEQ of the expunge, by UID."""
        self.journal: list[tuple[datetime, int]] = []
        """When each MODSEQ was given."""
        self.journal_from = 0
        """What moved up to this MODSEQ is forgotten."""

    def state(self) -> FolderState:
        """Counters are counted, so that they cannot be wrong."""
        messages = self.messages.values()
        return FolderState(
            uid_validity=self.uid_validity,
            uid_next=self.uid_next,
            highest_modseq=self.highest_modseq,
            messages=len(messages),
            unseen=sum(Flags.SEEN not in message.flags for message in messages),
            octets=sum(len(message.new.octets) for message in messages),
            max_messages=self.max_messages,
            admits_clients=self.admits_clients,
            keywords=self.keywords,
        )

    def named(self, uids: Iterable[int]) -> list[Message]:
        """The messages that exist among these UIDs, each once, ascending."""
        return [self.messages[uid] for uid in sorted(set(uids)) if uid in self.messages]

    def advance(self) -> int:
        self.highest_modseq += 1
        self.journal.append((datetime.now(UTC), self.highest_modseq))
        return self.highest_modseq

    def forget(self, before: datetime, limit: int) -> int:
        """Let the journal begin later; how many of its records went."""
        old = [modseq for at, modseq in self.journal if at < before][:limit]
        if old:
            self.journal_from = old[-1]
            self.journal = self.journal[len(old) :]
            self.gone = {uid: modseq for uid, modseq in self.gone.items() if modseq > self.journal_from}
        return len(old)

    def gone_since(self, modseq: int) -> list[int]:
        """Ascending; every UID that is not here when the journal does not know."""
        if modseq < self.journal_from:
            return [uid for uid in range(1, self.uid_next) if uid not in self.messages]
        return sorted(uid for uid, when in self.gone.items() if when > modseq)

    def add(self, message: NewMessage, modseq: int, *, identity: str | None = None) -> Message:
        """Give a message its UID, and its identity unless it is a copy."""
        self.keywords, names = spelled(self.keywords, message.keywords)
        named = identity or str(next(self._identities))
        added = self.messages[self.uid_next] = Message(self.uid_next, modseq, message, named)
        added.keywords = names
        self.uid_next += 1
        return added

    def greeting_on(self, last: Message, modseq: int) -> None:
        """Take GREETING_ON from whoever else of this kind has it."""
        for other in self.messages.values():
            if other is not last and other.new.kind is last.new.kind and Flags.GREETING_ON in other.flags:
                other.flags &= ~Flags.GREETING_ON
                other.modseq = modseq


class Mailbox:
    def __init__(self, inbox: Folder, greetings: Folder, limits: Callable[[], Limits | None]) -> None:
        self.limits = limits
        """What the owner's class of service says at this moment."""
        self.folders = {INBOX: inbox, GREETINGS: greetings}
        self.subscribed = {INBOX, GREETINGS}
        self.annotations: dict[str, Annotation] = {}
        self.deposits: dict[str, int] = {}
        """UID by deposit key; outlives the message."""
        self.deposited_at: dict[str, datetime] = {}
        """The same keys, the oldest first."""
        self.uid_validity = inbox.uid_validity
        """The last one given."""
        self.held = False
        """By a legal hold on its owner."""
        self.deleted: dict[int, tuple[DeletedMessage, Message]] = {}
        """What can be restored, by its id."""

    def note_key(self, key: str, uid: int) -> None:
        self.deposits[key] = uid
        self.deposited_at[key] = datetime.now(UTC)

    def kept(self) -> Iterator[Message]:
        """Every message, in a folder or deleted."""
        for folder in self.folders.values():
            yield from folder.messages.values()
        for _, message in self.deleted.values():
            yield message

    def used(self) -> int:
        return sum(len(folder.messages) for name, folder in self.folders.items() if name != GREETINGS)

    def require_room(self, folder: str, coming: Sequence[NewMessage]) -> None:
        """Greetings is counted alone, everything else together.  Raises MailboxFull."""
        if not coming:
            return
        used = len(self.folders[GREETINGS].messages) if folder == GREETINGS else self.used()
        limit = self.most(folder)
        if used + len(coming) > limit:
            raise MailboxFull(used=used, limit=limit)
        limits = self.limits()
        if limits is None or folder == GREETINGS:
            return
        kept = [
            message.new
            for name, found in self.folders.items()
            if name != GREETINGS
            for message in found.messages.values()
        ]
        seconds, octets = _sums(kept)
        more_seconds, more_octets = _sums(coming)
        if limits.max_seconds is not None and seconds + more_seconds > limits.max_seconds:
            raise MailboxFull(used=seconds, limit=limits.max_seconds, unit="seconds")
        if limits.max_octets is not None and octets + more_octets > limits.max_octets:
            raise MailboxFull(used=octets, limit=limits.max_octets, unit="octets")

    def crossed_by(self, added: NewMessage) -> bool:
        """Whether the owner has to be warned, now that a message was added."""
        limits = self.limits()
        if limits is None:
            return False
        kept = [
            message.new
            for name, folder in self.folders.items()
            if name != GREETINGS
            for message in folder.messages.values()
        ]
        seconds, octets = _sums(kept)
        return crossed(
            limits,
            max_messages=self.folders[INBOX].max_messages,
            before=Usage(len(kept) - 1, seconds - added.seconds, octets - len(added.octets)),
            after=Usage(len(kept), seconds, octets),
        )

    def most(self, folder: str) -> int:
        """How many messages a folder, with those that share its quota, may hold now."""
        limits = None if folder == GREETINGS else self.limits()
        of_class = None if limits is None else limits.max_messages
        return self.folders[folder].max_messages if of_class is None else of_class

    def state(self, folder: str) -> FolderState:
        return msgspec.structs.replace(self.folders[folder].state(), max_messages=self.most(folder))


def _sums(messages: Sequence[NewMessage]) -> tuple[int, int]:
    """Seconds and octets."""
    return sum(one.seconds for one in messages), sum(len(one.octets) for one in messages)


class MemoryMailboxes:
    def __init__(
        self, outbox: MemoryOutbox, events: MemoryEvents, ledger: MemoryBlobLedger, shelf: Shelf
    ) -> None:
        self._outbox = outbox
        self._events = events
        self._ledger = ledger
        self._shelf = shelf
        self._mailboxes: dict[MailboxId, Mailbox] = {}
        self._ids = count(1)
        self._deleted_ids = count(1)
        self._limits_of: Callable[[MailboxId], Limits | None] = lambda _: None

    def limited_by(self, limits_of: Callable[[MailboxId], Limits | None]) -> None:
        """Ask ``limits_of`` for what the class of service of a mailbox's owner says."""
        self._limits_of = limits_of

    def open(self, *, max_messages: int) -> MailboxId:
        """Make a mailbox with an empty INBOX and empty Greetings.

        Its UIDVALIDITY is its id: a number that is given away and comes back gets a greater one, as
        RFC 9051 section 2.3.1.1 demands.
        """
        mailbox = MailboxId(next(self._ids))
        self._mailboxes[mailbox] = Mailbox(
            Folder(uid_validity=mailbox, max_messages=max_messages),
            Folder(uid_validity=mailbox, max_messages=GREETINGS_LIMIT),
            lambda: self._limits_of(mailbox),
        )
        return mailbox

    def admit(self, mailbox: MailboxId, *, clients: bool) -> None:
        """Follow the owner's provisioning status."""
        for folder in self._mailboxes[mailbox].folders.values():
            folder.admits_clients = clients

    def limit(self, mailbox: MailboxId, max_messages: int) -> None:
        for name, folder in self._mailboxes[mailbox].folders.items():
            if name != GREETINGS:
                folder.max_messages = max_messages

    def forget(self, mailbox: MailboxId) -> None:
        del self._mailboxes[mailbox]

    def hold(self, mailbox: MailboxId, *, held: bool) -> None:
        self._mailboxes[mailbox].held = held

    def let_go(self, mailbox: MailboxId, folder: str, message: Message) -> None:
        """A message has left its folder: keep it so that it can be restored, or not."""
        found = self._mailboxes[mailbox]
        limits = found.limits()
        days = (None if limits is None else limits.deleted_days) or 0
        if not (found.held or (days and folder != GREETINGS)):
            return
        now = datetime.now(UTC)
        new = message.new
        kept = DeletedMessage(
            id=next(self._deleted_ids),
            folder=folder,
            uid=message.uid,
            flags=message.flags,
            kind=new.kind,
            caller=new.caller,
            received_at=new.received_at,
            seconds=new.seconds,
            size=len(new.octets),
            deleted_at=now,
            purge_at=now + timedelta(days=days),
        )
        found.deleted[kept.id] = kept, message

    def all(self) -> Sequence[Mailbox]:
        return tuple(self._mailboxes.values())

    def mailbox(self, mailbox: MailboxId) -> Mailbox | None:
        return self._mailboxes.get(mailbox)

    def has(self, mailbox: MailboxId) -> bool:
        return mailbox in self._mailboxes

    def blobs(self) -> set[str]:
        """The keys that messages have now, and those that can be restored."""
        return {
            key
            for mailbox in self._mailboxes.values()
            for message in mailbox.kept()
            for key in blob_keys(message.new)
        }

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
            stored = self._append(mailbox, folder, shelved, owed)
            if stored.created and folder != GREETINGS and self._mailboxes[mailbox].crossed_by(shelved):
                self._outbox.add(nearly_full)
            return stored

    def _append(self, mailbox: MailboxId, folder: str, message: NewMessage, owed: Sequence[Owed]) -> Stored:
        target = self._folder(mailbox, folder)
        if target is None:
            raise UnknownMessage
        deposits = self._mailboxes[mailbox].deposits
        if message.key is not None and message.key in deposits:
            return Stored(uid=deposits[message.key], created=False)
        self._mailboxes[mailbox].require_room(folder, [message])
        spelled(target.keywords, message.keywords)  # raises before anything is changed
        self._ledger.take(message)
        added = target.add(message, target.advance())
        if Flags.GREETING_ON in message.flags:
            target.greeting_on(added, added.modseq)
        if message.key is not None:
            self._mailboxes[mailbox].note_key(message.key, added.uid)
        self.tell(mailbox, folder, added, EventKind.MESSAGE_DEPOSITED)
        self._outbox.add(owed, uid=added.uid)
        return Stored(uid=added.uid, created=True)

    async def file(
        self, mailbox: MailboxId, folder: str, messages: Sequence[NewMessage], owed: Sequence[Owed] = ()
    ) -> Sequence[Stored]:
        async with self._shelf.shelved(mailbox, messages) as shelved:
            target = self._folder(mailbox, folder)
            if target is None:
                raise UnknownMessage
            self._mailboxes[mailbox].require_room(folder, shelved)
            spelled(target.keywords, frozenset().union(*(message.keywords for message in shelved)))
            stored = [self._append(mailbox, folder, message, ()) for message in shelved]
            self._outbox.add(owed)
            return stored

    async def folder(self, mailbox: MailboxId, folder: str) -> FolderState | None:
        found = self._folder(mailbox, folder)
        return None if found is None else self._mailboxes[mailbox].state(folder)

    async def states(self, mailbox: MailboxId, folder: str) -> Sequence[MessageState]:
        found = self._folder(mailbox, folder)
        return [] if found is None else [message.state() for message in found.messages.values()]

    async def snapshot(self, mailbox: MailboxId, folder: str) -> FolderSnapshot | None:
        found = self._folder(mailbox, folder)
        if found is None:
            return None
        return FolderSnapshot(
            self._mailboxes[mailbox].state(folder), [message.state() for message in found.messages.values()]
        )

    async def changes(self, mailbox: MailboxId, folder: str, since_modseq: int) -> Changes | None:
        found = self._folder(mailbox, folder)
        if found is None:
            return None
        return Changes(
            folder=self._mailboxes[mailbox].state(folder),
            changed=[message.state() for message in found.messages.values() if message.modseq > since_modseq],
            expunged=found.gone_since(since_modseq),
        )

    async def messages(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], *, originals: bool = False
    ) -> Sequence[MessageRecord]:
        found = self._folder(mailbox, folder)
        return [] if found is None else [each.record(originals=originals) for each in found.named(uids)]

    async def octets(
        self, mailbox: MailboxId, folder: str, uid: int, *, originals: bool = False
    ) -> bytes | None:
        async def look() -> bytes | Blob | None:
            found = self._folder(mailbox, folder)
            if found is None or uid not in found.messages:
                return None
            return found.messages[uid].content(originals=originals).octets

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
        found = self._folder(mailbox, folder)
        if found is None:
            return []
        named = found.named(uids)
        if unchanged_since is not None:
            named = [message for message in named if message.modseq <= unchanged_since]
        last = {message.new.kind: message for message in named}
        wanted = {message.uid: (message.flags & ~remove) | add for message in named}
        for message in named:
            if Flags.GREETING_ON in add and message is not last[message.new.kind]:
                wanted[message.uid] &= ~Flags.GREETING_ON
        change, known = keywords.spelled(found.keywords)
        carried = {message.uid: change.applied_to(message.keywords) for message in named}
        moved = [
            message
            for message in named
            if (message.flags, message.keywords) != (wanted[message.uid], carried[message.uid])
        ]
        if moved:
            found.keywords = known
            modseq = found.advance()  # one commit, one MODSEQ
            for message in moved:
                message.flags, message.keywords = wanted[message.uid], carried[message.uid]
                message.modseq = modseq
                if Flags.GREETING_ON in message.flags:
                    found.greeting_on(message, modseq)
                self.tell(mailbox, folder, message, EventKind.MESSAGE_FLAGS)
            self._outbox.add(owed)
        return [message.state() for message in named]

    async def expunge(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int] | None, owed: Sequence[Owed] = ()
    ) -> Sequence[int]:
        found = self._folder(mailbox, folder)
        if found is None:
            return []
        named = found.messages.values() if uids is None else found.named(uids)
        going = [message.uid for message in named if Flags.DELETED in message.flags]
        if going:
            self.remove(mailbox, folder, going)
            self._outbox.add(owed)
        return going

    def remove(self, mailbox: MailboxId, folder: str, uids: Sequence[int]) -> None:
        """Take messages out of a folder, as part of the method that causes it."""
        found = self._mailboxes[mailbox].folders[folder]
        modseq = found.advance()
        for uid in uids:
            self.let_go(mailbox, folder, found.messages.pop(uid))
            found.gone[uid] = modseq
            self.tell_expunged(mailbox, folder, uid)

    def tell(self, mailbox: MailboxId, folder: str, message: Message, kind: EventKind) -> None:
        """Record an event of a message, as part of the method that causes it."""
        self._events.message(
            mailbox,
            kind,
            folder=folder,
            uid=message.uid,
            message_kind=message.new.kind.value,
            caller=message.new.caller,
            seconds=message.new.seconds,
            flags=message.flags.names,
        )

    def tell_expunged(self, mailbox: MailboxId, folder: str, uid: int) -> None:
        self._events.message(mailbox, EventKind.MESSAGE_EXPUNGED, folder=folder, uid=uid)

    def _folder(self, mailbox: MailboxId, folder: str) -> Folder | None:
        found = self._mailboxes.get(mailbox)
        return None if found is None else found.folders.get(folder)
