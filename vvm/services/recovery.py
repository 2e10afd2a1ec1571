# SPDX-License-Identifier: Apache-2.0
"""What was deleted is looked at and put back, for as long as it is kept (vvm.store.recovery)."""

from __future__ import annotations

import msgspec
import structlog

from vvm.domain.errors import UnknownMessage, UnknownSubscriber
from vvm.domain.message import GREETINGS, INBOX
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId, Subscriber
from vvm.services.owing import Owing
from vvm.services.paging import PAGE, Page, RowNumber, check_limit, page_of, place_of
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

    async def page(
        self, msisdn: Msisdn, *, cursor: str | None = None, limit: int = PAGE
    ) -> Page[DeletedMessage]:
        """In the order in which they were deleted.  Raises UnknownSubscriber, InvalidLimit, BadCursor."""
        check_limit(limit)
        after = place_of(cursor, RowNumber) or 0
        mailbox = (await self._subscriber(msisdn)).mailbox
        found = await self._recovery.deleted(mailbox, after=after, limit=limit + 1)
        return page_of(found, limit, lambda last: last.id)

    async def restore(self, msisdn: Msisdn, deleted: int, *, request: bytes | None = None) -> Restored:
        """Put a message back, and tell the client to look.

        ``request`` names the request: repeated, it finds where it put the message.  Raises
        UnknownSubscriber, UnknownMessage, MailboxFull.
        """
        subscriber = await self._subscriber(msisdn)
        mailbox = subscriber.mailbox
        found = await self._recovery.deleted(mailbox, after=deleted - 1, limit=1)
        if not found or found[0].id != deleted:
            return await self._restored(mailbox, request)
        greeting = found[0].folder == GREETINGS
        update = self._owing.greeting_update if greeting else self._owing.mailbox_update
        folder = GREETINGS if greeting else INBOX
        key = None if request is None else _key(request, folder)
        uid = await self._recovery.restore(mailbox, deleted, [update(subscriber)], key=key)
        self._hints.mailbox(mailbox)
        self._hints.outbox()
        log.info("message_restored", msisdn=subscriber.msisdn, uid=uid)
        return Restored(folder, uid)

    async def _restored(self, mailbox: MailboxId, request: bytes | None) -> Restored:
        """Where a request put its message.  Raises UnknownMessage."""
        if request is not None:
            for folder in (INBOX, GREETINGS):
                uid = await self._recovery.restored(mailbox, _key(request, folder))
                if uid is not None:
                    return Restored(folder, uid)
        raise UnknownMessage

    async def _subscriber(self, msisdn: Msisdn) -> Subscriber:
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return subscriber


def _key(request: bytes, folder: str) -> str:
    """Of what a request put into a folder."""
    return f"restored:{folder}:{request.hex()}"
