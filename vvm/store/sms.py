# SPDX-License-Identifier: Apache-2.0
"""The ports of SMS in both directions: what is owed to phones, and what handsets sent.

A part of ``vvm.store.port``, where the words "transaction" and "on disk" are explained and where
everybody imports these names from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from vvm.domain.notification import EVERYBODY, Cause, Lane, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.store.change import SubscriberChange


class Settlement(StrEnum):
    """How a notification ended.  FAILED and EXPIRED are dead letters: the phone was not told."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Refused for good, or not deliverable."""
    EXPIRED = "expired"
    NOT_WANTED = "not_wanted"
    """The subscriber has no active client: nothing is sent."""
    JOINED = "joined"
    """It was given back while another of its family waited, which tells its cause too."""
    RESENT = "resent"
    """A dead letter that an operator had owed again."""


class OwedCount(msgspec.Struct, frozen=True):
    owed: int
    oldest_due_at: datetime


class OutboxCounts(msgspec.Struct, frozen=True):
    by_carrier: Mapping[str, OwedCount] = {}
    """Of each carrier whose subscribers are owed any."""
    dead: int = 0
    """Dead letters that are kept."""

    @property
    def owed(self) -> int:
        return sum(count.owed for count in self.by_carrier.values())

    @property
    def oldest_due_at(self) -> datetime | None:
        return min((count.oldest_due_at for count in self.by_carrier.values()), default=None)


class NotificationRecord(msgspec.Struct, frozen=True):
    """What is known of a notification, without its text."""

    id: int
    recipient: Msisdn
    cause: Cause | str
    """A text where only a newer release knows it."""
    uid: int | None
    state: Settlement | None
    """None while it is owed."""
    smpp_status: int | None
    """The last command_status that the SMSC gave; None when it gave none."""
    attempts: int
    owed_at: datetime
    taken_at: datetime | None
    """When a worker last took it to be sent."""
    accepted_at: datetime | None
    """When the SMSC took its last segment."""
    settled_at: datetime | None
    carrier: str = ""
    """The carrier profile of its client; "" for none."""
    smsc: str = ""
    """Which SMSC took the whole of it; "" while none has."""
    fetched_at: datetime | None = None
    """When the client first fetched a message after the cause."""


class Told(msgspec.Struct, frozen=True):
    """A notification that an SMSC took: for those who measure how long its way was."""

    cause: Cause | str
    """A text where only a newer release knows it."""
    carrier: str
    smsc: str
    """"" where its worker died between the acceptance and the note of it."""
    owed_at: datetime
    """The moment of its first cause."""
    accepted_at: datetime
    """When the SMSC took its last segment."""


class Reported(msgspec.Struct, frozen=True):
    """A receipt that belongs to a segment of ours."""

    closed: Told | None
    """The notification that it closed; None where it was closed already, or waits for other receipts."""


class Share(msgspec.Struct, frozen=True):
    """Of what an SMSC grants to all senders together."""

    senders: int
    """How many there are, the one that asks included."""
    new: bool
    """The others did not count the one that asks before."""


class Acceptance(msgspec.Struct, frozen=True):
    """An SMSC took a segment."""

    segment: int
    """From 1."""
    total: int
    message_id: str
    """Its name in a receipt; "" where the SMSC gave none."""


