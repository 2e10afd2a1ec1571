# SPDX-License-Identifier: Apache-2.0
"""The event feed as operators read it: resumable, bounded, forgotten after a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import BadCursor
from vvm.domain.event import Event, EventKind
from vvm.domain.numbers import Msisdn
from vvm.services.paging import PAGE, check_limit
from vvm.services.settings import WebhookSettings
from vvm.store.events import EventStore

log = structlog.get_logger(__name__)

_BATCH = 500
"""Rows a transaction: a deposit that waits behind one waits milliseconds."""


class Feed:
    """Reads go straight to the store; what is older than ``keep_days`` goes."""

    def __init__(self, events: EventStore, *, clock: Clock, settings: WebhookSettings) -> None:
        self._events = events
        self._clock = clock
        self._keep = timedelta(days=settings.keep_days)

    async def page(
        self,
        cursor: str,
        *,
        limit: int = PAGE,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        reached: bool = False,
    ) -> Sequence[Event]:
        """Up to ``limit`` events behind a cursor, of all kinds when none is named.

        Of those ``since`` then and before ``until``.  Raises InvalidLimit; BadCursor, also when no event
        has come as far: whoever waits behind it would miss what comes until then.  ``reached``: that was
        made sure of before, and is not asked again.
        """
        check_limit(limit)
        found = await self._events.page(
            cursor, limit=limit, kinds=kinds, msisdn=msisdn, since=since, until=until
        )
        if not found and not reached:
            await require_reached(self._events, cursor)
        return found

    async def newest(self) -> str:
        """Where who wants only what is still to come begins."""
        return await self._events.newest()

    async def forget(self) -> int:
        """Forget every event that is old enough; answers how many those were."""
        before = self._clock.now() - self._keep
        total = 0
        while gone := await self._events.forget_events(before=before, limit=_BATCH):
            total += gone
        if total:
            log.info("events_forgotten", events=total)
        return total


async def require_reached(events: EventStore, cursor: str) -> None:
    """Raises BadCursor for one that lies beyond the newest event."""
    if not await events.reaches(cursor):
        raise BadCursor("the cursor lies beyond the newest event: it is not of this store")
