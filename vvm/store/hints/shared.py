# SPDX-License-Identifier: Apache-2.0
"""Hints of this process, and over a bus those of the others.

What is said within a moment is said together.  A bus that is away costs hints and nothing else: who
depends on one also re-reads the store (invariant 6), and when the bus is back everybody is woken once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import structlog

from vvm.domain.errors import Outage
from vvm.domain.subscriber import MailboxId
from vvm.store.hints.local import LocalHints

log = structlog.get_logger(__name__)

_GATHER_SECONDS = 0.005
_AT_A_TIME = 300
"""Words of one message: 7,500 octets at most, and NOTIFY takes 8,000."""
_AGAIN_SECONDS = 1.0
_OUTBOX, _INBOUND = "outbox", "inbound"


class Bus(Protocol):
    """Carries short texts to every process that listens, this one perhaps included."""

    async def say(self, text: str) -> None:
        """Raises Outage."""
        ...

    async def listen(self, hear: Callable[[str], None], ready: Callable[[], None]) -> None:
        """Hear until cancelled; ``ready`` is called when it does.  Raises Outage when the bus is lost."""
        ...

    async def close(self) -> None:
        """Nothing is said any more."""
        ...


class SharedHints:
    """vvm.store.port.Hints; ``run`` has to run."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._local = LocalHints()
        self._unsaid: set[str] = set()
        self._news = asyncio.Event()

    def mailbox(self, mailbox: MailboxId) -> None:
        self._local.mailbox(mailbox)
        self._tell(str(mailbox))

    def outbox(self) -> None:
        self._local.outbox()
        self._tell(_OUTBOX)

    def inbound(self) -> None:
        self._local.inbound()
        self._tell(_INBOUND)

    def watch(self, mailbox: MailboxId, wake: Callable[[], None]) -> Callable[[], None]:
        return self._local.watch(mailbox, wake)

    async def outbox_moved(self, within: timedelta) -> None:
        await self._local.outbox_moved(within)

    async def inbound_moved(self, within: timedelta) -> None:
        await self._local.inbound_moved(within)

    async def run(self) -> None:
        """Carry hints in both directions, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._say())
            group.create_task(self._listen())

    async def close(self) -> None:
        """Say what is unsaid; what cannot be said is lost."""
        await self._say_all()
        await self._bus.close()

    def _tell(self, word: str) -> None:
        self._unsaid.add(word)
        self._news.set()

    async def _say(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            await self._say_all()

    async def _say_all(self) -> None:
        words = sorted(self._unsaid)
        self._unsaid.clear()
        self._news.clear()
        try:
            for start in range(0, len(words), _AT_A_TIME):
                await self._bus.say(" ".join(words[start : start + _AT_A_TIME]))
        except Outage as outage:
            log.warning("hints_lost", count=len(words), error=str(outage))

    async def _listen(self) -> None:
        while True:
            try:
                await self._bus.listen(self._hear, self._local.everybody)
            except Outage as outage:
                log.warning("hint_bus_away", error=str(outage))
            await asyncio.sleep(_AGAIN_SECONDS)

    def _hear(self, text: str) -> None:
        for word in text.split():
            if word == _OUTBOX:
                self._local.outbox()
            elif word == _INBOUND:
                self._local.inbound()
            elif word.isascii() and word.isdigit():
                self._local.mailbox(MailboxId(int(word)))
