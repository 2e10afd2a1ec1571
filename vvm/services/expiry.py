# SPDX-License-Identifier: Apache-2.0
"""Messages expire when they get too old for their owner's class of service; it is told before, by SMS.

A pass walks through the classes that let messages expire, a page of subscribers at a time and with a
pause between two, so that a million of them cost little at any moment.  A pass that was interrupted
begins anew: what is done is not done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.cos import Cos, Limits
from vvm.services.owing import Owing
from vvm.store.port import Aged, Ages, CosStore, ExpiryStore, Hints

log = structlog.get_logger(__name__)

_PAGE = 100
"""Subscribers that are looked at together: milliseconds."""
_CLASSES = 100


class Expiry:
    def __init__(
        self,
        classes: CosStore,
        expiry: ExpiryStore,
        hints: Hints,
        *,
        clock: Clock,
        owing: Owing,
        pause: timedelta,
    ) -> None:
        """``pause`` lies between two pages."""
        self._classes = classes
        self._expiry = expiry
        self._hints = hints
        self._clock = clock
        self._owing = owing
        self._pause = pause.total_seconds()

    async def __call__(self) -> int:
        """One pass; how many messages expired.  Raises Outage."""
        expired = announced = 0
        async for cos in self._expiring():
            ages = _ages(cos.limits, self._clock.now())
            async for aged in self._members(cos, ages):
                if aged.expired:
                    expired += await self._expire(aged, ages)
                if aged.unannounced and ages.announced is not None:
                    owed = [self._owing.expiry(aged.subscriber)]
                    announced += await self._expiry.announce(
                        aged.subscriber.id, until=ages.announced, owed=owed
                    )
                    self._hints.outbox()
        if expired or announced:
            log.info("messages_expired", count=expired, announcements=announced)
        return expired

    async def _expire(self, aged: Aged, ages: Ages) -> int:
        mailbox = aged.subscriber.mailbox
        owed = [self._owing.mailbox_update(aged.subscriber)]
        gone = await self._expiry.expire(mailbox, ages, owed)
        if gone:
            self._hints.mailbox(mailbox)
            self._hints.outbox()
        return gone

    async def _expiring(self) -> AsyncIterator[Cos]:
        after = None
        while page := await self._classes.page(after=after, limit=_CLASSES):
            for cos in page:
                if cos.limits.message_days or cos.limits.heard_days:
                    yield cos
            after = page[-1].name

    async def _members(self, cos: Cos, ages: Ages) -> AsyncIterator[Aged]:
        after = None
        while page := await self._expiry.of_class(cos.name, ages, after=after, limit=_PAGE):
            for aged in page:
                yield aged
            after = page[-1].subscriber.msisdn
            await asyncio.sleep(self._pause)


def _ages(limits: Limits, now: datetime) -> Ages:
    def ago(days: int | None) -> datetime | None:
        return None if days is None else now - timedelta(days=days)

    days, notice = limits.message_days, limits.expiry_notice_days
    return Ages(
        expired=ago(days),
        heard_expired=ago(limits.heard_days),
        announced=ago(days - notice) if days is not None and notice is not None else None,
    )
