# SPDX-License-Identifier: Apache-2.0
"""The SubscriberStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import msgspec

from vvm.domain.errors import SubscriberExists, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.port import NewSubscriber, SubscriberChange


class MemorySubscribers:
    def __init__(self, mailboxes: MemoryMailboxes, outbox: MemoryOutbox) -> None:
        self._mailboxes = mailboxes
        self._outbox = outbox
        self._subscribers: dict[Msisdn, Subscriber] = {}
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
        self._outbox.add(owed)
        return after

    async def remove(self, msisdn: Msisdn) -> None:
        subscriber = self._subscribers.pop(msisdn, None)
        if subscriber is None:
            raise UnknownSubscriber
        self._mailboxes.forget(subscriber.mailbox)
        self._outbox.forget(subscriber.id)

    async def page(self, *, after: Msisdn | None, limit: int) -> Sequence[Subscriber]:
        numbers = sorted(number for number in self._subscribers if after is None or number > after)
        return [self._subscribers[number] for number in numbers[:limit]]
