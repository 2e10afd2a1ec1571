# SPDX-License-Identifier: Apache-2.0
"""A mail client arranges a mailbox: folders, copies, moves, messages of its own.

What is changed in INBOX is told to the subscriber's phone, because somebody else changed it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import FolderExists, FolderStays, Refusal, TooManyFolders
from vvm.domain.message import GREETINGS, INBOX, Flags, Kind
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.message.reader import ReadLimits, ReadMessage, read_message
from vvm.services.owing import Owing
from vvm.services.settings import FolderSettings
from vvm.store.folders import DELIMITER
from vvm.store.port import (
    Annotation,
    Copied,
    FolderStore,
    Hints,
    Layout,
    MailboxStore,
    NewMessage,
    Stored,
)

log = structlog.get_logger(__name__)

_LIMITS = ReadLimits()
_MOST_LEVELS = 10
_FORBIDDEN = frozenset("*%")
_LONGEST_SECONDS = 86_400


class UnfitFolderName(Refusal):
    code = "unfit_folder_name"


class AnnotationTooBig(Refusal):
    code = "annotation_too_big"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"an annotation has at most {limit} octets")
        self.limit = limit


class Filed(msgspec.Struct, frozen=True):
    """A message as a mail client hands it in."""

    octets: bytes
    flags: Flags
    keywords: frozenset[str]
    received_at: datetime


class Filing:
    def __init__(
        self,
        mailboxes: MailboxStore,
        folders: FolderStore,
        hints: Hints,
        *,
        clock: Clock,
        owing: Owing,
        settings: FolderSettings,
    ) -> None:
        self._mailboxes = mailboxes
        self._folders = folders
        self._hints = hints
        self._clock = clock
        self._owing = owing
        self._settings = settings

    async def create(self, mailbox: MailboxId, name: str, *, special_use: str | None = None) -> None:
        """Make a folder.  Raises UnfitFolderName, FolderExists, TooManyFolders, UnknownFolder."""
        await self._folders.create(
            mailbox,
            self._fit(name),
            special_use=special_use,
            at=self._clock.now(),
            most=self._settings.most,
        )

    async def provide(self, mailbox: MailboxId, name: str, *, special_use: str) -> None:
        """Make a folder that a kind of client expects, unless it is there or there are too many."""
        if any(entry.name == name for entry in await self._folders.all(mailbox)):
            return
        try:
            await self.create(mailbox, name, special_use=special_use)
        except (
            FolderExists,
            TooManyFolders,
        ):  # made just now by another session; no reason to refuse a login
            return

    async def delete(self, mailbox: MailboxId, name: str) -> None:
        """Raises UnknownFolder, FolderHasChildren, FolderStays."""
        await self._folders.delete(mailbox, place(name))
        self._hints.mailbox(mailbox)
        log.info("folder_deleted", mailbox=mailbox)

    async def rename(self, mailbox: MailboxId, name: str, other: str) -> None:
        """Raises UnfitFolderName and what ``FolderStore.rename`` raises."""
        await self._folders.rename(
            mailbox, place(name), self._fit(other), at=self._clock.now(), most=self._settings.most
        )
        self._hints.mailbox(mailbox)

    async def subscribe(self, mailbox: MailboxId, name: str, *, wanted: bool) -> None:
        """Raises UnfitFolderName, TooManyFolders."""
        kept = self._fit(name) if wanted else place(name)
        await self._folders.subscribe(mailbox, kept, wanted=wanted, most=self._settings.most)

    async def annotations(self, mailbox: MailboxId, folder: str) -> Sequence[Annotation]:
        """Of a folder, or for "" of the mailbox as a whole."""
        return await self._folders.annotations(mailbox, folder)

    async def annotate(self, mailbox: MailboxId, folder: str, values: Mapping[str, bytes | None]) -> None:
        """Raises AnnotationTooBig and what ``FolderStore.annotate`` raises."""
        limit = self._settings.annotation_bytes
        if any(value is not None and len(value) > limit for value in values.values()):
            raise AnnotationTooBig(limit=limit)
        await self._folders.annotate(mailbox, folder, values, most=self._settings.annotations)

    async def copy(self, owner: Subscriber, folder: str, uids: Sequence[int], target: str) -> Copied | None:
        """Raises FolderStays for Greetings as the target, and what ``FolderStore.copy`` raises."""
        into = _open_to_all(target)
        owed = self._owed(owner, into)
        return self._told(owner, await self._folders.copy(owner.mailbox, folder, uids, into, owed), owed)

    async def move(self, owner: Subscriber, folder: str, uids: Sequence[int], target: str) -> Copied | None:
        """As ``copy``."""
        into = _open_to_all(target)
        owed = self._owed(owner, folder, into)
        return self._told(owner, await self._folders.move(owner.mailbox, folder, uids, into, owed), owed)

    async def append(self, owner: Subscriber, folder: str, messages: Sequence[Filed]) -> Sequence[Stored]:
        """Keep messages as they are, all or none; durable when it returns.

        Raises Unreadable, MailboxFull, TooManyKeywords, UnknownMessage when there is no such folder.
        """
        owed = self._owed(owner, folder)
        new = [_message(each) for each in messages]
        stored = await self._mailboxes.file(owner.mailbox, folder, new, owed)
        self._moved(owner, owed)
        log.info("messages_filed", mailbox=owner.mailbox, count=len(stored))
        return stored

    def _fit(self, name: str) -> str:
        """The name as it is kept.  Raises UnfitFolderName."""
        steps = name.split(DELIMITER)
        if not all(steps) or len(steps) > _MOST_LEVELS:
            raise UnfitFolderName(f"1 to {_MOST_LEVELS} levels, none of them empty")
        if len(name) > self._settings.name_length:
            raise UnfitFolderName(f"at most {self._settings.name_length} characters")
        if any(letter in _FORBIDDEN or unicodedata.category(letter).startswith("C") for letter in name):
            raise UnfitFolderName("no control characters, no * and no %")
        return place(name)

    def _owed(self, owner: Subscriber, *touched: str) -> Sequence[Owed]:
        return [self._owing.mailbox_update(owner)] if INBOX in touched else []

    def _told(self, owner: Subscriber, copied: Copied | None, owed: Sequence[Owed]) -> Copied | None:
        if copied is not None and copied.uids:
            self._moved(owner, owed)
        return copied

    def _moved(self, owner: Subscriber, owed: Sequence[Owed]) -> None:
        self._hints.mailbox(owner.mailbox)
        if owed:
            self._hints.outbox()


def place(name: str) -> str:
    """The name of a folder as it is kept: INBOX and Greetings are written in any case, also above others."""
    first, delimiter, rest = name.partition(DELIMITER)
    for known in (INBOX, GREETINGS):
        if first.lower() == known.lower():
            return known + delimiter + rest
    return name


def _open_to_all(target: str) -> str:
    """Only what was looked at as a greeting comes into Greetings.  Raises FolderStays."""
    into = place(target)
    if into == GREETINGS:
        raise FolderStays
    return into


def _message(filed: Filed) -> NewMessage:
    message = read_message(filed.octets, _LIMITS)
    voice = _is_voice(message)
    return NewMessage(
        kind=Kind.VOICE if voice else Kind.MAIL,
        caller=None,
        received_at=filed.received_at,
        seconds=_seconds(message) if voice else 0,
        octets=filed.octets,
        layout=layout_of(message),
        flags=filed.flags,
        keywords=filed.keywords,
    )


def layout_of(message: ReadMessage) -> Layout:
    """What FETCH answers of a message that somebody else wrote."""
    return Layout(
        header=message.octets[: message.header_size],
        envelope=message.envelope,
        body=message.body,
        body_structure=message.body_structure,
        parts=message.parts,
    )


def _is_voice(message: ReadMessage) -> bool:
    """A voice message that comes back, from a backup for example (OMTP 1.3 2.1.2)."""
    context = message.field("Message-Context") or ""
    return context.lower() == "voice-message" and any(part.media_type == "audio" for part in message.leaves)


def _seconds(message: ReadMessage) -> int:
    told = message.field("Content-Duration") or ""
    return min(int(told), _LONGEST_SECONDS) if told.isascii() and told.isdigit() and len(told) < 10 else 0  # noqa: PLR2004 - digits that an int of any store holds
