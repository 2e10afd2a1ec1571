# SPDX-License-Identifier: Apache-2.0
"""The new-user tutorial is over: a new subscriber becomes a ready one (OMTP 1.3 2.5, 2.8)."""

from __future__ import annotations

import structlog

from vvm.domain import provisioning as rules
from vvm.domain.clock import Clock
from vvm.domain.errors import StatusMoved, UnknownSubscriber
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import SubscriberId
from vvm.services.owing import Owing
from vvm.store.port import Hints, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)


class Tutorial:
    def __init__(
        self,
        subscribers: SubscriberStore,
        hints: Hints,
        *,
        clock: Clock,
        owing: Owing,
    ) -> None:
        self._subscribers = subscribers
        self._hints = hints
        self._clock = clock
        self._owing = owing

    async def close(self, subscriber: SubscriberId) -> None:
        """Close the tutorial for ever; to close it again changes nothing and tells nobody.

        The new status and the STATUS that tells it are one transaction.  Raises UnknownSubscriber.
        """
        while True:
            try:
                await self._close(subscriber)
            except StatusMoved:
                continue  # blocked, say, in this very moment: decide again
            return

    async def _close(self, subscriber: SubscriberId) -> None:
        found = await self._subscribers.by_id(subscriber)
        if found is None:
            raise UnknownSubscriber
        status = rules.set_up(found.status)
        if found.setup_done and status is found.status:
            return
        change = SubscriberChange(
            changed_at=self._clock.now(),
            decided_on=found.status,
            status=status,
            setup_done=True,
            trigger=Trigger.SET_UP,
        )
        await self._subscribers.change(found.msisdn, change, [self._owing.status(found)])
        self._hints.outbox()
        log.info("tutorial_closed", msisdn=found.msisdn, status=status.value)
