# SPDX-License-Identifier: Apache-2.0
"""What the gateway asks of the program around it: an outbox, an inbox, a clock and metrics.

The gateway keeps nothing of its own on disk.  Whatever must survive a crash is written by these
ports before the gateway goes on, so every method says what is durable when it returns.  For the
outbox that means: it survives the end of the process; what a power failure takes costs a second SMS.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from typing import Protocol

import msgspec


class Unavailable(Exception):
    """The outbox or the inbox cannot be reached now; the same call may succeed later.

    Adapters raise it in place of their storage's own errors.  On the way in it becomes
    ESME_RX_T_APPN (0x64), so the SMSC delivers again; on the way out the lease runs out.
    """


class Coding(StrEnum):
    """How user data stands on the wire (TS 23.038 section 4)."""

    OCTETS = "8bit"
    """UTF-8 in an 8-bit SMS: the form that Android's client reads best."""
    GSM7 = "gsm7"
    """GSM 7-bit default alphabet with its extension table."""
    UCS2 = "ucs2"
    """UTF-16 in network order."""


class WaitingKind(StrEnum):
    """What waits, in the order of its bits (TS 23.038 section 4)."""

    VOICE = "voice"
    FAX = "fax"
    EMAIL = "email"
    OTHER = "other"


class WaitingForm(StrEnum):
    """How a message waiting indication is said."""

    CODING = "coding"
    """By the data coding: on or off, no count."""
    HEADER = "header"
    """By an element of the user data header, with a count."""
    BOTH = "both"
    """For handsets that know only one of them."""


class Waiting(msgspec.Struct, frozen=True):
    """A message waiting indication (TS 23.040 section 9.2.3.24.2)."""

    count: int
    """0 puts the lamp out; handsets are told 255 at most."""
    kind: WaitingKind = WaitingKind.VOICE
    form: WaitingForm = WaitingForm.BOTH


class OutboundSms(msgspec.Struct, frozen=True):
    """One leased SMS, to be sent in as many segments as its text needs."""

    id: int
    recipient: str
    """E.164 with ``+``."""
    source: str
    """The service number as the handset shall see it, for example ``5511``."""
    text: str
    coding: Coding
    port: int
    """Destination port of the user data header; 0 sends no port element."""
    reference: int
    """Concatenation reference, 0-65535, the same for every attempt; an 8-bit header has its low octet."""
    validity: timedelta
    """How long the SMSC shall try to deliver it."""
    attempt: int
    """Attempts made before this one."""
    accepted: frozenset[int] = frozenset()
    """Segments, counted from 1, that the SMSC took in an earlier attempt: not sent again."""
    held_until: float = inf
    """By the event loop's clock: from then on somebody else may have it, and it is not sent any more."""
    lease: int = 0
    """Which one it is: when one is over, the same SMS may be in the gateway's hands a second time."""
    carrier: str = ""
    """Of its recipient; "" for none."""
    waiting: Waiting | None = None
    """Makes it an indication, which the handset shows and keeps from its applications.

    Then ``port`` is 0, and ``text``, in GSM 7-bit or UCS-2, is for the reader; without a text the
    handset changes its lamp and throws the SMS away.
    """

    def __repr__(self) -> str:
        # Without the text: a STATUS carries a password.
        return f"OutboundSms(id={self.id}, source={self.source!r}, attempt={self.attempt})"


class Acceptance(msgspec.Struct, frozen=True):
    """An SMSC took a segment."""

    segment: int
    """From 1."""
    total: int
    message_id: str


class Sent(msgspec.Struct, frozen=True):
    """The SMSC took every segment."""

    last: Acceptance | None = None
    """Of the last one, which ``segment_accepted`` is not told; None where an earlier attempt sent it."""


class Retry(msgspec.Struct, frozen=True):
    """Not sent, or nobody knows whether it was; try again."""

    after: timedelta
    status: int | None
    """The SMSC's command_status; None when it gave none."""
    counted: bool
    """Whether this attempt counts against the SMS: throttling and lost binds do not."""


