# SPDX-License-Identifier: Apache-2.0
"""A folder in memory behind ``imap_server.backend.Mailbox``: the naive model of one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from imap_server import flags
from imap_server.abilities import Copied
from imap_server.backend import (
    Changes,
    FlagChange,
    Flags,
    MailboxStatus,
    MessageRecord,
    MessageState,
    NotAllowed,
    Quota,
    QuotaResource,
    Roster,
    Snapshot,
    Unavailable,
)
from tests.dialogues import mail

STRICT = (flags.SEEN, flags.DELETED)
"""What OMTP lets a client set in INBOX."""
SYSTEM = (flags.ANSWERED, flags.FLAGGED, flags.DELETED, flags.SEEN, flags.DRAFT)
_VOICE_LIMIT = 20


class Power:
    """Whether the storage answers; every folder of a backend shares one."""

    def __init__(self) -> None:
        self.down = False

    def check(self) -> None:
        """Raises Unavailable during an outage."""
        if self.down:
            raise Unavailable


class Folder:
    """A folder and its journal; every open handle reads the same one.

    ``settable``: the flags that a client may set; None for any, keywords included.  ``neighbours``:
    the folders by name into which messages may be copied; None for a profile that copies nothing.
    """

    def __init__(
        self,
        power: Power,
        uid_validity: int,
        settable: Collection[str] | None = STRICT,
        neighbours: Mapping[str, Folder] | None = None,
    ) -> None:
        self.power = power
        self.uid_validity = uid_validity
        self.settable = settable
        self._neighbours = neighbours
        self.uid_next = 1
        self.modseq = 1
        self.records: dict[int, MessageRecord] = {}
        self.octets: dict[int, bytes] = {}
        self.expunged: dict[int, int] = {}
        self.forgotten = 0
        self.watchers: list[Callable[[], None]] = []
        self.reads = 0

    def append(
        self, octets: bytes, moment: datetime, carried: Flags = frozenset(), *, email_id: str | None = None
    ) -> int:
        """Add a message, or the copy of one; its UID."""
        uid, self.uid_next = self.uid_next, self.uid_next + 1
        self.modseq += 1
        self.octets[uid] = octets
        self.records[uid] = mail.record(
            uid,
            octets,
            carried,
            self.modseq,
            moment,
            email_id=email_id or f"M{self.uid_validity}-{uid}",
        )
        self._hint()
        return uid

    def check_flags(self, wanted: Flags) -> None:
        """Raises NotAllowed for a flag that this folder does not take."""
        if self.settable is not None and not wanted <= set(self.settable):
            raise NotAllowed

    async def snapshot(self) -> Snapshot:
        """Everything as it stands."""
        self.power.check()
        carried = {flag for record in self.records.values() for flag in record.flags}
        known = STRICT if self.settable else (*SYSTEM, *sorted(carried.difference(SYSTEM)))
        return Snapshot(
            uid_validity=self.uid_validity,
            uid_next=self.uid_next,
            highest_modseq=self.modseq,
            flags=known,
            permanent_flags=known if self.settable else (*known, flags.ANY_OTHER),
            messages=Roster(_state(record) for record in self.records.values()),
        )

    async def changes(self, since_modseq: int) -> Changes:
        """What the journal says after a MODSEQ."""
        self.power.check()
        if since_modseq < self.forgotten:
            expunged = [uid for uid in range(1, self.uid_next) if uid not in self.records]
        else:
            expunged = [uid for uid, modseq in self.expunged.items() if modseq > since_modseq]
        return Changes(
            highest_modseq=self.modseq,
            uid_next=self.uid_next,
            changed=[_state(each) for each in self.records.values() if each.modseq > since_modseq],
            expunged=expunged,
        )

    async def messages(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        """Records that are still there."""
        self.power.check()
        return [self.records[uid] for uid in uids if uid in self.records]

    async def read(self, uid: int) -> bytes | None:
        """The octets."""
        self.power.check()
        self.reads += 1
        return self.octets.get(uid)

    async def store(
        self, uids: Sequence[int], change: FlagChange, *, unchanged_since: int | None = None
    ) -> Sequence[MessageState]:
        """All or none."""
        self.power.check()
        self.check_flags(change.flags)
        most = self.modseq if unchanged_since is None else unchanged_since
        chosen = [uid for uid in uids if uid in self.records and self.records[uid].modseq <= most]
        for uid in chosen:
            self._change(uid, change)
        self._hint()
        return [_state(self.records[uid]) for uid in chosen]

    async def expunge(self, uids: Collection[int] | None) -> Sequence[int]:
        """What is flagged, within ``uids``."""
        self.power.check()
        gone = [
            uid
            for uid, record in self.records.items()
            if flags.DELETED in record.flags and (uids is None or uid in uids)
        ]
        self.remove(gone)
        return gone

    async def copy(self, uids: Sequence[int], name: str) -> Copied | None:
        """Flags and dates go along."""
        self.power.check()
        if self._neighbours is None:
            raise NotAllowed
        other = self._neighbours.get(name)
        if other is None:
            return None
        sources = tuple(uid for uid in uids if uid in self.records)
        copies = [(self.octets[uid], self.records[uid]) for uid in sources]
        added = tuple(
            other.append(octets, held.internal_date, held.flags, email_id=held.email_id)
            for octets, held in copies
        )
        return Copied(other.uid_validity, sources, added)

    async def move(self, uids: Sequence[int], name: str) -> Copied | None:
        """Nothing comes between the two halves: nobody else runs here."""
        copied = await self.copy(uids, name)
        if copied is not None:
            self.remove(copied.sources)
        return copied

    def remove(self, uids: Sequence[int]) -> None:
        """Whatever their flags."""
        for uid in uids:
            self.modseq += 1
            self.expunged[uid] = self.modseq
            del self.records[uid], self.octets[uid]
        self._hint()

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back at every change."""
        self.watchers.append(callback)

        def stop() -> None:
            if callback in self.watchers:
                self.watchers.remove(callback)

        return stop

    def _change(self, uid: int, change: FlagChange) -> None:
        held = self.records[uid]
        after = flags.apply(change, held.flags)
        if after != held.flags:
            self.modseq += 1
            self.records[uid] = msgspec.structs.replace(held, flags=after, modseq=self.modseq)

    def _hint(self) -> None:
        for callback in list(self.watchers):
            callback()


def _state(record: MessageRecord) -> MessageState:
    return MessageState(record.uid, record.flags, record.modseq)


def figures(folder: Folder) -> MailboxStatus:
    """What STATUS says."""
    records = folder.records.values()
    return MailboxStatus(
        messages=len(records),
        unseen=sum(flags.SEEN not in record.flags for record in records),
        uid_next=folder.uid_next,
        uid_validity=folder.uid_validity,
        highest_modseq=folder.modseq,
        size=sum(record.size for record in records),
    )


def quota(folders: Mapping[str, Folder]) -> Quota:
    """``voice`` counts INBOX; STORAGE after it."""
    records = folders["INBOX"].records.values()
    used = sum(record.size for record in records) // 1024
    return Quota(
        "", (QuotaResource("voice", len(records), _VOICE_LIMIT), QuotaResource("STORAGE", used, 10_240))
    )
