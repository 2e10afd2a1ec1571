# SPDX-License-Identifier: Apache-2.0
"""When the client that a SYNC was for comes and fetches: the last leg of a message's way.

The store knows which SYNC has no answer yet, so that an answer counts also after a restart.  Here is
only gathered who fetched, for a fetch waits for nobody; what was not written yet when the process is
killed, the next fetch of that client says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vvm.domain.clock import Clock
from vvm.domain.numbers import Msisdn
from vvm.store.port import OutboxStore, Told

_MOST_WAITING = 20_000
"""Clients whose fetch is not written yet; of more the figures go without."""
_BATCH = 500


class FetchMetrics(Protocol):
    """Facts worth counting."""

    def fetched(self, told: Told, at: datetime) -> None:
        """The client that was told fetched a message, for the first time since."""
        ...


class NoFetchMetrics:
    """Counts nothing."""

    def fetched(self, told: Told, at: datetime) -> None:
        pass


class FirstFetches:
    def __init__(self, outbox: OutboxStore, clock: Clock, metrics: FetchMetrics) -> None:
        self._outbox = outbox
        self._clock = clock
        self._metrics = metrics
        self._waiting: dict[Msisdn, datetime] = {}

    def note(self, handset: Msisdn) -> None:
        """The client that hears of a mailbox at this number fetched a message.  Costs microseconds."""
        if handset not in self._waiting and len(self._waiting) < _MOST_WAITING:
            self._waiting[handset] = self._clock.now()

    async def flush(self) -> None:
        """Write what waits.  Raises Outage; then the next fetch of each client counts."""
        waiting, self._waiting = list(self._waiting.items()), {}
        for start in range(0, len(waiting), _BATCH):
            for told, at in await self._outbox.fetched(dict(waiting[start : start + _BATCH])):
                self._metrics.fetched(told, at)
