# SPDX-License-Identifier: Apache-2.0
"""What the services ask of durable state.

A method is one transaction, and its docstring is the contract that tests/contract checks on every
adapter.  What a method has returned from is on disk, except where it says otherwise.  Any method
may raise Outage, and has then changed nothing or, if the commit itself went unanswered, may have
changed everything: that is why deposits carry a key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from vvm.domain.message import Flags, Kind
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import (
    MailboxId,
    Subscriber,
    SubscriberId,
)
from vvm.store.blobs.port import Blob, BlobLedger
from vvm.store.change import SubscriberChange
from vvm.store.cos import CosStore
from vvm.store.creation import NewSubscriber
from vvm.store.devices import DeviceStore, NewCode, NewDevice
from vvm.store.events import EventStore, WebhookStore
from vvm.store.expiry import Aged, Ages, ExpiryStore
from vvm.store.folders import Annotation, Copied, FolderEntry, FolderStore
from vvm.store.history import HistoryStore
from vvm.store.keywords import NO_KEYWORDS, SAME_KEYWORDS, KeywordChange
from vvm.store.lists import (
    Audited,
    AuditFilter,
    AuditPlace,
    AuditRecord,
    ListStore,
    MessageFilter,
    SubscriberFilter,
    SubscriberPlace,
)
from vvm.store.messages import Layout, MessageRecord
from vvm.store.numbers import NumberStore, Renumbering
from vvm.store.recovery import DeletedMessage, RecoveryStore
from vvm.store.repeats import RepeatStore
from vvm.store.sms import (
    Acceptance,
    Inbound,
    InboundStore,
    NewInbound,
    NewInboundSegment,
    NotificationRecord,
    OutboxCounts,
    OutboxStore,
    OwedCount,
    Reported,
    Settlement,
    Share,
    Told,
)
from vvm.store.tokens import TokenStore
from vvm.store.visits import VisitStore

__all__ = [  # what other modules of this room define, and everybody takes from here
    "Acceptance",
    "Aged",
    "Ages",
    "Annotation",
    "AuditFilter",
    "AuditPlace",
    "AuditRecord",
    "Audited",
    "Blob",
    "BlobLedger",
    "Copied",
    "CosStore",
    "DeletedMessage",
    "DeviceStore",
    "EventStore",
    "ExpiryStore",
    "FolderEntry",
    "FolderStore",
    "HistoryStore",
    "Inbound",
    "InboundStore",
    "KeywordChange",
    "Layout",
    "ListStore",
    "MessageFilter",
    "MessageRecord",
    "NewCode",
    "NewDevice",
    "NewInbound",
    "NewInboundSegment",
    "NewSubscriber",
    "NotificationRecord",
    "NumberStore",
    "OutboxCounts",
    "OutboxStore",
    "OwedCount",
    "RecoveryStore",
    "Renumbering",
    "RepeatStore",
    "Reported",
    "Settlement",
    "Share",
    "SubscriberChange",
    "SubscriberFilter",
    "SubscriberPlace",
    "TokenStore",
    "Told",
    "VisitStore",
    "WebhookStore",
]

GREETINGS_LIMIT = 20
"""How many messages a Greetings folder holds: one of each kind is used, the rest is room to change."""


class SubscriberStore(Protocol):
    async def create(self, new: NewSubscriber) -> Subscriber:
        """Add a subscriber with its mailbox, an empty INBOX and empty Greetings.

        Raises SubscriberExists, UnknownCos, NumberQuarantined, of each of its numbers.
        """
        ...

    async def create_many(self, new: Sequence[NewSubscriber]) -> Sequence[Msisdn]:
        """Add all of these whose numbers are all free, in one transaction, and tell which those were.

        Nobody who is there is changed.  Raises UnknownCos, and has then added nobody.
        """
        ...

    async def by_msisdn(self, msisdn: Msisdn) -> Subscriber | None:
        """Who has this number as its own or as an alias (vvm.store.numbers)."""
        ...

    async def by_id(self, subscriber: SubscriberId) -> Subscriber | None: ...

    async def by_imap_user(self, user: str) -> Subscriber | None:
        """The owner of an IMAP user name; letters compare exactly."""
        ...

    async def change(self, msisdn: Msisdn, change: SubscriberChange, owed: Sequence[Owed] = ()) -> Subscriber:
        """Set fields and owe notifications for it, both or neither.

        Raises UnknownSubscriber, StatusMoved, PreconditionFailed, SubscriberClosed, UnknownCos.
        A change that is ``audited``, here or in a transaction of another store, is in the audit too,
        as are creation and removal.
        """
        ...

    async def remove(
        self, msisdn: Msisdn, *, at: datetime, reason: str = "", decided_at: datetime | None = None
    ) -> None:
        """Forget a subscriber: mailbox, messages, owed notifications.

        Raises UnknownSubscriber, SubscriberHeld, IsAlias; PreconditionFailed when the last change was not
        at ``decided_at``.
        """
        ...

    async def closed(self, *, now: datetime, limit: int) -> Sequence[Subscriber]:
        """Those whose grace is over and on whom no hold lies, the oldest first."""
        ...

    async def audit(self, msisdn: Msisdn, *, limit: int) -> Sequence[Audited]:
        """The newest transitions of a number, oldest first, whoever had it."""
        ...

    async def answered(self, subscriber: SubscriberId) -> None:
        """A client logged in: no SYNC is unanswered.  Waits for no fsync of its own."""
        ...

    async def take_pin_try(
        self, subscriber: SubscriberId, *, now: datetime, most: int, lockout: timedelta
    ) -> bool:
        """Count a try of the PIN before it is made, so that parallel ones cannot pass the limit.

        The try number ``most`` in a row is the last: from then on, and for ``lockout``, there is
        none (False); then counting starts anew.  Also False when the subscriber is gone.  Survives
        ``kill -9``; does not wait for an fsync of its own.
        """
        ...

    async def forget_pin_tries(self, subscriber: SubscriberId) -> None:
        """The PIN was right: the next wrong one is the first again.  As durable as a try."""
        ...

    async def page(self, *, after: Msisdn | None, limit: int) -> Sequence[Subscriber]:
        """Up to ``limit`` subscribers in the order of their numbers, after the one given."""
        ...


class Original(msgspec.Struct, frozen=True):
    """A message as its depositor wrote it, kept beside the one that handsets read."""

    octets: bytes | Blob
    layout: Layout


class NewMessage(msgspec.Struct, frozen=True):
    kind: Kind
    caller: str | None
    received_at: datetime
    seconds: int
    octets: bytes | Blob
    """A blob only between an adapter and its row (vvm.store.blobs.shelf)."""
    layout: Layout
    key: str | None = None
    """Names the deposit: while it is remembered, the same key makes no second message in a mailbox."""
    flags: Flags = Flags(0)
    keywords: frozenset[str] = NO_KEYWORDS
    original: Original | None = None


class Stored(msgspec.Struct, frozen=True):
    uid: int
    created: bool
    """False when the key was known: the UID is that of the first deposit."""


class FolderState(msgspec.Struct, frozen=True):
    uid_validity: int
    uid_next: int
    highest_modseq: int
    messages: int
    unseen: int
    octets: int
    max_messages: int
    """Of INBOX and the subscriber's own folders together, or of Greetings."""
    admits_clients: bool
    """False while the owner's provisioning status lets no client in: open sessions have to end."""
    keywords: tuple[str, ...] = ()
    """Those that messages here carry or carried."""


