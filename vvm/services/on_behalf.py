# SPDX-License-Identifier: Apache-2.0
"""An operator activates or deactivates in place of the client, whose SMS does not come, say."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from vvm.domain import provisioning as rules
from vvm.domain.clock import Clock
from vvm.domain.errors import StatusMoved
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.services.owing import Owing
from vvm.services.own_number import by_own_number
from vvm.store.port import Hints, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)


class OnBehalf:
    """The same transitions as those of the client's SMS, which the audit tells apart by its trigger."""

    def __init__(self, subscribers: SubscriberStore, hints: Hints, *, clock: Clock, owing: Owing) -> None:
        self._subscribers = subscribers
        self._hints = hints
        self._clock = clock
        self._owing = owing

    async def activate(self, msisdn: Msisdn) -> Subscriber:
        """Owe STATUS, with which the client logs in.  Repeated, it is told again.

        Raises UnknownSubscriber, IsAlias, InvalidTransition from U and B.
        """
        return await self._move(
            msisdn, lambda before: rules.activated(before.status, setup_done=before.setup_done)
        )

    async def deactivate(self, msisdn: Msisdn) -> Subscriber:
        """Owe STATUS, which tells the client so.  Raises what ``activate`` raises."""
        return await self._move(msisdn, lambda before: rules.deactivated(before.status))

    async def _move(self, msisdn: Msisdn, target: Callable[[Subscriber], ProvisioningStatus]) -> Subscriber:
        while True:
            before = await by_own_number(self._subscribers, msisdn)
            change = SubscriberChange(
                changed_at=self._clock.now(),
                decided_on=before.status,
                status=target(before),
                trigger=Trigger.OPERATOR,
            )
            try:
                after = await self._subscribers.change(msisdn, change, [self._owing.status(before)])
            except StatusMoved:
                continue  # the client's own SMS came in this very moment: decide again
            self._hints.outbox()
            self._hints.mailbox(after.mailbox)
            log.info("moved_on_behalf", msisdn=msisdn, before=before.status.value, after=after.status.value)
            return after
