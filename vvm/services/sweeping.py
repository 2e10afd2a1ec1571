# SPDX-License-Identifier: Apache-2.0
"""Blobs that no message has are deleted: those of messages that are gone, and those that a crash left.

Safe at any time and on several nodes at once, beside deposits: a key is deleted only after the
database has said that no message has it and has promised that none will (BlobLedger.condemn).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.store.blobs.port import BlobLedger, BlobStore
from vvm.store.metrics import BlobMetrics, NoBlobMetrics

log = structlog.get_logger(__name__)

_BATCH = 500
_REMEMBER = timedelta(days=30)
"""How long the database knows a condemned key: much longer than any deposit can be on its way."""


class Swept(msgspec.Struct, frozen=True):
    deleted: int
    left_behind: int
    """Of them, those that never had a message."""


class Sweeper:
    def __init__(
        self,
        blobs: BlobStore,
        ledger: BlobLedger,
        *,
        clock: Clock,
        age: timedelta,
        keep: timedelta = timedelta(0),
        metrics: BlobMetrics | None = None,
    ) -> None:
        """``age``: how old a blob without a message must be to count as left behind.

        ``keep``: how long one is not deleted that has lost its message, or was found to have none.
        """
        self._blobs = blobs
        self._ledger = ledger
        self._clock = clock
        self._age = age
        self._keep = keep
        self._metrics = metrics or NoBlobMetrics()

    async def __call__(self, progress: Callable[[int], None] = lambda _: None) -> int:
        """Delete what is known to be loose; answers how many blobs.  Raises Outage.

        ``progress`` hears how many more are deleted.
        """
        total = 0
        before = self._clock.now() - self._keep if self._keep else None
        while keys := await self._ledger.loose(limit=_BATCH, before=before):
            await self._blobs.delete(keys)
            await self._ledger.deleted(keys)
            self._metrics.swept(len(keys))
            total += len(keys)
            progress(len(keys))
        if total:
            log.info("blobs_deleted", count=total)
        return total

    async def look(self, progress: Callable[[int], None] = lambda _: None) -> Swept:
        """List all blobs for those that a crash left behind, and delete them too.  Raises Outage."""
        now = self._clock.now()
        left_behind = 0
        async for keys in self._blobs.older(now - self._age):
            for first in range(0, len(keys), _BATCH):
                left_behind += len(await self._ledger.condemn(keys[first : first + _BATCH], at=now))
        while await self._ledger.forget(before=now - _REMEMBER, limit=_BATCH) == _BATCH:
            pass
        return Swept(deleted=await self(progress), left_behind=left_behind)