class MessageState(msgspec.Struct, frozen=True):
    """The part of a message that changes."""

    uid: int
    flags: Flags
    modseq: int
    keywords: frozenset[str] = NO_KEYWORDS


class Changes(msgspec.Struct, frozen=True):
    """What moved in a folder after a MODSEQ."""

    folder: FolderState
    changed: Sequence[MessageState] = ()
    """Messages that are new or have other flags, ascending by UID, as they are now."""
    expunged: Sequence[int] = ()
    """UIDs that are gone, ascending.  One that came and went since then may be among them; all that
    ever went are, when the journal does not reach back so far (RFC 7162 section 3.2.5.2 allows it)."""


class FolderSnapshot(msgspec.Struct, frozen=True):
    """A folder at one instant."""

    folder: FolderState
    messages: Sequence[MessageState]
    """Ascending by UID."""


class MailboxStore(Protocol):
    """Messages of one mailbox, in folders that are named exactly ("INBOX", "Greetings").

    INBOX and the subscriber's own folders share one limit, Greetings has its own.

    UIDs ascend and are never used twice; UIDVALIDITY never changes; the order of MODSEQ is the
    order of commit.  At most one message of a kind in a folder is flagged GREETING_ON: who gets the
    flag takes it, in the same transaction, from the one that had it; of several, the last has it.
    """

    async def append(
        self,
        mailbox: MailboxId,
        folder: str,
        message: NewMessage,
        owed: Sequence[Owed] = (),
        *,
        nearly_full: Sequence[Owed] = (),
    ) -> Stored:
        """Add a message and owe its notifications, which get its UID.

        Owes ``nearly_full`` too when it is this message by which the mailbox comes to the
        ``warn_percent`` of its owner's class of service.

        Raises MailboxFull, TooManyKeywords, and UnknownMessage when there is no such folder; then
        nothing is stored and no UID is spent.
        """
        ...

    async def file(
        self, mailbox: MailboxId, folder: str, messages: Sequence[NewMessage], owed: Sequence[Owed] = ()
    ) -> Sequence[Stored]:
        """Add all of several messages, in their order, or none; as ``append`` adds one.

        What is owed is owed once, with no UID.
        """
        ...

    async def folder(self, mailbox: MailboxId, folder: str) -> FolderState | None: ...

    async def states(self, mailbox: MailboxId, folder: str) -> Sequence[MessageState]:
        """Every message of a folder, ascending by UID."""
        ...

    async def snapshot(self, mailbox: MailboxId, folder: str) -> FolderSnapshot | None:
        """A folder and every message of it, at one instant.  None: no such folder.

        Costs what there is, and nothing for what there was.
        """
        ...

    async def changes(self, mailbox: MailboxId, folder: str, since_modseq: int) -> Changes | None:
        """What moved since then; one row is read when nothing did.  None: no such folder."""
        ...

    async def messages(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], *, originals: bool = False
    ) -> Sequence[MessageRecord]:
        """The messages that exist among these UIDs, ascending; size and layout as ``octets`` gives them."""
        ...

    async def octets(
        self, mailbox: MailboxId, folder: str, uid: int, *, originals: bool = False
    ) -> bytes | None:
        """The message as it is on the wire: the same octets for ever.

        With ``originals``, as its depositor wrote it, where that was kept.
        """
        ...

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
        """Remove, then add.  Answers every message named that exists, changed or not, ascending.

        Raises TooManyKeywords, and then changes nothing.

        With ``unchanged_since`` a message whose MODSEQ is above it counts as not named.

        Whom GREETING_ON is taken from is in the journal and, unless it was named, not in the answer.

        Owes ``owed`` when a message was changed: for who is not the one that changed it.

        Survives ``kill -9``; does not wait for an fsync of its own (design.md invariant 1).
        """
        ...

    async def expunge(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int] | None, owed: Sequence[Owed] = ()
    ) -> Sequence[int]:
        """Remove the messages flagged DELETED, among ``uids`` when given.  Ascending.

        For ever, unless they can be restored (vvm.store.recovery).  Owes ``owed`` when there were any.
        """
        ...


