# SPDX-License-Identifier: Apache-2.0
"""The port of what clients did.  A part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vvm.domain.subscriber import SubscriberId
from vvm.domain.visit import Visit


class VisitStore(Protocol):
    async def add(self, visits: Sequence[Visit], *, keep: int) -> None:
        """Write visits down; of each subscriber among them the newest ``keep`` stay.

        Those of a subscriber who is gone are passed over.  Waits for no fsync of its own.
        """
        ...

    async def history(self, subscriber: SubscriberId, *, limit: int) -> Sequence[Visit]:
        """The newest of a subscriber, in the order in which they were added."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Remove visits that ended before then; answers how many."""
        ...
