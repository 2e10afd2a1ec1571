# SPDX-License-Identifier: Apache-2.0
"""What happens to a subscriber between its creation and its end, beside what its client does."""

from __future__ import annotations

import structlog

from vvm.domain.clock import Clock
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Subscriber
from vvm.store.port import Hints, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)


class Lifecycle:
    """Every step is in the audit, with the reason that an operator gave."""

    def __init__(self, subscribers: SubscriberStore, hints: Hints, *, clock: Clock) -> None:
        self._subscribers = subscribers
        self._hints = hints
        self._clock = clock

    async def hold(self, msisdn: Msisdn, *, reason: str) -> Subscriber:
        """From now on nothing of the mailbox is lost, whoever deletes it; may be repeated.

        The subscriber notices nothing.  Raises UnknownSubscriber.
        """
        return await self._hold(msisdn, held=True, trigger=Trigger.HELD, reason=reason)

    async def release(self, msisdn: Msisdn, *, reason: str) -> Subscriber:
        """Lift the hold; what was only kept by it goes with the next purge.  Raises UnknownSubscriber."""
        return await self._hold(msisdn, held=False, trigger=Trigger.RELEASED, reason=reason)

    async def _hold(self, msisdn: Msisdn, *, held: bool, trigger: Trigger, reason: str) -> Subscriber:
        change = SubscriberChange(changed_at=self._clock.now(), held=held, trigger=trigger, reason=reason)
        after = await self._subscribers.change(msisdn, change)
        log.info("subscriber_held" if held else "subscriber_released", msisdn=after.msisdn)
        return after
