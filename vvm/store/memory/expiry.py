# SPDX-License-Identifier: Apache-2.0
"""The ExpiryStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from vvm.domain.message import GREETINGS, Flags
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName, MailboxId, SubscriberId
from vvm.store.expiry import Aged, Ages
from vvm.store.memory.mailboxes import Mailbox, MemoryMailboxes, Message
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.memory.subscribers import MemorySubscribers


class MemoryExpiry:
    def __init__(
        self, subscribers: MemorySubscribers, mailboxes: MemoryMailboxes, outbox: MemoryOutbox
    ) -> None:
        self._subscribers = subscribers
        self._mailboxes = mailboxes
        self._outbox = outbox
        self._told: dict[SubscriberId, datetime] = {}

    async def of_class(self, cos: CosName, ages: Ages, *, after: Msisdn | None, limit: int) -> Sequence[Aged]:
        found = []
        for subscriber in await self._subscribers.page(after=after, limit=1_000_000):
            mailbox = self._mailboxes.mailbox(subscriber.mailbox)
            if subscriber.cos != cos or subscriber.held or subscriber.closing or mailbox is None:
                continue
            messages = [message for _, message in _expiring(mailbox)]
            told = self._told.get(subscriber.id)
            found.append(
                Aged(
                    subscriber,
                    expired=any(_expired(message, ages) for message in messages),
                    unannounced=any(_soon(message, ages, told) for message in messages),
                )
            )
        return found[:limit]

    async def expire(self, mailbox: MailboxId, ages: Ages, owed: Sequence[Owed] = ()) -> int:
        found = self._mailboxes.mailbox(mailbox)
        owner = self._subscribers.owner(mailbox)
        if found is None or owner is None or owner.held or owner.closing:
            return 0
        old = [(folder, message) for folder, message in _expiring(found) if _expired(message, ages)]
        for name in sorted({folder for folder, _ in old}, key=lambda name: found.folders[name].uid_validity):
            uids = [message.uid for folder, message in old if folder == name]
            self._mailboxes.remove(mailbox, name, uids)
        if old:
            self._outbox.add(owed)
        return len(old)

    async def announce(self, subscriber: SubscriberId, *, until: datetime, owed: Sequence[Owed]) -> bool:
        told = self._told.get(subscriber)
        if (told is not None and told >= until) or await self._subscribers.by_id(subscriber) is None:
            return False
        self._told[subscriber] = until
        self._outbox.add(owed)
        return True


def _expiring(mailbox: Mailbox) -> Iterator[tuple[str, Message]]:
    for name, folder in mailbox.folders.items():
        if name != GREETINGS:
            yield from ((name, message) for message in folder.messages.values())


def _expired(message: Message, ages: Ages) -> bool:
    received = message.new.received_at
    if ages.expired is not None and received <= ages.expired:
        return True
    heard = Flags.SEEN in message.flags
    return heard and ages.heard_expired is not None and received <= ages.heard_expired


def _soon(message: Message, ages: Ages, told: datetime | None) -> bool:
    received = message.new.received_at
    if ages.announced is None or ages.expired is None or not ages.expired < received <= ages.announced:
        return False
    return told is None or received > told
