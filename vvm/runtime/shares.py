# SPDX-License-Identifier: Apache-2.0
"""What an SMSC grants is granted to all processes together: each sends its part of it.

They count one another in the store.  Never do they send more than the contract says:

- a part is good for some seconds, and who cannot renew it stops by itself;
- who comes and is not alone waits until the parts of all who did not know of it are over.

A process whose binds are down for long is not counted: the others have its part until it is back.
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
_LOST_SECONDS = 10.0
"""So long a process keeps its part without a bind, for one that comes back would have to wait."""
_NOTHING = 0.0


class Gateway(Protocol):
    """What sms_gateway.gateway.SmsGateway has of this."""

    @property
    def names(self) -> Sequence[str]: ...

    def connected(self, name: str) -> bool: ...

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
        self._connected_at = dict.fromkeys(gateway.names, self._passed())
        """When each SMSC was there the last time."""
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
        shares = await self._outbox.share(sender, self._wanted(asked), now=now, until=now + _HELD)
        answered = self._passed()
        for name, share in shares.items():
            # A name that the store knows may be of a process before us, whom nobody had counted.
            if share.new or name not in self._known_at:
                self._known_at[name] = answered + (_GOOD_SECONDS if share.senders > 1 else 0)
            known = answered >= self._known_at[name]
            self._gateway.share(name, 1 / share.senders if known else _NOTHING, asked + _GOOD_SECONDS)

    def _wanted(self, now: float) -> Sequence[str]:
        """The SMSCs that are there, or were a moment ago."""
        self._connected_at |= {name: now for name in self._gateway.names if self._gateway.connected(name)}
        return [name for name, at in self._connected_at.items() if now - at < _LOST_SECONDS]
