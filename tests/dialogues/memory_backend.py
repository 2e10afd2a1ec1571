# SPDX-License-Identifier: Apache-2.0
"""A mail store in memory behind the Protocols of ``imap_server.backend``: the naive model of one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from imap_server import flags
from imap_server.backend import (
    Changes,
    Denied,
    FlagChange,
    Flags,
    MailboxEntry,
    MailboxStatus,
    MessageRecord,
    MessageState,
    NotAllowed,
    Peer,
    Quota,
    QuotaResource,
    Snapshot,
    Unavailable,
)
from tests.dialogues import mail
from tests.dialogues.world import Standing

SETTABLE = (flags.SEEN, flags.DELETED)
_VOICE_LIMIT = 20
_REFUSALS = {
    Standing.NOT_INITIALIZED: "mailbox not initialized",
    Standing.NOT_PROVISIONED: "service is not provisioned",
    Standing.NOT_ACTIVATED: "service is not activated",
    Standing.BLOCKED: "user is blocked",
    Standing.UNKNOWN_CLIENT: "unknown client",
}


class Folder:
    """A folder and its journal; every open handle reads the same one."""

    def __init__(self, backend: MemoryBackend, uid_validity: int) -> None:
        self.backend = backend
        self.uid_validity = uid_validity
        self.uid_next = 1
        self.modseq = 1
        self.records: dict[int, MessageRecord] = {}
        self.octets: dict[int, bytes] = {}
        self.expunged: dict[int, int] = {}
        self.watchers: list[Callable[[], None]] = []
        self.reads = 0

    def append(self, octets: bytes, moment: datetime, carried: Flags = frozenset()) -> int:
        """Add a message; its UID."""
        uid, self.uid_next = self.uid_next, self.uid_next + 1
        self.modseq += 1
        self.octets[uid] = octets
        self.records[uid] = mail.record(uid, octets, carried, self.modseq, moment)
        self._hint()
        return uid

    async def snapshot(self) -> Snapshot:
        """Everything as it stands."""
        self.backend.answer_or_fail()
        return Snapshot(
            uid_validity=self.uid_validity,
            uid_next=self.uid_next,
            highest_modseq=self.modseq,
            flags=SETTABLE,
            permanent_flags=SETTABLE,
            messages=[_state(record) for record in self.records.values()],
        )

    async def changes(self, since_modseq: int) -> Changes:
        """What the journal says after a MODSEQ."""
        self.backend.answer_or_fail()
        return Changes(
            highest_modseq=self.modseq,
            uid_next=self.uid_next,
            changed=[_state(each) for each in self.records.values() if each.modseq > since_modseq],
            expunged=[uid for uid, modseq in self.expunged.items() if modseq > since_modseq],
        )

    async def messages(self, uids: Sequence[int]) -> Sequence[MessageRecord]:
        """Records that are still there."""
        self.backend.answer_or_fail()
        return [self.records[uid] for uid in uids if uid in self.records]

    async def read(self, uid: int) -> bytes | None:
        """The octets."""
        self.backend.answer_or_fail()
        self.reads += 1
        return self.octets.get(uid)

    async def store(self, uids: Sequence[int], change: FlagChange) -> Sequence[MessageState]:
        """Flags of OMTP's INBOX only."""
        self.backend.answer_or_fail()
        if not change.flags <= set(SETTABLE):
            raise NotAllowed
        states = []
        for uid in uids:
            if uid in self.records:
                self._change(uid, change)
                states.append(_state(self.records[uid]))
        self._hint()
        return states

    def _change(self, uid: int, change: FlagChange) -> None:
        held = self.records[uid]
        after = flags.apply(change, held.flags)
        if after != held.flags:
            self.modseq += 1
            self.records[uid] = _with_flags(held, after, self.modseq)

    async def expunge(self, uids: Collection[int] | None) -> Sequence[int]:
        """What is flagged, within ``uids``."""
        self.backend.answer_or_fail()
        gone = [
            uid
            for uid, record in self.records.items()
            if flags.DELETED in record.flags and (uids is None or uid in uids)
        ]
        for uid in gone:
            self.modseq += 1
            self.expunged[uid] = self.modseq
            del self.records[uid], self.octets[uid]
        self._hint()
        return gone

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back at every change."""
        self.watchers.append(callback)

        def stop() -> None:
            if callback in self.watchers:
                self.watchers.remove(callback)

        return stop

    def _hint(self) -> None:
        for callback in list(self.watchers):
            callback()


class MemoryAccount:
    """One subscriber: INBOX with messages, Greetings without."""

    def __init__(self, backend: MemoryBackend, user: str, password: str, standing: Standing) -> None:
        self.user = user
        self.password = password
        self.standing = standing
        self.folders = {"INBOX": Folder(backend, 1_700_000_001), "Greetings": Folder(backend, 1_700_000_002)}

    async def list(self) -> Sequence[MailboxEntry]:
        """Both folders."""
        return [MailboxEntry(name, ("\\HasNoChildren",)) for name in self.folders]

    async def status(self, name: str) -> MailboxStatus | None:
        """OMTP refuses STATUS on Greetings."""
        folder = self._folder(name)
        if folder is None:
            return None
        if name != "INBOX":
            raise NotAllowed
        records = folder.records.values()
        return MailboxStatus(
            messages=len(records),
            unseen=sum(flags.SEEN not in record.flags for record in records),
            uid_next=folder.uid_next,
            uid_validity=folder.uid_validity,
            highest_modseq=folder.modseq,
            size=sum(record.size for record in records),
        )

    async def select(self, name: str) -> Folder | None:
        """A folder is its own handle."""
        return self._folder(name)

    async def quota(self, name: str) -> Quota | None:
        """``voice`` counts INBOX; STORAGE after it."""
        if self._folder(name) is None:
            return None
        records = self.folders["INBOX"].records.values()
        used = sum(record.size for record in records) // 1024
        return Quota(
            "", (QuotaResource("voice", len(records), _VOICE_LIMIT), QuotaResource("STORAGE", used, 10_240))
        )

    def _folder(self, name: str) -> Folder | None:
        return next((each for known, each in self.folders.items() if known.lower() == name.lower()), None)


class MemoryBackend:
    """Accounts by user name; ``down`` makes every storage call fail."""

    def __init__(self) -> None:
        self.accounts: dict[str, MemoryAccount] = {}
        self.down = False

    def answer_or_fail(self) -> None:
        """Raises Unavailable during an outage."""
        if self.down:
            raise Unavailable

    async def login(self, user: str, password: str, peer: Peer) -> MemoryAccount:
        """In the order of spec/omtp-vvm.md 9.5."""
        del peer
        self.answer_or_fail()
        account = self.accounts.get(user)
        if account is None:
            raise Denied("unknown user")
        if account.password != password:
            raise Denied("invalid password")
        if account.standing in _REFUSALS:
            raise Denied(_REFUSALS[account.standing])
        return account


def _state(record: MessageRecord) -> MessageState:
    return MessageState(record.uid, record.flags, record.modseq)


def _with_flags(record: MessageRecord, carried: Flags, modseq: int) -> MessageRecord:
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    return MessageRecord(**fields | {"flags": carried, "modseq": modseq})
