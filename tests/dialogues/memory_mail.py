# SPDX-License-Identifier: Apache-2.0
"""The account of a plain mail client in memory: every ability of ``imap_server.abilities``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from imap_server.abilities import (
    Annotation,
    AnnotationTooBig,
    Appended,
    NewMessage,
    NoPrivateAnnotations,
    OverQuota,
    TooManyAnnotations,
    UnsupportedUse,
)
from imap_server.backend import MailboxEntry, MailboxStatus, NotAllowed, Quota
from tests.dialogues.memory_folder import Folder, Power, figures, quota

CAPACITY_OCTETS = 50_000
"""Of one folder."""
ANNOTATION_OCTETS = 64
MOST_ANNOTATIONS = 3
_NOW = datetime(2026, 3, 7, 18, 17, tzinfo=UTC)


class MailAccount:
    """Folders come and go, any flag may be set, messages may be put anywhere."""

    def __init__(self, user: str, power: Power) -> None:
        self.user = user
        self._power = power
        self._uid_validity = 1_800_000_000
        self.folders: dict[str, Folder] = {}
        self._subscribed: dict[str, None] = {}
        self._uses: dict[str, tuple[str, ...]] = {}
        self._annotations: dict[str, dict[str, Annotation]] = {}
        self._make("INBOX")

    async def list(self) -> Sequence[MailboxEntry]:
        """As they were made."""
        return [MailboxEntry(name, self._uses.get(name, ())) for name in self.folders]

    async def status(self, name: str) -> MailboxStatus | None:
        """Of any folder."""
        folder = self.folders.get(name)
        return None if folder is None else figures(folder)

    async def select(self, name: str) -> Folder | None:
        """A folder is its own handle."""
        return self.folders.get(name)

    async def quota(self, name: str) -> Quota | None:
        """Of the whole account."""
        return quota(self.folders)

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended | None:
        """All or none."""
        self._power.check()
        folder = self.folders.get(name)
        if folder is None:
            return None
        held = sum(record.size for record in folder.records.values())
        if held + sum(len(message.octets) for message in messages) > CAPACITY_OCTETS:
            raise OverQuota
        return Appended(
            folder.uid_validity,
            tuple(folder.append(each.octets, each.internal_date or _NOW, each.flags) for each in messages),
        )

    @property
    def annotations(self) -> MailAccount:
        """The account keeps them itself."""
        return self

    async def read(self, mailbox: str) -> Sequence[Annotation] | None:
        """As they were written."""
        self._power.check()
        if mailbox and mailbox not in self.folders:
            return None
        return list(self._annotations.get(mailbox, {}).values())

    async def write(self, mailbox: str, values: Mapping[str, bytes | None]) -> bool:
        """Three in all, 64 octets each, and nothing private for the whole account."""
        if await self.read(mailbox) is None:
            return False
        if not mailbox and any(name.lower().startswith("/private/") for name in values):
            raise NoPrivateAnnotations
        if any(value is not None and len(value) > ANNOTATION_OCTETS for value in values.values()):
            raise AnnotationTooBig(ANNOTATION_OCTETS)
        kept = dict(self._annotations.get(mailbox, {}))
        for name, value in values.items():
            kept.pop(name.lower(), None)
            if value is not None:
                kept[name.lower()] = Annotation(name, value)
        others = sum(len(held) for place, held in self._annotations.items() if place != mailbox)
        if len(kept) + others > MOST_ANNOTATIONS:
            raise TooManyAnnotations
        self._annotations[mailbox] = kept
        return True

    async def create(self, name: str, *, uses: Sequence[str] | None = None) -> None:
        """With every level above it; for drafts, if asked."""
        self._power.check()
        if uses is not None and not set(uses) <= {"\\Drafts"}:
            raise UnsupportedUse
        if not name:
            raise NotAllowed("no name", code="CANNOT")
        if name in self.folders:
            raise NotAllowed("mailbox exists", code="ALREADYEXISTS")
        levels = name.split("/")
        for count in range(1, len(levels) + 1):
            level = "/".join(levels[:count])
            if level not in self.folders:
                self._make(level)
        self._uses[name] = tuple(uses or ())

    async def delete(self, name: str) -> None:
        """INBOX stays."""
        self._folder(name)
        if name == "INBOX":
            raise NotAllowed("INBOX stays", code="CANNOT")
        del self.folders[name]

    async def rename(self, name: str, other: str) -> None:
        """INBOX gives its messages away."""
        folder = self._folder(name)
        if other in self.folders:
            raise NotAllowed("mailbox exists", code="ALREADYEXISTS")
        if name == "INBOX":
            self._make(other)
            await folder.move(list(folder.records), other)
            return
        for each in [each for each in self.folders if each == name or each.startswith(f"{name}/")]:
            self.folders[other + each.removeprefix(name)] = self.folders.pop(each)

    async def subscribe(self, name: str, *, wanted: bool) -> None:
        """Names need not exist."""
        self._power.check()
        if wanted:
            self._subscribed[name] = None
        else:
            self._subscribed.pop(name, None)

    async def subscriptions(self) -> Sequence[str]:
        """In the order in which they came."""
        self._power.check()
        return list(self._subscribed)

    def _folder(self, name: str) -> Folder:
        self._power.check()
        if name not in self.folders:
            raise NotAllowed("no such mailbox", code="NONEXISTENT")
        return self.folders[name]

    def _make(self, name: str) -> None:
        self._uid_validity += 1
        self.folders[name] = Folder(self._power, self._uid_validity, settable=None, neighbours=self.folders)
