# SPDX-License-Identifier: Apache-2.0
"""The OutboxStore of the memory adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count, islice

import msgspec

from vvm.domain.event import EventKind
from vvm.domain.notification import EVERYBODY, Cause, Family, Lane, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import SubscriberId
from vvm.store.memory.events import MemoryEvents
from vvm.store.port import (
    Acceptance,
    NotificationRecord,
    OutboxCounts,
    OwedCount,
    Reported,
    Settlement,
    Share,
    Told,
)

_DEAD = frozenset({Settlement.FAILED, Settlement.EXPIRED})
_HEARD = frozenset({Settlement.SENT, Settlement.DELIVERED})
_TOLD = _DEAD | _HEARD

_ORDER = list(Family)


class _Row:
    def __init__(self, row_id: int, owed: Owed, uid: int | None) -> None:
        self.id = row_id
        self.owed = owed
        self.uid = uid
        self.cause = owed.cause
        self.due_at = owed.due_at
        """A lease moves it to the lease's end."""
        self.leased = False
        self.holder = ""
        self.taken_at: datetime | None = None
        self.attempt = 0
        self.held = False
        """Not due only because of a gate."""
        self.gated_until: datetime | None = None
        self.settlement: Settlement | None = None
        self.settled_at: datetime | None = None
        self.smpp_status: int | None = None
        self.message_ids: dict[int, str] = {}
        """By segment; the SMSC has taken these."""
        self.accepted_at: datetime | None = None
        self.total = 0
        """Segments of the whole SMS; 0 until the SMSC took one."""
        self.delivered: set[int] = set()
        self.smsc = ""
        self.to_client = False
        self.fetched_at: datetime | None = None

    @property
    def line(self) -> tuple[Msisdn, Family]:
        """Who stands in one line joins."""
        return self.owed.recipient, self.cause.family

    @property
    def waiting(self) -> bool:
        return self.settlement is None and not self.leased and not self.message_ids

    def take(self, now: datetime, lease: timedelta, holder: str) -> Leased:
        self.holder = holder
        self.due_at = now + lease
        self.taken_at = now
        self.attempt += 1
        self.leased, self.held = True, False
        return Leased(
            id=self.id,
            recipient=self.owed.recipient,
            subscriber=self.owed.subscriber,
            cause=self.cause,
            uid=self.uid,
            return_code=self.owed.return_code,
            attempt=self.attempt,
            owed_at=self.owed.due_at,
            taken_at=now,
            expires_at=self.owed.expires_at,
            accepted=frozenset(self.message_ids),
            carrier=self.owed.carrier,
        )

    def held_by(self, lease: Leased) -> bool:
        """Whether this lease has it still: who lost it may not close what has joined since."""
        same = (self.attempt, self.taken_at) == (lease.attempt, lease.taken_at)
        return self.settlement is None and self.leased and same

    def joined_by(self, newer: Owed) -> None:
        life = max(self.owed.expires_at, newer.expires_at)
        self.cause, self.uid, self.attempt = newer.cause.joined, None, 0
        self.owed = msgspec.structs.replace(
            self.owed,
            subscriber=newer.subscriber,
            return_code=newer.return_code,
            expires_at=life,
            carrier=newer.carrier,
        )
        self.fetched_at = None

    def joined_by_returned(self, returned: _Row) -> None:
        self.cause, self.uid = self.cause.joined, None
        self.due_at = max(self.due_at, returned.due_at)
        newer = max(self, returned, key=lambda row: row.id).owed
        life = max(self.owed.expires_at, returned.owed.expires_at)
        self.owed = msgspec.structs.replace(self.owed, return_code=newer.return_code, expires_at=life)
        self.fetched_at = None

    def accept(self, acceptance: Acceptance, now: datetime) -> None:
        self.message_ids[acceptance.segment] = acceptance.message_id
        self.total = acceptance.total
        self.accepted_at = now

    def close(self, settlement: Settlement, now: datetime) -> None:
        self.settlement, self.settled_at, self.leased = settlement, now, False
        self.gated_until = None

    def record(self) -> NotificationRecord:
        return NotificationRecord(
            id=self.id,
            recipient=self.owed.recipient,
            cause=self.cause,
            uid=self.uid,
            state=self.settlement,
            smpp_status=self.smpp_status,
            attempts=self.attempt,
            owed_at=self.owed.due_at,
            taken_at=self.taken_at,
            accepted_at=self.accepted_at,
            settled_at=self.settled_at,
            carrier=self.owed.carrier,
            smsc=self.smsc,
            fetched_at=self.fetched_at,
        )

    def told(self) -> Told | None:
        """None: the SMSC took nothing of it."""
        if self.accepted_at is None:
            return None
        return Told(self.cause, self.owed.carrier, self.smsc, self.owed.due_at, self.accepted_at)