class OutboxStore(Protocol):
    """Notifications that are owed.

    A row *waits* while it is owed, in no worker's hands, and no segment of it was accepted.  Whatever
    owes a notification - here or in a transaction of another store - lets it join the row of its
    family that waits for the same recipient (``Cause.joined``): that row keeps its place, lives as
    long as the newer one, and starts its attempts anew.  Only where none waits a row is made.  So what
    is owed to one phone is bounded, and a row in a worker's hands is never changed.

    What is owed is on disk.  Notes of progress (lease, accepted, retry, settle, receipt) survive
    ``kill -9`` and wait for no fsync: what a power failure takes of them costs a second SMS.
    """

    async def owe(self, owed: Sequence[Owed]) -> None:
        """Owe notifications that have no other cause in the store."""
        ...

    async def tell_again(self, owed: Owed, *, uid: int | None, at: datetime, reason: str) -> None:
        """Owe what an operator wants told once more, with ``uid`` as its message.

        In the same transaction the audit has it, under Trigger.RESENT.
        """
        ...

    async def lease(
        self,
        *,
        now: datetime,
        lease: timedelta,
        limit: int,
        holder: str = "",
        lane: Lane = EVERYBODY,
        after: str = "",
    ) -> Sequence[Leased]:
        """Take due rows of the carriers of a lane; each is due again when its lease ends.

        Carriers take turns in the order of their names, beginning behind ``after``.  Of each the rows
        come in the order of the families, then the oldest due.  Of one family to one recipient at
        most one row is in hands: the others are passed over until it was given back or settled, or
        its lease ended.  Families of a newer release are left to it.  ``holder`` names the worker for
        ``take_back``.
        """
        ...

    async def take_back(self, holder: str, *, but: Collection[int] = ()) -> int:
        """Give back at once, as ``retry`` does and not counted, all that a worker has but these rows.

        Each is due as of the moment it was taken.  Answers how many.  Only the holder itself may call
        it, or who knows that it lives no more: a row that is still being sent is sent twice.
        """
        ...

    async def hasten(self, recipient: Msisdn, *, now: datetime) -> int:
        """Make due what waits for a recipient and no gate holds; answers how many were not due yet."""
        ...

    async def accepted(self, row: Leased, acceptance: Acceptance, *, now: datetime) -> None:
        """Note that the SMSC took one segment."""
        ...

    async def retry(self, row: Leased, *, due_at: datetime, status: int | None, counted: bool) -> None:
        """Give a row back, due later.  Not counted: the attempt is taken back.

        Where another one of its family waits by now, it joins that one, which is then not due before
        ``due_at``; of two STATUS the newer counts.  Changes nothing when the lease was lost to another
        worker.
        """
        ...

    async def settle(
        self,
        row: Leased,
        settlement: Settlement,
        *,
        now: datetime,
        status: int | None = None,
        gated_until: datetime | None = None,
        smsc: str = "",
        to_client: bool = False,
        last: Acceptance | None = None,
    ) -> None:
        """Close a row.  One that was closed already stays as it is.  A SYNC that is SENT is unanswered.

        ``smsc`` has taken it, ``last`` being what ``accepted`` does not know yet; ``to_client``: a
        client reads it, and not a person.

        With ``gated_until`` a SENT row shuts the gate of its recipient: what waits in its family, and
        what is owed later, is not due before then, or before the receipt that closes this row.  What
        would expire behind the gate does not wait for it.
        """
        ...

    async def receipt(self, message_id: str, settlement: Settlement, *, now: datetime) -> Reported | None:
        """Note what became of a segment.  None: no row has this id; of several, the newest counts.

        DELIVERED closes the row with its last segment, anything else closes it at once.  The last gate
        of a recipient that opens so makes due what waited behind it.
        """
        ...

    async def fetched(self, fetches: Mapping[Msisdn, datetime]) -> Sequence[tuple[Told, datetime]]:
        """Note that clients fetched messages, each the client that a number is told of.

        Every SYNC whose cause was before that, and after the fetch before, has its answer.  Returns
        those that had told the client until then, with the moment of the fetch.
        """
        ...

    async def dead_letters(
        self,
        *,
        after: int,
        limit: int,
        recipient: Msisdn | None = None,
        cause: Cause | None = None,
        since: datetime | None = None,
    ) -> Sequence[NotificationRecord]:
        """Notifications that FAILED or EXPIRED, by id, after the one given.

        Only to a recipient, of a cause, closed ``since`` then, where that is given.
        """
        ...

    async def has_dead_letters(self) -> bool:
        """Whether there is one: a look at an index, whatever is owed and whoever wrote it."""
        ...

    async def missed(
        self, *, since: datetime, before: datetime, after: int, limit: int
    ) -> Sequence[NotificationRecord]:
        """SYNC that an SMSC took and then reported not to have delivered, by id, after the one given.

        Those that were closed from ``since`` until ``before``, and are the last SYNC of their recipient.
        """
        ...

    async def history(self, recipient: Msisdn, *, limit: int) -> Sequence[NotificationRecord]:
        """The newest notifications to a number that are not forgotten, owed or closed, by id."""
        ...

    async def resend(self, row: int, *, now: datetime, expires_at: datetime) -> bool:
        """Owe a dead letter again, as if its cause were new.

        False: no dead letter has this id, or only a newer release knows its cause.

        In the same transaction the audit of its subscriber has it, under Trigger.RESENT.
        """
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Remove rows that were closed before then, with their segments; answers how many.

        A row with a gate that is still shut stays.
        """
        ...

    async def share(
        self, sender: str, smscs: Sequence[str], *, now: datetime, until: datetime
    ) -> Mapping[str, Share]:
        """Say until when a sender sends by these SMSCs, and learn by how many senders each is shared.

        Who says so first is known to all who ask later.  Waits for no fsync.
        """
        ...

    async def counts(self) -> OutboxCounts:
        """For those who watch: it takes a look at an index for each row that is owed or dead."""
        ...

    async def next_due(self, *, now: datetime, lane: Lane = EVERYBODY) -> datetime | None:
        """When the earliest row of a lane is due, but for what ``lease`` would pass over now or leave."""
        ...


class NewInbound(msgspec.Struct, frozen=True):
    """An SMS from a handset, as the SMSC asserted it."""

    key: str
    """Redelivery has the same key."""
    originator: str
    destination: str
    text: str
    received_at: datetime
    segments_key: str = ""
    """Of the segments that it was made of; empty where it came in one piece."""
    named: bool = False
    """Whether the key tells it from a handset that asks the same again."""
    repeats_since: datetime | None = None
    """What was received since then may be the first delivery of this one; None: this is the first."""


class NewInboundSegment(msgspec.Struct, frozen=True):
    """A piece of a concatenated SMS from a handset."""

    key: str
    """Equal for the segments of one SMS."""
    handset: str
    """What the keys of one handset begin with, and those of no other."""
    number: int
    """From 1."""
    total: int
    octets: bytes
    received_at: datetime
    expires_at: datetime
    """When the other segments need not be waited for any more."""


class Inbound(msgspec.Struct, frozen=True):
    id: int
    originator: str
    destination: str
    text: str
    received_at: datetime


class InboundStore(Protocol):
    async def save_segment(self, segment: NewInboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        """Keep a piece of an SMS before it is acknowledged; one that comes again replaces itself.

        Returns the octets of all pieces in order once none is missing, else nothing.  Pieces that
        have expired go, and of more than ``each`` SMS of its handset, or of more than ``limit`` of all,
        those that expire first.
        """
        ...

    async def save(self, sms: NewInbound) -> bool:
        """Keep an SMS before it is acknowledged, and forget its segments.

        False: it is a redelivery, and no second one was made.  A named one is, where its key was
        received since ``repeats_since``; another, where that is the key of the last SMS of its
        originator: what came between makes it a new request, however soon.
        """
        ...

    async def pending(self, *, limit: int) -> Sequence[Inbound]:
        """Those that are not settled, oldest first."""
        ...

    async def settle(
        self,
        sms: int,
        *,
        msisdn: Msisdn | None,
        change: SubscriberChange | None,
        owed: Sequence[Owed],
    ) -> None:
        """Close an SMS with all that it causes, in one transaction.

        One that is closed already changes nothing.  Raises UnknownSubscriber, StatusMoved.
        """
        ...

    async def history(self, originator: str, *, limit: int) -> Sequence[Inbound]:
        """The newest SMS of a handset that are not forgotten, settled or not, oldest first."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Remove settled SMS that were received before then, and their keys; answers how many SMS."""
        ...