class Refused(msgspec.Struct, frozen=True):
    """Trying again would fail the same way."""

    status: int | None
    """The SMSC's command_status; None when we refused it ourselves."""
    reason: str
    """Stable snake-case word for logs and dead letters; never a part of the text."""


Outcome = Sent | Retry | Refused


class MessageState(StrEnum):
    """What became of a submitted segment (SMPP 3.4 section 5.2.28)."""

    ENROUTE = "enroute"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNDELIVERABLE = "undeliverable"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    """Also stands for every value that the specification does not have."""
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Whether no other receipt for this segment will follow."""
        return self not in {MessageState.ENROUTE, MessageState.ACCEPTED, MessageState.UNKNOWN}


class Receipt(msgspec.Struct, frozen=True):
    """The SMSC reports on one segment."""

    smsc: str
    message_id: str
    """In the same normal form as ``Outbox.segment_accepted`` gave it; may be empty, may not be unique."""
    state: MessageState
    error: str
    """The network's error as the SMSC wrote it (decimal, hexadecimal or letters); may be empty."""
    recipient: str
    """Who the segment was for, written as in ``InboundSms.originator``."""
    received_at: datetime
    octets: bytes
    """The receipt's own text, for whoever must find out what a new SMSC means."""


class InboundSegment(msgspec.Struct, frozen=True):
    """One piece of a concatenated SMS from a handset (TS 23.040 section 9.2.3.24.1)."""

    key: str
    """Equal for the segments of one SMS; a handset uses it again, but hardly within the hour."""
    handset: str
    """What the keys of one handset begin with, and those of no other."""
    number: int
    """From 1."""
    total: int
    octets: bytes
    """User data without its header."""
    received_at: datetime
    expires_at: datetime
    """When the other segments need not be waited for any more."""


class InboundSms(msgspec.Struct, frozen=True):
    """One whole SMS from a handset, segments already put together."""

    smsc: str
    originator: str
    """As the SMSC asserts it: E.164 with ``+`` where the type of number says so, else as received."""
    destination: str
    text: str | None
    """None where the octets are not text in the coding that they announce."""
    octets: bytes
    """User data without its header."""
    coding: Coding
    port: int | None
    """Destination port, from the user data header or from the TLV."""
    received_at: datetime
    deduplication_key: str
    """Equal for two deliveries of the same octets, under the same reference where there is one, from
    the same originator through the same SMSC.
    """
    named: bool = False
    """Whether there is a reference: of the handset (TP-MR, or that of a concatenation), or of a Kannel.

    Without one a handset that repeats itself on purpose has the same key, so that an inbox can take
    it for a redelivery only at once after the first.
    """
    segments_key: str = ""
    """``InboundSegment.key`` of the segments that it was made of; empty where it came in one piece."""


class Reachable(msgspec.Struct, frozen=True):
    """The network saw a handset again after a delivery to it had failed (SMPP 3.4 section 4.12)."""

    smsc: str
    handset: str
    """Written as ``InboundSms.originator``."""
    received_at: datetime


class Lane(msgspec.Struct, frozen=True):
    """Carriers whose SMS go by the same routes: those named, or with ``others`` all but those."""

    carriers: frozenset[str] = frozenset()
    others: bool = True

    def __contains__(self, carrier: str) -> bool:
        return (carrier in self.carriers) != self.others

    def __or__(self, lane: Lane) -> Lane:
        """The carriers of both."""
        if self.others and lane.others:
            return Lane(self.carriers & lane.carriers)
        if self.others:
            return Lane(self.carriers - lane.carriers)
        return lane | self if lane.others else Lane(self.carriers | lane.carriers, others=False)


