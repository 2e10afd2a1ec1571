# SPDX-License-Identifier: Apache-2.0
"""A phone that a SYNC did not reach is told once more: when it is seen again, or after some hours.

Never at once, for the network has just tried for as long as the SMS lived.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile

import structlog

from vvm.domain.clock import Clock
from vvm.domain.notification import Family, of_family
from vvm.domain.numbers import Msisdn
from vvm.services.owing import Owing
from vvm.services.settings import NotificationSettings
from vvm.store.port import Hints, OutboxStore, Settlement, SubscriberStore

log = structlog.get_logger(__name__)

_LOOK_BACK = 50
"""Notifications among which the last SYNC of a phone is looked for."""
_PAGE = 500
_MISSED = frozenset({Settlement.FAILED, Settlement.EXPIRED})


class Retelling:
    """One MBU says all that was missed; a newer SYNC, owed or sent, makes it needless."""

    def __init__(
        self,
        outbox: OutboxStore,
        subscribers: SubscriberStore,
        hints: Hints,
        *,
        clock: Clock,
        settings: NotificationSettings,
    ) -> None:
        self._outbox = outbox
        self._subscribers = subscribers
        self._hints = hints
        self._clock = clock
        self._owing = Owing(clock, settings)
        self._after = timedelta(hours=settings.retell_hours)
        self._times = settings.retell_times

    async def seen(self, handset: Msisdn) -> bool:
        """The phone gave a sign of life.  Answers whether there was something that it had missed."""
        return bool(await self._missed(handset)) and await self._tell(handset)

    async def __call__(self) -> int:
        """Tell those who missed their last SYNC ``retell_hours`` ago; answers how many.

        Looks back as far again, so that a time without this program costs nobody its MBU.
        """
        before = self._clock.now() - self._after
        told = after = 0
        while self._after and (
            page := await self._outbox.missed(
                since=before - self._after, before=before, after=after, limit=_PAGE
            )
        ):
            for record in page:
                after = record.id
                if await self._missed(record.recipient) <= self._times:
                    told += await self._tell(record.recipient)
        if told:
            log.info("notifications_retold", count=told)
        return told

    async def _tell(self, handset: Msisdn) -> bool:
        subscriber = await self._subscribers.by_msisdn(handset)
        if subscriber is None:
            return False
        await self._outbox.owe([self._owing.mailbox_update(subscriber)])
        self._hints.outbox()
        return True

    async def _missed(self, handset: Msisdn) -> int:
        """How many SYNC in a row, the last one among them, did not reach the phone."""
        history = await self._outbox.history(handset, limit=_LOOK_BACK)
        syncs = [record.state for record in reversed(history) if of_family(record.cause, Family.SYNC)]
        return sum(1 for _ in takewhile(_MISSED.__contains__, syncs))
