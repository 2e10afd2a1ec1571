# SPDX-License-Identifier: Apache-2.0
"""Gives imap_server its backend: a subscriber's mailbox as an IMAP account.

Translates words and errors, and decides nothing: a login is checked by services.login, a change is
made by services.retrieval, a read goes straight to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from imap_server.backend import (
    Changes,
    Denied,
    FlagChange,
    FlagMode,
    MailboxEntry,
    MailboxStatus,
    MessageRecord,
    MessageState,
    NotAllowed,
    PartSpan,
    Peer,
    Quota,
    QuotaResource,
    Snapshot,
    Unavailable,
)
from vvm.domain.errors import Outage
from vvm.domain.message import INBOX, Flags
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.services.login import Login, LoginRefusal, LoginRefused
from vvm.services.retrieval import Retrieval
from vvm.store import port

_TEXTS = {
    LoginRefusal.UNKNOWN_USER: "unknown user",
    LoginRefusal.INVALID_PASSWORD: "invalid password",
    LoginRefusal.NOT_PROVISIONED: "service is not provisioned",
    LoginRefusal.NOT_ACTIVATED: "service is not activated",
    LoginRefusal.BLOCKED: "user is blocked",
}
"""What the client compares, to the letter (OMTP; spec/omtp-vvm.md 9.5)."""

_NAMES = {
    Flags.SEEN: "\\Seen",
    Flags.DELETED: "\\Deleted",
    Flags.ANSWERED: "\\Answered",
    Flags.FLAGGED: "\\Flagged",
    Flags.DRAFT: "\\Draft",
}
_SETTABLE = {_NAMES[flag]: flag for flag in (Flags.SEEN, Flags.DELETED)}
"""A client may set no other flag in INBOX (OMTP 1.3 2.1.1)."""
_ALL_SETTABLE = Flags.SEEN | Flags.DELETED
_NAMES_OF = tuple(
    frozenset(name for flag, name in _NAMES.items() if flag & bits) for bits in range(max(_NAMES) * 2)
)
"""The names of every combination of flags, by its bits."""


class ImapBackend:
    """imap_server.backend.Backend."""

    def __init__(
        self, login: Login, retrieval: Retrieval, mailboxes: port.MailboxStore, hints: port.Hints
    ) -> None:
        self._login = login
        self._retrieval = retrieval
        self._mailboxes = mailboxes
        self._hints = hints

    async def login(self, user: str, password: str, peer: Peer) -> _Account:
        del peer
        try:
            subscriber = await self._login(user, password)
        except LoginRefused as refused:
            raise Denied(_TEXTS[refused.reason]) from None
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        return _Account(subscriber, self._retrieval, self._mailboxes, self._hints)


class _Account:
    """imap_server.backend.Account."""

    def __init__(
        self,
        subscriber: Subscriber,
        retrieval: Retrieval,
        mailboxes: port.MailboxStore,
        hints: port.Hints,
    ) -> None:
        self.user = subscriber.msisdn
        self._mailbox = subscriber.mailbox
        self._retrieval = retrieval
        self._mailboxes = mailboxes
        self._hints = hints

    async def list(self) -> Sequence[MailboxEntry]:
        try:
            names = await self._mailboxes.folders(self._mailbox)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        return [MailboxEntry(name, ("\\HasNoChildren",)) for name in names]

    async def status(self, name: str) -> MailboxStatus | None:
        state = await self._folder(name)
        if state is None:
            return None
        return MailboxStatus(
            messages=state.messages,
            unseen=state.unseen,
            uid_next=state.uid_next,
            uid_validity=state.uid_validity,
            highest_modseq=state.highest_modseq,
            size=state.octets,
        )

    async def select(self, name: str) -> _Mailbox | None:
        if await self._folder(name) is None:
            return None
        return _Mailbox(self._mailbox, name, self._retrieval, self._mailboxes, self._hints)

    async def quota(self, name: str) -> Quota | None:
        """Messages only: AOSP reads the resource called voice (spec/omtp-vvm.md 18.1)."""
        if await self._folder(name) is None or (inbox := await self._folder(INBOX)) is None:
            return None
        return Quota(
            root="",
            resources=(QuotaResource("voice", used=inbox.messages, limit=inbox.max_messages),),
        )

    async def _folder(self, name: str) -> port.FolderState | None:
        try:
            return await self._mailboxes.folder(self._mailbox, name)
        except Outage as outage:
            raise Unavailable(outage.code) from outage


class _Mailbox:
    """imap_server.backend.Mailbox."""

    def __init__(
        self,
        mailbox: MailboxId,
        folder: str,
        retrieval: Retrieval,
        mailboxes: port.MailboxStore,
        hints: port.Hints,
    ) -> None:
        self._mailbox = mailbox
        self._folder = folder
        self._retrieval = retrieval
        self._mailboxes = mailboxes
        self._hints = hints

    async def snapshot(self) -> Snapshot:
        try:
            found = await self._mailboxes.snapshot(self._mailbox, self._folder)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        if found is None:
            raise Unavailable("the mailbox is gone")
        return Snapshot(
            uid_validity=found.folder.uid_validity,
            uid_next=found.folder.uid_next,
            highest_modseq=found.folder.highest_modseq,
            flags=tuple(_SETTABLE),
            permanent_flags=tuple(_SETTABLE),
            messages=[_state(message) for message in found.messages],
        )

    async def changes(self, since_modseq: int) -> Changes:
        changes = await self._changes(since_modseq)
        return Changes(
            highest_modseq=changes.folder.highest_modseq,
            uid_next=changes.folder.uid_next,
            changed=[_state(message) for message in changes.changed],
            expunged=changes.expunged,
        )

    async def messages(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        try:
            found = await self._mailboxes.messages(self._mailbox, self._folder, uids)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        return [_record(message) for message in found]

    async def read(self, uid: int) -> bytes | None:
        try:
            return await self._mailboxes.octets(self._mailbox, self._folder, uid)
        except Outage as outage:
            raise Unavailable(outage.code) from outage

    async def store(self, uids: Sequence[int], change: FlagChange) -> Sequence[MessageState]:
        flags = Flags(0)
        for name in change.flags:
            if name not in _SETTABLE:
                raise NotAllowed
            flags |= _SETTABLE[name]
        add = Flags(0) if change.mode is FlagMode.REMOVE else flags
        remove = {
            FlagMode.ADD: Flags(0),
            FlagMode.REMOVE: flags,
            FlagMode.REPLACE: _ALL_SETTABLE,
        }[change.mode]
        try:
            states = await self._retrieval.mark(self._mailbox, self._folder, uids, add=add, remove=remove)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        return [_state(message) for message in states]

    async def expunge(self, uids: Collection[int] | None) -> Sequence[int]:
        chosen = None if uids is None else sorted(uids)
        try:
            return await self._retrieval.expunge(self._mailbox, self._folder, chosen)
        except Outage as outage:
            raise Unavailable(outage.code) from outage

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self._hints.watch(self._mailbox, callback)

    async def _changes(self, since_modseq: int) -> port.Changes:
        try:
            changes = await self._mailboxes.changes(self._mailbox, self._folder, since_modseq)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        if changes is None:  # the subscriber was removed while the session was open
            raise Unavailable("the mailbox is gone")
        return changes


def _state(message: port.MessageState) -> MessageState:
    return MessageState(message.uid, _NAMES_OF[message.flags], message.modseq)


def _record(message: port.MessageRecord) -> MessageRecord:
    layout = message.layout
    return MessageRecord(
        uid=message.uid,
        flags=_NAMES_OF[message.flags],
        modseq=message.modseq,
        internal_date=message.received_at,
        size=message.size,
        header=layout.header,
        envelope=layout.envelope,
        body=layout.body,
        body_structure=layout.body_structure,
        parts=tuple(
            PartSpan(part.number, part.mime_start, part.body_start, part.body_end) for part in layout.parts
        ),
    )