class MemoryOutbox:
    def __init__(self, events: MemoryEvents | None = None) -> None:
        self._events = events or MemoryEvents()
        self._rows: dict[int, _Row] = {}
        self._senders: dict[str, dict[str, datetime]] = {}
        """By SMSC, until when each sender sends."""
        self._note_resent: Callable[[SubscriberId | None, datetime, str], None] = lambda *_: None
        self._ids = count(1)
        self.unanswered: Counter[SubscriberId] = Counter()
        """SYNC that were sent since the subscriber's client last logged in."""

    def add(self, owed: Sequence[Owed], *, uid: int | None = None) -> None:
        """Owe as part of another store's transaction."""
        for notification in owed:
            row = _Row(next(self._ids), notification, uid)
            waiting = next((found for found in self._line(row) if found.waiting), None)
            if waiting is None:
                self._make_wait(row)
                self._rows[row.id] = row
            else:
                waiting.joined_by(notification)

    def noted_by(self, note: Callable[[SubscriberId | None, datetime, str], None]) -> None:
        """Where it is audited that a subscriber is told once more, and why."""
        self._note_resent = note

    def forget_subscriber(self, subscriber: SubscriberId) -> None:
        """Drop every row of a subscriber who goes."""
        self._rows = {key: row for key, row in self._rows.items() if row.owed.subscriber != subscriber}

    async def owe(self, owed: Sequence[Owed]) -> None:
        self.add(owed)

    async def tell_again(self, owed: Owed, *, uid: int | None, at: datetime, reason: str) -> None:
        self.add([owed], uid=uid)
        self._note_resent(owed.subscriber, at, reason)

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
        due = sorted(
            (row for row in self._free(now, lane) if row.due_at <= now),
            key=lambda row: _ORDER.index(row.cause.family),
        )
        turns: Counter[str] = Counter()
        places: list[tuple[int, bool, str, _Row]] = []
        for row in due:
            carrier = row.owed.carrier
            turns[carrier] += 1
            places.append((turns[carrier], carrier <= after, carrier, row))
        places.sort(key=lambda place: place[:3])
        return [row.take(now, lease, holder) for *_, row in places[:limit]]

    async def accepted(self, row: Leased, acceptance: Acceptance, *, now: datetime) -> None:
        if (found := self._rows.get(row.id)) is not None:
            found.accept(acceptance, now)

    async def retry(self, row: Leased, *, due_at: datetime, status: int | None, counted: bool) -> None:
        found = self._rows.get(row.id)
        if found is None or not found.held_by(row):
            return
        self._give_back(found, due_at, status, counted=counted)

    async def take_back(self, holder: str, *, but: Collection[int] = ()) -> int:
        in_hands = [
            row
            for row in self._rows.values()
            if row.settlement is None and row.leased and row.holder == holder and row.id not in but
        ]
        for row in in_hands:
            self._give_back(row, row.taken_at or row.due_at, None, counted=False)
        return len(in_hands)

    async def hasten(self, recipient: Msisdn, *, now: datetime) -> int:
        later = [
            row
            for row in self._owed()
            if row.owed.recipient == recipient and not row.leased and not row.held and row.due_at > now
        ]
        for row in later:
            row.due_at = now
        return len(later)

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
        found = self._rows.get(row.id)
        if found is None or not found.held_by(row):
            return
        if last is not None:
            found.accept(last, now)
        self._close(found, settlement, now)
        found.smsc, found.to_client = smsc, to_client
        if status is not None:
            found.smpp_status = status
        if settlement is Settlement.SENT and row.subscriber and row.cause.family is Family.SYNC:
            self.unanswered[row.subscriber] += 1
        if gated_until is not None:
            found.gated_until = gated_until
            for other in self._line(found):
                if other.waiting and other.due_at < gated_until < other.owed.expires_at:
                    other.due_at, other.held = gated_until, True

    async def receipt(self, message_id: str, settlement: Settlement, *, now: datetime) -> Reported | None:
        # The newest first, because some SMSCs use an id again.
        for row in reversed(self._rows.values()):
            for segment, known in row.message_ids.items():
                if known == message_id:
                    return Reported(self._reported(row, segment, settlement, now))
        return None

    async def fetched(self, fetches: Mapping[Msisdn, datetime]) -> Sequence[tuple[Told, datetime]]:
        answered = []
        for row in self._rows.values():
            at = fetches.get(row.owed.recipient)
            if at is None or row.cause.family is not Family.SYNC:
                continue
            if row.fetched_at is not None or row.owed.due_at > at:
                continue
            row.fetched_at = at
            told = row.told()
            if told is not None and told.accepted_at <= at and row.to_client and row.settlement in _HEARD:
                answered.append((told, at))
        return answered

    async def dead_letters(
        self,
        *,
        after: int,
        limit: int,
        recipient: Msisdn | None = None,
        cause: Cause | None = None,
        since: datetime | None = None,
    ) -> Sequence[NotificationRecord]:
        dead = (
            record
            for record in (row.record() for row in self._rows.values() if row.settlement in _DEAD)
            if record.id > after
            and recipient in {None, record.recipient}
            and cause in {None, record.cause}
            and (since is None or (record.settled_at is not None and record.settled_at >= since))
        )
        return list(islice(dead, limit))

    async def has_dead_letters(self) -> bool:
        return any(row.settlement in _DEAD for row in self._rows.values())

    async def missed(
        self, *, since: datetime, before: datetime, after: int, limit: int
    ) -> Sequence[NotificationRecord]:
        found = (
            row.record()
            for row in self._rows.values()
            if row.settlement in _DEAD
            and row.cause.family is Family.SYNC
            and row.id > after
            and row.settled_at is not None
            and since <= row.settled_at < before
            and row.message_ids
            and not any(other.id > row.id for other in self._line(row))
        )
        return list(islice(found, limit))

    async def history(self, recipient: Msisdn, *, limit: int) -> Sequence[NotificationRecord]:
        found = [row.record() for row in self._rows.values() if row.owed.recipient == recipient]
        return found[-limit:]

    async def resend(self, row: int, *, now: datetime, expires_at: datetime) -> bool:
        dead = self._rows.get(row)
        if dead is None or dead.settlement not in _DEAD:
            return False
        dead.settlement = Settlement.RESENT
        again = msgspec.structs.replace(
            dead.owed, cause=dead.cause, due_at=now, expires_at=expires_at, spacing=timedelta()
        )
        self.add([again], uid=dead.uid)
        self._note_resent(again.subscriber, now, again.cause.value)
        return True

    async def forget(self, *, before: datetime, limit: int) -> int:
        old = [
            row
            for row in self._rows.values()
            if row.settled_at is not None
            and row.settled_at < before
            and (row.gated_until is None or row.gated_until < before)
        ]
        going = sorted(old, key=lambda row: (row.settled_at or before, row.id))[:limit]
        for row in going:
            del self._rows[row.id]
        return len(going)

    async def share(
        self, sender: str, smscs: Sequence[str], *, now: datetime, until: datetime
    ) -> Mapping[str, Share]:
        shares = {}
        for smsc in smscs:
            senders = self._senders.setdefault(smsc, {})
            new = senders.get(sender, now) <= now
            senders[sender] = until
            shares[smsc] = Share(sum(each > now for each in senders.values()), new)
        return shares

    async def counts(self) -> OutboxCounts:
        owed = self._owed()
        dead = sum(row.settlement in _DEAD for row in self._rows.values())
        oldest = {row.owed.carrier: row.due_at for row in reversed(owed)}
        counted = Counter(row.owed.carrier for row in owed)
        by_carrier = {carrier: OwedCount(counted[carrier], due_at) for carrier, due_at in oldest.items()}
        return OutboxCounts(by_carrier, dead)

    async def next_due(self, *, now: datetime, lane: Lane = EVERYBODY) -> datetime | None:
        return next((row.due_at for row in self._free(now, lane)), None)

    def _close(self, row: _Row, settlement: Settlement, now: datetime) -> None:
        row.close(settlement, now)
        if settlement in _TOLD:
            kind = EventKind(f"notification.{settlement}")
            self._events.add(row.owed.recipient, kind, cause=row.cause.value, uid=row.uid)

    def _owed(self) -> list[_Row]:
        """Rows that are not closed, oldest due first."""
        rows = (row for row in self._rows.values() if row.settlement is None)
        return sorted(rows, key=lambda row: (row.due_at, row.id))

    def _free(self, now: datetime, lane: Lane) -> list[_Row]:
        """Rows of a lane that are not closed and have nothing of their line before them, oldest due first."""
        owed = self._owed()
        in_hands = {row.line: row for row in owed if row.leased and row.due_at > now}
        first = {row.line: row for row in sorted(owed, key=lambda row: -row.id) if row.due_at <= now}
        return [
            row
            for row in owed
            if row.owed.carrier in lane
            and in_hands.get(row.line, row) is row
            and (row.line not in first or first[row.line].id >= row.id)
        ]

    def _give_back(self, row: _Row, due_at: datetime, status: int | None, *, counted: bool) -> None:
        row.due_at, row.smpp_status, row.leased = due_at, status, False
        if not counted:
            row.attempt -= 1
        beside = next((other for other in self._line(row) if other.waiting), None)
        if beside is not None and row.waiting:
            beside.joined_by_returned(row)
            row.close(Settlement.JOINED, due_at)

    def _line(self, row: _Row) -> Iterator[_Row]:
        """The other rows of a family to one recipient."""
        return (other for other in self._rows.values() if other is not row and other.line == row.line)

    def _make_wait(self, row: _Row) -> None:
        """Behind a shut gate, and so long after the last of its family as its spacing says."""
        for other in self._line(row):
            if other.taken_at is not None:
                row.due_at = max(row.due_at, other.taken_at + row.owed.spacing)
            gate = other.gated_until
            if gate is not None and row.owed.due_at < gate < row.owed.expires_at:
                row.due_at, row.held = max(row.due_at, gate), True

    def _reported(self, row: _Row, segment: int, settlement: Settlement, now: datetime) -> Told | None:
        """Note a receipt.  One lost segment loses the SMS; delivered it is with its last segment.

        That also closes a row that is still owed: its worker was killed before it could.
        """
        if settlement is Settlement.DELIVERED:
            row.delivered.add(segment)
            if len(row.delivered) < row.total:
                return None
        if row.settlement not in {None, Settlement.SENT}:
            return None
        self._close(row, settlement, now)
        line = list(self._line(row))
        if not any(other.gated_until is not None and other.gated_until > now for other in line):
            for other in line:
                if other.held and other.settlement is None:
                    other.due_at, other.held = now, False
        return row.told()
