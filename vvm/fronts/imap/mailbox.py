# SPDX-License-Identifier: Apache-2.0
"""One folder of a subscriber's mailbox, as IMAP has it open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from imap_server.backend import (
    Changes,
    FlagChange,
    FlagMode,
    MessageRecord,
    MessageState,
    PartSpan,
    Snapshot,
    Unavailable,
)
from vvm.domain.device import Device
from vvm.domain.errors import Outage
from vvm.domain.message import Flags
from vvm.domain.subscriber import MailboxId
from vvm.fronts.imap.vocabulary import Vocabulary, names_of
from vvm.services.greetings import Greetings
from vvm.services.retrieval import Retrieval
from vvm.store import port


class MailServices(msgspec.Struct, frozen=True):
    """What a mailbox is made of."""

    retrieval: Retrieval
    greetings: Greetings
    mailboxes: port.MailboxStore
    folders: port.FolderStore
    devices: port.DeviceStore
    hints: port.Hints


class SessionKey:
    """What an open session was opened with: it may go on as long as a login with the same would succeed."""

    def __init__(self, device: Device | None, devices: port.DeviceStore) -> None:
        self._device = None if device is None else device.id
        self._devices = devices

    async def check(self, folder: port.FolderState) -> None:
        """Raises Unavailable, which ends the session, when its credentials open nothing any more."""
        if self._device is None:
            admitted = folder.admits_clients
        else:
            try:
                admitted = await self._devices.admits(self._device)
            except Outage as outage:
                raise Unavailable(outage.code) from outage
        if not admitted:
            raise closed()


class Folder:
    """imap_server.backend.Mailbox."""

    def __init__(
        self,
        mailbox: MailboxId,
        folder: str,
        vocabulary: Vocabulary,
        services: MailServices,
        key: SessionKey,
    ) -> None:
        self._mailbox = mailbox
        self._folder = folder
        self._vocabulary = vocabulary
        self._retrieval = services.retrieval
        self._mailboxes = services.mailboxes
        self._hints = services.hints
        self._key = key

    async def snapshot(self) -> Snapshot:
        try:
            found = await self._mailboxes.snapshot(self._mailbox, self._folder)
        except Outage as outage:
            raise Unavailable(outage.code) from outage
        if found is None:
            raise closed()
        await self._key.check(found.folder)
        return Snapshot(
            uid_validity=found.folder.uid_validity,
            uid_next=found.folder.uid_next,
            highest_modseq=found.folder.highest_modseq,
            flags=self._vocabulary.names,
            permanent_flags=self._vocabulary.names,
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

    async def store(
        self, uids: Sequence[int], change: FlagChange, *, unchanged_since: int | None = None
    ) -> Sequence[MessageState]:
        flags = self._vocabulary.bits(change.flags)
        add = Flags(0) if change.mode is FlagMode.REMOVE else flags
        remove = {
            FlagMode.ADD: Flags(0),
            FlagMode.REMOVE: flags,
            FlagMode.REPLACE: self._vocabulary.settable,
        }[change.mode]
        try:
            states = await self._retrieval.mark(
                self._mailbox, self._folder, uids, add=add, remove=remove, unchanged_since=unchanged_since
            )
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
        if changes is None:
            raise closed()
        await self._key.check(changes.folder)
        return changes


def closed() -> Unavailable:
    """Ends the session: what a login would refuse now, an open session must not go on with."""
    return Unavailable(
        "since the login the subscriber is gone, blocked or deactivated, or the device revoked"
    )


def _state(message: port.MessageState) -> MessageState:
    return MessageState(message.uid, names_of(message.flags), message.modseq)


def _record(message: port.MessageRecord) -> MessageRecord:
    layout = message.layout
    return MessageRecord(
        uid=message.uid,
        flags=names_of(message.flags),
        modseq=message.modseq,
        internal_date=message.received_at,
        size=message.size,
        header=layout.header,
        envelope=layout.envelope,
        body=layout.body,
        body_structure=layout.body_structure,
        parts=tuple(
            PartSpan(part.number, part.mime_start, part.body_start, part.body_end, part.message)
            for part in layout.parts
        ),
    )
