# SPDX-License-Identifier: Apache-2.0
"""An operator has a phone told once more: what it says is made anew, and what waits for it is joined."""

from __future__ import annotations

from enum import StrEnum

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal, UnknownSubscriber
from vvm.domain.message import INBOX
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.services.owing import Owing
from vvm.store.port import Hints, MailboxStore, OutboxStore, SubscriberStore

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What can be told, in the words of the timeline."""

    NEW_MESSAGE = Cause.NEW_MESSAGE.value
    """SYNC NM of the newest message."""
    MAILBOX_UPDATE = Cause.MAILBOX_UPDATE.value
    GREETING_UPDATE = Cause.GREETING_UPDATE.value
    STATUS = Cause.STATUS.value
    MWI = Cause.MWI.value
    """The phone's lamp with the count, which is off at 0."""
    MWI_CLEAR = Cause.MWI_CLEAR.value
    """The lamp goes off, whatever the count."""
    TEXT = Cause.TEXT.value
    """The plain SMS of the fallback."""


_TO_A_CLIENT = frozenset({Kind.NEW_MESSAGE, Kind.MAILBOX_UPDATE, Kind.GREETING_UPDATE, Kind.STATUS})


class NothingToTell(Refusal):
    """Nothing would be sent; the text says why."""

    code = "nothing_to_tell"


class Resending:
    def __init__(
        self,
        subscribers: SubscriberStore,
        mailboxes: MailboxStore,
        outbox: OutboxStore,
        hints: Hints,
        *,
        clock: Clock,
        owing: Owing,
    ) -> None:
        self._subscribers = subscribers
        self._mailboxes = mailboxes
        self._outbox = outbox
        self._hints = hints
        self._clock = clock
        self._owing = owing

    async def __call__(self, msisdn: Msisdn, kind: Kind, *, reason: str = "") -> None:
        """Owe it, and note it in the audit.  ``reason`` is what the operator said of it.

        Raises UnknownSubscriber, NothingToTell.
        """
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        if kind in _TO_A_CLIENT and not subscriber.status.active:
            raise NothingToTell("no client of the subscriber is active")
        if not subscriber.status.served:
            raise NothingToTell("the subscriber is blocked or closed")
        uid = await self._newest(subscriber) if kind is Kind.NEW_MESSAGE else None
        if kind is Kind.TEXT:
            await self._require_unseen(subscriber)
        owed = self._owing.again(subscriber, Cause(kind))
        why = ": ".join(filter(None, (kind.value, reason)))
        await self._outbox.tell_again(owed, uid=uid, at=self._clock.now(), reason=why)
        self._hints.outbox()
        log.info("notification_resent", msisdn=msisdn, cause=kind.value)

    async def _newest(self, subscriber: Subscriber) -> int:
        states = await self._mailboxes.states(subscriber.mailbox, INBOX)
        if not states:
            raise NothingToTell("the mailbox holds no message")
        return states[-1].uid

    async def _require_unseen(self, subscriber: Subscriber) -> None:
        folder = await self._mailboxes.folder(subscriber.mailbox, INBOX)
        if folder is None or not folder.unseen:
            raise NothingToTell("the mailbox holds no new message")
