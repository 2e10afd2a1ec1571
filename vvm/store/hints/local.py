# SPDX-License-Identifier: Apache-2.0
"""Hints between the parts of one process, on one event loop.

A hint costs a dict look-up and carries nothing: who is woken reads the journal again (invariant 6
of design.md), so a hint that is merged with another or repeated does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from vvm.domain.subscriber import MailboxId


class LocalHints:
    def __init__(self) -> None:
        self._watchers: dict[MailboxId, dict[object, Callable[[], None]]] = {}
        self._outbox = _Bell()
        self._inbound = _Bell()

    def mailbox(self, mailbox: MailboxId) -> None:
        # A copy, because who is woken may stop watching.
        for wake in tuple(self._watchers.get(mailbox, {}).values()):
            wake()

    def everybody(self) -> None:
        """Wake all who wait for anything: hints may have been lost."""
        for mailbox in tuple(self._watchers):
            self.mailbox(mailbox)
        self.outbox()
        self.inbound()

    def outbox(self) -> None:
        self._outbox.ring()

    def inbound(self) -> None:
        self._inbound.ring()

    def watch(self, mailbox: MailboxId, wake: Callable[[], None]) -> Callable[[], None]:
        watcher = object()
        self._watchers.setdefault(mailbox, {})[watcher] = wake

        def stop() -> None:
            watchers = self._watchers.get(mailbox, {})
            watchers.pop(watcher, None)
            if not watchers:
                self._watchers.pop(mailbox, None)

        return stop

    async def outbox_moved(self, within: timedelta) -> None:
        await self._outbox.heard(within)

    async def inbound_moved(self, within: timedelta) -> None:
        await self._inbound.heard(within)


class _Bell:
    """Wakes everybody who waits; rung while nobody does, it wakes the next who comes.

    The second half closes the gap between "nothing is due" and the wait that follows it.
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def heard(self, within: timedelta) -> None:
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
