# SPDX-License-Identifier: Apache-2.0
"""The SubscriberStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

import msgspec

from vvm.domain.cos import Cos, Limits, UnknownCos
from vvm.domain.errors import (
    IsAlias,
    NumberQuarantined,
    PreconditionFailed,
    SubscriberExists,
    SubscriberHeld,
    UnknownSubscriber,
)
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import CosName, MailboxId, Subscriber, SubscriberId
from vvm.store.memory.events import MemoryEvents
from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.port import Audited, AuditRecord, NewSubscriber, SubscriberChange


class _PinTries:
    def __init__(self) -> None:
        self.count = 0
        self.none_before: datetime | None = None


class MemorySubscribers:
    def __init__(self, mailboxes: MemoryMailboxes, outbox: MemoryOutbox, events: MemoryEvents) -> None:
        self._events = events
        self._mailboxes = mailboxes
        self._outbox = outbox
        self._subscribers: dict[Msisdn, Subscriber] = {}
        """By their own numbers."""
        self.aliases: dict[Msisdn, SubscriberId] = {}
        self.old_numbers: dict[Msisdn, tuple[SubscriberId, datetime]] = {}
        """Who had it, and the end of its quarantine."""
        self._tries: dict[SubscriberId, _PinTries] = {}
        self._ids = count(1)
        self._audit: list[AuditRecord] = []
        self._audit_ids = count(1)
        self.classes: dict[CosName, Cos] = {}
        self._when_removed: list[Callable[[SubscriberId], None]] = []
        mailboxes.limited_by(self.limits_of)
        outbox.noted_by(self._note_resent)

    def when_removed(self, forget: Callable[[SubscriberId], None]) -> None:
        """Call ``forget`` for each subscriber that is removed: what a foreign key does elsewhere."""
        self._when_removed.append(forget)

    async def create(self, new: NewSubscriber) -> Subscriber:
        if await self.by_imap_user(new.imap_user) is not None:
            raise SubscriberExists
        for number in new.numbers:
            if self._found(number) is not None:
                raise SubscriberExists
            self.require_free(number, at=new.created_at)
        self._check(new.cos)
        mailbox = self._mailboxes.open(max_messages=new.max_messages)
        subscriber = new.born(SubscriberId(next(self._ids)), mailbox)
        self._subscribers[new.msisdn] = subscriber
        self._events.owners[subscriber.mailbox] = new.msisdn
        self._mailboxes.admit(subscriber.mailbox, clients=new.status.active)
        self._mailboxes.hold(subscriber.mailbox, held=new.held)
        self.aliases |= dict.fromkeys(new.aliases, subscriber.id)
        for entry in new.transitions():
            self.note(entry)
        return subscriber

    async def create_many(self, new: Sequence[NewSubscriber]) -> Sequence[Msisdn]:
        for one in new:
            self._check(one.cos)
        created = []
        for one in new:
            with suppress(SubscriberExists, NumberQuarantined):
                created.append((await self.create(one)).msisdn)
        return created

    async def by_msisdn(self, msisdn: Msisdn) -> Subscriber | None:
        found = self._found(msisdn)
        return None if found is None else self._counted(found)

    async def by_id(self, subscriber: SubscriberId) -> Subscriber | None:
        found = (found for found in self._subscribers.values() if found.id == subscriber)
        return next(map(self._counted, found), None)

    async def by_imap_user(self, user: str) -> Subscriber | None:
        found = (found for found in self._subscribers.values() if found.imap_user == user)
        return next(map(self._counted, found), None)

    async def change(self, msisdn: Msisdn, change: SubscriberChange, owed: Sequence[Owed] = ()) -> Subscriber:
        before = self._found(msisdn)
        if before is None:
            raise UnknownSubscriber
        after = change.applied_to(before)
        self._check(after.cos)
        self._subscribers[before.msisdn] = after
        if change.audited(before):
            why = change.trigger, before.status, after.status, change.told(before)
            self.note(Audited(before.msisdn, change.changed_at, *why))
        self._mailboxes.hold(after.mailbox, held=after.held)
        self._mailboxes.limit(after.mailbox, after.max_messages)
        self._mailboxes.admit(after.mailbox, clients=after.status.active)
        if change.pin_check is not None:
            self._tries.pop(after.id, None)
        self._outbox.add(owed)
        return self._counted(after)

    async def remove(
        self, msisdn: Msisdn, *, at: datetime, reason: str = "", decided_at: datetime | None = None
    ) -> None:
        subscriber = self._found(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        if subscriber.msisdn != msisdn:
            raise IsAlias
        if subscriber.held:
            raise SubscriberHeld
        if decided_at not in {None, subscriber.changed_at}:
            raise PreconditionFailed
        del self._subscribers[msisdn]
        self.note(Audited(msisdn, at, Trigger.REMOVED, subscriber.status, None, reason))
        self._tries.pop(subscriber.id, None)
        self.aliases = {alias: owner for alias, owner in self.aliases.items() if owner != subscriber.id}
        self._mailboxes.forget(subscriber.mailbox)
        self._outbox.forget_subscriber(subscriber.id)
        for forget in self._when_removed:
            forget(subscriber.id)

    async def take_pin_try(
        self, subscriber: SubscriberId, *, now: datetime, most: int, lockout: timedelta
    ) -> bool:
        if await self.by_id(subscriber) is None:
            return False
        tries = self._tries.setdefault(subscriber, _PinTries())
        if tries.none_before is not None and now < tries.none_before:
            return False
        tries.count = 1 if tries.none_before is not None else tries.count + 1
        tries.none_before = now + lockout if tries.count >= most else None
        return True

    async def forget_pin_tries(self, subscriber: SubscriberId) -> None:
        self._tries.pop(subscriber, None)

    async def page(self, *, after: Msisdn | None, limit: int) -> Sequence[Subscriber]:
        numbers = sorted(number for number in self._subscribers if after is None or number > after)
        return [self._counted(self._subscribers[number]) for number in numbers[:limit]]

    async def closed(self, *, now: datetime, limit: int) -> Sequence[Subscriber]:
        due = [
            (found.closing.at, found.id, found)
            for found in self._subscribers.values()
            if found.closing is not None and found.closing.at <= now and not found.held
        ]
        return [self._counted(found) for *_, found in sorted(due, key=lambda one: one[:2])[:limit]]

    async def audit(self, msisdn: Msisdn, *, limit: int) -> Sequence[Audited]:
        return [record.entry for record in self._audit if record.entry.msisdn == msisdn][-limit:]

    def records(self) -> Sequence[AuditRecord]:
        """The whole audit."""
        return self._audit

    def forget_audit(self, *, before: datetime, limit: int) -> int:
        old = [record for record in self._audit if record.entry.at < before][:limit]
        for record in old:
            self._audit.remove(record)
        return len(old)

    async def answered(self, subscriber: SubscriberId) -> None:
        self._outbox.unanswered.pop(subscriber, None)

    def require_free(self, number: Msisdn, *, at: datetime, subscriber: SubscriberId | None = None) -> None:
        """Raises NumberQuarantined, but not for who had the number."""
        former, until = self.old_numbers.get(number, (None, at))
        if until > at and former != subscriber:
            raise NumberQuarantined

    def renumber(self, before: Subscriber, after: Subscriber) -> None:
        del self._subscribers[before.msisdn]
        self._subscribers[after.msisdn] = after
        self._events.owners[after.mailbox] = after.msisdn

    def _found(self, number: Msisdn) -> Subscriber | None:
        """By its own number or an alias."""
        if number in self._subscribers:
            return self._subscribers[number]
        owner = self.aliases.get(number)
        return next((found for found in self._subscribers.values() if found.id == owner), None)

    def note(self, entry: Audited) -> None:
        self._audit.append(AuditRecord(next(self._audit_ids), entry))
        self._events.transition(entry)

    def _note_resent(self, subscriber: SubscriberId | None, at: datetime, reason: str) -> None:
        found = next((found for found in self._subscribers.values() if found.id == subscriber), None)
        if found is not None:
            self.note(Audited(found.msisdn, at, Trigger.RESENT, found.status, found.status, reason))

    def refers_to(self, name: CosName) -> bool:
        return any(found.cos == name for found in self._subscribers.values())

    def owner(self, mailbox: MailboxId) -> Subscriber | None:
        return next((found for found in self._subscribers.values() if found.mailbox == mailbox), None)

    def limits_of(self, mailbox: MailboxId) -> Limits | None:
        owner = self.owner(mailbox)
        return self.classes[owner.cos].limits if owner is not None and owner.cos else None

    def _check(self, name: CosName) -> None:
        if name and name not in self.classes:
            raise UnknownCos

    def _counted(self, subscriber: Subscriber) -> Subscriber:
        """With what the outbox counts of it."""
        return msgspec.structs.replace(subscriber, unanswered_syncs=self._outbox.unanswered[subscriber.id])
