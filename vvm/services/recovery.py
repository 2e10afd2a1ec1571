# SPDX-License-Identifier: Apache-2.0
"""What was deleted is looked at and put back, for as long as it is kept (vvm.store.recovery)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from vvm.domain.errors import UnknownMessage, UnknownSubscriber
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.services.owing import Owing
from vvm.store.port import DeletedMessage, Hints, RecoveryStore, SubscriberStore

log = structlog.get_logger(__name__)


class Restored(msgspec.Struct, frozen=True):
    folder: str
    uid: int
    """A new one: the client takes it for a new message, which has been heard or not."""


class Recovery:
    def __init__(
        self, subscribers: SubscriberStore, recovery: RecoveryStore, hints: Hints, *, owing: Owing
    ) -> None:
        self._subscribers = subscribers
        self._recovery = recovery
        self._hints = hints
        self._owing = owing

    async def page(self, msisdn: Msisdn, *, after: int = 0, limit: int = 100) -> Sequence[DeletedMessage]:
        """In the order in which they were deleted, behind the id ``after``.  Raises UnknownSubscriber."""
        mailbox = (await self._subscriber(msisdn)).mailbox
        return await self._recovery.deleted(mailbox, after=after, limit=limit)

    async def restore(self, msisdn: Msisdn, deleted: int) -> Restored:
        """Put a message back, and tell the client to look.

        Raises UnknownSubscriber, UnknownMessage, MailboxFull.
        """
        subscriber = await self._subscriber(msisdn)
        mailbox = subscriber.mailbox
        found = await self._recovery.deleted(mailbox, after=deleted - 1, limit=1)
        if not found or found[0].id != deleted:
            raise UnknownMessage
        greeting = found[0].folder == GREETINGS
        update = self._owing.greeting_update if greeting else self._owing.mailbox_update
        uid = await self._recovery.restore(mailbox, deleted, [update(subscriber)])
        self._hints.mailbox(mailbox)
        self._hints.outbox()
        log.info("message_restored", msisdn=subscriber.msisdn, uid=uid)
        return Restored(GREETINGS if greeting else INBOX, uid)

    async def _subscriber(self, msisdn: Msisdn) -> Subscriber:
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return subscriber
