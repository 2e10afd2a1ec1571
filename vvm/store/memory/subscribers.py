# SPDX-License-Identifier: Apache-2.0
"""The SubscriberStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

import msgspec

from vvm.domain.errors import SubscriberExists, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.port import NewSubscriber, SubscriberChange


class _PinTries:
    def __init__(self) -> None:
        self.count = 0
        self.none_before: datetime | None = None


class MemorySubscribers:
    def __init__(self, mailboxes: MemoryMailboxes, outbox: MemoryOutbox) -> None:
        self._mailboxes = mailboxes
        self._outbox = outbox
        self._subscribers: dict[Msisdn, Subscriber] = {}
        self._tries: dict[SubscriberId, _PinTries] = {}
        self._ids = count(1)

    async def create(self, new: NewSubscriber) -> Subscriber:
        if new.msisdn in self._subscribers or await self.by_imap_user(new.imap_user) is not None:
            raise SubscriberExists
        subscriber = Subscriber(
            id=SubscriberId(next(self._ids)),
            mailbox=self._mailboxes.open(max_messages=new.max_messages),
            changed_at=new.created_at,
            **msgspec.structs.asdict(new),
        )
        self._subscribers[new.msisdn] = subscriber
        return subscriber

    async def by_msisdn(self, msisdn: Msisdn) -> Subscriber | None:
        return self._subscribers.get(msisdn)

    async def by_id(self, subscriber: SubscriberId) -> Subscriber | None:
        return next((found for found in self._subscribers.values() if found.id == subscriber), None)

    async def by_imap_user(self, user: str) -> Subscriber | None:
        return next((found for found in self._subscribers.values() if found.imap_user == user), None)

    async def change(self, msisdn: Msisdn, change: SubscriberChange, owed: Sequence[Owed] = ()) -> Subscriber:
        before = self._subscribers.get(msisdn)
        if before is None:
            raise UnknownSubscriber
        fields = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
        after = msgspec.structs.replace(before, **fields)
        self._subscribers[msisdn] = after
        self._mailboxes.limit(after.mailbox, after.max_messages)
        if change.pin_check is not None:
            self._tries.pop(after.id, None)
        self._outbox.add(owed)
        return after

    async def remove(self, msisdn: Msisdn) -> None:
        subscriber = self._subscribers.pop(msisdn, None)
        if subscriber is None:
            raise UnknownSubscriber
        self._tries.pop(subscriber.id, None)
        self._mailboxes.forget(subscriber.mailbox)
        self._outbox.forget_subscriber(subscriber.id)

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
        return [self._subscribers[number] for number in numbers[:limit]]
