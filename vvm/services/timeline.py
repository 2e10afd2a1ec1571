# SPDX-License-Identifier: Apache-2.0
"""What happened between a number and the service: every SMS, every transition, every visit of a client.

For whoever has to answer "why did my phone not ring?".  No text is shown: a STATUS holds a password,
and what a handset sent may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.domain.visit import Visit
from vvm.omtp.client import parse_client_sms
from vvm.services.paging import PAGE, check_limit
from vvm.store.port import (
    Audited,
    Inbound,
    InboundStore,
    NotificationRecord,
    OutboxStore,
    Settlement,
    SubscriberStore,
    VisitStore,
)

_OPEN = frozenset({None, Settlement.SENT})
"""What was sent may still have its receipt."""


class Event(StrEnum):
    CLIENT_SMS = "client_sms"
    """An SMS from the handset came in; ``what`` is what was understood of it."""
    TRANSITION = "transition"
    """``what`` is the cause, ``outcome`` the new status."""
    OWED = "owed"
    """A notification was owed; ``what`` is its cause."""
    ACCEPTED = "accepted"
    """An SMSC took it, whole or its last segment so far; ``smsc`` says which, once it has the whole."""
    CLOSED = "closed"
    """``outcome`` says how it ended."""
    VISIT = "visit"
    """A client was there by IMAP; ``what`` it did, ``outcome`` where, or why not, ``count`` how often."""


class Entry(msgspec.Struct, frozen=True):
    at: datetime
    event: Event
    what: str
    outcome: str | None = None
    notification: int | None = None
    """Number of the notification, the same for all its entries."""
    uid: int | None = None
    smpp_status: int | None = None
    smsc: str | None = None
    device: int | None = None
    """Of a visit: a device with credentials of its own."""
    count: int | None = None


class Timeline:
    def __init__(
        self,
        subscribers: SubscriberStore,
        outbox: OutboxStore,
        inbound: InboundStore,
        visits: VisitStore,
    ) -> None:
        self._subscribers = subscribers
        self._outbox = outbox
        self._inbound = inbound
        self._visits = visits

    async def __call__(self, msisdn: Msisdn, *, limit: int = PAGE) -> Sequence[Entry]:
        """The newest entries of a number, oldest first, served or not.  Raises InvalidLimit."""
        check_limit(limit)
        entries = [_transition(entry) for entry in await self._subscribers.audit(msisdn, limit=limit)]
        entries += [_client_sms(sms) for sms in await self._inbound.history(msisdn, limit=limit)]
        for record in await self._outbox.history(msisdn, limit=limit):
            entries += _notification(record)
        if (subscriber := await self._subscribers.by_msisdn(msisdn)) is not None:
            entries += [_visit(visit) for visit in await self._visits.history(subscriber.id, limit=limit)]
        return sorted(entries, key=lambda entry: entry.at)[-limit:]


def _transition(entry: Audited) -> Entry:
    outcome = None if entry.after is None else entry.after.value
    return Entry(entry.at, Event.TRANSITION, str(entry.trigger), outcome)


def _visit(visit: Visit) -> Entry:
    return Entry(
        visit.first_at,
        Event.VISIT,
        visit.act.value,
        outcome=visit.detail or None,
        device=visit.device,
        count=visit.count,
    )


def _client_sms(sms: Inbound) -> Entry:
    request = parse_client_sms(sms.text)
    return Entry(sms.received_at, Event.CLIENT_SMS, type(request).__name__)


def _notification(record: NotificationRecord) -> Iterator[Entry]:
    cause, number = str(record.cause), record.id
    yield Entry(record.owed_at, Event.OWED, cause, notification=number, uid=record.uid)
    if record.accepted_at is not None:
        yield Entry(record.accepted_at, Event.ACCEPTED, cause, notification=number, smsc=record.smsc or None)
    if record.settled_at is not None and record.state not in _OPEN:
        yield Entry(
            record.settled_at,
            Event.CLOSED,
            cause,
            outcome=record.state,
            notification=number,
            smpp_status=record.smpp_status,
        )