class Outbox(Protocol):
    """SMS that are owed.  Every method may raise Unavailable; the gateway then goes on by itself."""

    async def lease(self, limit: int, lane: Lane) -> Sequence[OutboundSms]:
        """Take at most ``limit`` SMS that are due, of the carriers of a lane, which take turns.

        The lease is durable and ends by itself, so that a gateway that dies owes nothing.
        It must outlast ``SmscSettings.longest_hold``.
        """
        ...

    async def take_back(self, in_hands: Collection[OutboundSms]) -> None:
        """Whatever else is leased to the gateway is due again: it does not know of it.

        Called after Unavailable, which may have hidden an answer and the SMS in it.
        """
        ...

    async def segment_accepted(self, sms: OutboundSms, acceptance: Acceptance, *, smsc: str) -> None:
        """Remember, durably, that the SMSC took a segment, and others are to follow.

        Two SMSCs may give the same message id: ``Receipt.smsc`` says whose it is.
        """
        ...

    async def settle(self, sms: OutboundSms, outcome: Outcome, *, smsc: str) -> None:
        """End the lease with what came of it at this SMSC, durably; empty: no SMSC was there to try.

        Said again after Unavailable, which may have hidden that it was heard, until ``held_until``.
        ``Sent.last`` is noted with it.
        """
        ...

    async def receipt(self, receipt: Receipt) -> None:
        """Note a receipt, durably.  It may be a duplicate, or belong to nothing that we know."""
        ...

    async def wait(self, timeout: timedelta, lane: Lane) -> None:  # noqa: ASYNC109 - a hint with a ceiling, no deadline
        """Return when something of the lane may be due, at the latest after ``timeout``.  Only a hint."""
        ...


class Inbox(Protocol):
    """Where SMS from handsets go."""

    async def segment(self, segment: InboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        """Keep one piece of an SMS, durably: it is acknowledged as soon as this returns.

        Returns the octets of all pieces in order once none is missing, else nothing; the pieces stay
        until ``received`` takes their SMS.  A piece that comes again replaces itself.  Pieces that
        have expired go, and the oldest of more than ``each`` unfinished SMS of its handset, or of
        more than ``limit`` of all.  Raises Unavailable.
        """
        ...

    async def received(self, sms: InboundSms) -> None:
        """Keep the SMS and forget its segments, durably: it is acknowledged as soon as this returns.

        Raises Unavailable to have the SMSC deliver it again.  Redeliveries happen in any case.
        """
        ...

    async def reachable(self, hint: Reachable) -> None:
        """What is owed to this handset may be sent now.  Only a hint: it may be lost or repeated."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class Metrics(Protocol):
    """Facts worth counting.  Calls are made on the event loop and must not block."""

    def bound(self, smsc: str, *, up: bool) -> None:
        """One of the binds came up or went down."""
        ...

    def credentials_refused(self, smsc: str) -> None:
        """The SMSC, or the Kannel, does not take our name or password: an operator must act."""
        ...

    def submitted(self, smsc: str, status: int | None, seconds: float) -> None:
        """A submit was answered with ``status``, or not at all (None), after ``seconds``.

        0 is success; of a Kannel the others are HTTP's.
        """
        ...

    def window(self, smsc: str, in_flight: int) -> None:
        """Submits without an answer at this moment, in all binds."""
        ...

    def inbound(self, smsc: str, result: str) -> None:
        """An SMS came in: ``accepted``, ``segment``, ``garbage`` or ``refused``."""
        ...

    def receipt(self, smsc: str, state: MessageState) -> None:
        """A receipt came in."""
        ...


class NoMetrics:
    """Counts nothing."""

    def bound(self, smsc: str, *, up: bool) -> None:
        pass

    def credentials_refused(self, smsc: str) -> None:
        pass

    def submitted(self, smsc: str, status: int | None, seconds: float) -> None:
        pass

    def window(self, smsc: str, in_flight: int) -> None:
        pass

    def inbound(self, smsc: str, result: str) -> None:
        pass

    def receipt(self, smsc: str, state: MessageState) -> None:
        pass
