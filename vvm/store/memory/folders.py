# SPDX-License-Identifier: Apache-2.0
"""The FolderStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from vvm.domain.errors import (
    FolderExists,
    FolderHasChildren,
    FolderStays,
    TooManyAnnotations,
    TooManyFolders,
    UnknownFolder,
)
from vvm.domain.event import EventKind
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store.folders import DELIMITER, Annotation, Copied, FolderEntry, levels
from vvm.store.keywords import spelled
from vvm.store.memory.mailboxes import Folder, Mailbox, MemoryMailboxes
from vvm.store.memory.outbox import MemoryOutbox

_FIXED = (INBOX, GREETINGS)


class MemoryFolders:
    def __init__(self, mailboxes: MemoryMailboxes, outbox: MemoryOutbox) -> None:
        self._mailboxes = mailboxes
        self._outbox = outbox

    async def all(self, mailbox: MailboxId) -> Sequence[FolderEntry]:
        found = self._mailboxes.mailbox(mailbox)
        return [] if found is None else [FolderEntry(*each) for each in _uses(found)]

    async def used(self, mailbox: MailboxId) -> int:
        found = self._mailboxes.mailbox(mailbox)
        return 0 if found is None else found.used()

    async def create(
        self, mailbox: MailboxId, name: str, *, special_use: str | None = None, at: datetime, most: int
    ) -> None:
        found = self._found(mailbox)
        if name in found.folders:
            raise FolderExists
        _make(found, levels(name), at=at, most=most)
        found.folders[name].special_use = special_use

    async def delete(self, mailbox: MailboxId, name: str) -> None:
        found = self._found(mailbox)
        _require_own(found, name)
        if any(each.startswith(name + DELIMITER) for each in found.folders):
            raise FolderHasChildren
        for message in found.folders.pop(name).messages.values():
            self._mailboxes.let_go(mailbox, name, message)

    async def rename(self, mailbox: MailboxId, name: str, other: str, *, at: datetime, most: int) -> None:
        found = self._found(mailbox)
        if name != INBOX:
            _require_own(found, name)
        if other in found.folders:
            raise FolderExists
        if name == INBOX:
            _make(found, levels(other), at=at, most=most)
            await self.move(mailbox, INBOX, list(found.folders[INBOX].messages), other)
            return
        if other.startswith(name + DELIMITER):
            raise FolderStays
        moving = [each for each in found.folders if each == name or each.startswith(name + DELIMITER)]
        if any(other + each.removeprefix(name) in found.folders for each in moving):
            raise FolderExists
        _make(found, levels(other)[:-1], at=at, most=most)
        # In the order in which they were made, as any list of folders is.
        found.folders = {
            other + each.removeprefix(name) if each in moving else each: folder
            for each, folder in found.folders.items()
        }

    async def subscribe(self, mailbox: MailboxId, name: str, *, wanted: bool, most: int) -> None:
        found = self._found(mailbox)
        if not wanted:
            found.subscribed.discard(name)
        elif name not in found.subscribed:
            if len(found.subscribed) >= most:
                raise TooManyFolders(limit=most)
            found.subscribed.add(name)

    async def subscriptions(self, mailbox: MailboxId) -> Sequence[str]:
        found = self._mailboxes.mailbox(mailbox)
        return [] if found is None else sorted(found.subscribed)

    async def annotations(self, mailbox: MailboxId, folder: str) -> Sequence[Annotation]:
        found = self._mailboxes.mailbox(mailbox)
        place = None if found is None else found.folders.get(folder) if folder else found
        return [] if place is None else [place.annotations[name] for name in sorted(place.annotations)]

    async def annotate(
        self, mailbox: MailboxId, folder: str, values: Mapping[str, bytes | None], *, most: int
    ) -> None:
        found = self._found(mailbox)
        place = _folder(found, folder) if folder else found
        after = place.annotations | {
            name.lower(): Annotation(name, value) for name, value in values.items() if value is not None
        }
        for name, value in values.items():
            if value is None:
                after.pop(name.lower(), None)
        more = len(after) - len(place.annotations)
        if more > 0 and _annotations(found) + more > most:
            raise TooManyAnnotations(limit=most)
        place.annotations = after

    async def copy(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        return self._transfer(mailbox, folder, uids, target, owed, moving=False)

    async def move(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        return self._transfer(mailbox, folder, uids, target, owed, moving=True)

    def _transfer(
        self,
        mailbox: MailboxId,
        folder: str,
        uids: Sequence[int],
        target: str,
        owed: Sequence[Owed],
        *,
        moving: bool,
    ) -> Copied | None:
        found = self._found(mailbox)
        source, destination = _folder(found, folder), found.folders.get(target)
        if destination is None:
            return None
        named = source.named(uids)
        if not named:
            return Copied(destination.uid_validity)
        shared = moving and (folder == GREETINGS) == (target == GREETINGS)
        found.require_room(target, [] if shared else [message.new for message in named])
        spelled(destination.keywords, frozenset().union(*(message.keywords for message in named)))
        modseq = destination.advance()
        copies = [
            destination.add(
                msgspec.structs.replace(
                    message.new,
                    flags=message.flags & ~Flags.GREETING_ON,
                    keywords=message.keywords,
                ),
                modseq,
                identity=message.identity,
            )
            for message in named
        ]
        for message in copies:
            self._mailboxes.tell(mailbox, target, message, EventKind.MESSAGE_DEPOSITED)
        if moving:
            gone = source.advance()
            for message in named:
                del source.messages[message.uid]
                source.gone[message.uid] = gone
                self._mailboxes.tell_expunged(mailbox, folder, message.uid)
        self._outbox.add(owed)
        return Copied(
            destination.uid_validity,
            tuple(message.uid for message in named),
            tuple(message.uid for message in copies),
        )

    def _found(self, mailbox: MailboxId) -> Mailbox:
        found = self._mailboxes.mailbox(mailbox)
        if found is None:
            raise UnknownFolder
        return found


def _uses(mailbox: Mailbox) -> list[tuple[str, str | None]]:
    return [(name, folder.special_use) for name, folder in mailbox.folders.items()]


def _folder(mailbox: Mailbox, name: str) -> Folder:
    folder = mailbox.folders.get(name)
    if folder is None:
        raise UnknownFolder
    return folder


def _annotations(mailbox: Mailbox) -> int:
    """How many there are in all."""
    return len(mailbox.annotations) + sum(len(folder.annotations) for folder in mailbox.folders.values())


def _require_own(mailbox: Mailbox, name: str) -> None:
    _folder(mailbox, name)
    if name in _FIXED:
        raise FolderStays


def _make(mailbox: Mailbox, names: Sequence[str], *, at: datetime, most: int) -> None:
    """Those that are missing."""
    missing = [name for name in names if name not in mailbox.folders]
    if len(mailbox.folders) - len(_FIXED) + len(missing) > most:
        raise TooManyFolders(limit=most)
    inbox = mailbox.folders[INBOX]
    for name in missing:
        mailbox.uid_validity = max(mailbox.uid_validity + 1, int(at.timestamp()))
        made = mailbox.folders[name] = Folder(
            uid_validity=mailbox.uid_validity, max_messages=inbox.max_messages
        )
        made.admits_clients = inbox.admits_clients
