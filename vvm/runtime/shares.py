# SPDX-License-Identifier: Apache-2.0
"""What an SMSC grants is granted to all processes together: each sends its part of it.

They count one another in the store.  Never do they send more than the contract says:

- a part is good for some seconds, and who cannot renew it stops by itself;
- who comes and is not alone waits until the parts of all who did not know of it are over.

A process whose binds are down counts as well: for so long the rest is not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Outage
from vvm.store.port import OutboxStore

log = structlog.get_logger(__name__)

_RENEW_SECONDS = 1.0
_HELD = timedelta(seconds=4)
"""In the store."""
_GOOD_SECONDS = 3.0
"""Here, from before the store was asked: clocks need not agree to the millisecond."""
_NOTHING = 0.0


class Gateway(Protocol):
    """What sms_gateway.gateway.SmsGateway has of this."""

    @property
    def names(self) -> Sequence[str]: ...

    def share(self, name: str, part: float, until: float) -> None: ...


class Shares:
    """Of one gateway, under the name by which it leases."""

    def __init__(
        self, outbox: OutboxStore, gateway: Gateway, clock: Clock, passed: Callable[[], float] | None = None
    ) -> None:
        """``passed`` counts seconds as the gateway does: its event loop's time."""
        self._outbox = outbox
        self._gateway = gateway
        self._clock = clock
        self._passed = passed or asyncio.get_running_loop().time
        self._known_at: dict[str, float] = {}
        """When everybody knows of us, by SMSC."""
        for name in gateway.names:
            gateway.share(name, _NOTHING, 0.0)

    async def run(self, sender: str) -> None:
        """Until cancelled; the others have our part when it is over."""
        while True:
            try:
                await self.renew(sender)
            except Outage as outage:
                log.warning("shares_not_renewed", error=str(outage))
            await asyncio.sleep(_RENEW_SECONDS)

    async def renew(self, sender: str) -> None:
        """Raises Outage."""
        asked = self._passed()
        now = self._clock.now()
        shares = await self._outbox.share(sender, self._gateway.names, now=now, until=now + _HELD)
        answered = self._passed()
        for name, share in shares.items():
            # A name that the store knows may be of a process before us, whom nobody had counted.
            if share.new or name not in self._known_at:
                self._known_at[name] = answered + (_GOOD_SECONDS if share.senders > 1 else 0)
            known = answered >= self._known_at[name]
            self._gateway.share(name, 1 / share.senders if known else _NOTHING, asked + _GOOD_SECONDS)