class Store(Protocol):
    """Everything an adapter offers; the services take only what they need of it."""

    @property
    def subscribers(self) -> SubscriberStore: ...

    @property
    def numbers(self) -> NumberStore: ...

    @property
    def mailboxes(self) -> MailboxStore: ...

    @property
    def folders(self) -> FolderStore: ...

    @property
    def expiry(self) -> ExpiryStore: ...

    @property
    def recovery(self) -> RecoveryStore: ...

    @property
    def outbox(self) -> OutboxStore: ...

    @property
    def inbound(self) -> InboundStore: ...

    @property
    def devices(self) -> DeviceStore: ...

    @property
    def blobs(self) -> BlobLedger: ...

    @property
    def visits(self) -> VisitStore: ...

    @property
    def events(self) -> EventStore: ...

    @property
    def webhooks(self) -> WebhookStore: ...

    @property
    def cos(self) -> CosStore: ...

    @property
    def tokens(self) -> TokenStore: ...

    @property
    def history(self) -> HistoryStore: ...

    @property
    def lists(self) -> ListStore: ...

    @property
    def repeats(self) -> RepeatStore: ...

    async def time(self) -> datetime | None:
        """What time it is where the store is; None where it is on this machine (vvm.store.clock)."""
        ...

    async def moved_to(self) -> str | None:
        """Where everything is now: nothing can be written here any more, and programs have to end."""
        ...

    async def close(self) -> None: ...


class Hints(Protocol):
    """Wakes those who wait for a change.  A hint may be lost, merged or repeated."""

    def mailbox(self, mailbox: MailboxId) -> None:
        """Say that a mailbox moved."""
        ...

    def outbox(self) -> None:
        """Say that a notification may be due."""
        ...

    def inbound(self) -> None:
        """Say that an SMS from a handset waits."""
        ...

    def watch(self, mailbox: MailboxId, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` on every hint for a mailbox, until the function that is returned is called."""
        ...

    async def outbox_moved(self, within: timedelta) -> None:
        """Return at the next hint of that kind, or when the time is over."""
        ...

    async def inbound_moved(self, within: timedelta) -> None: ...
