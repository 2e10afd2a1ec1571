# SPDX-License-Identifier: Apache-2.0
"""Wait for one's turn to send: the throttle with a clock, and a way to stop waiting."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

from sms_gateway.errors import NotSent
from sms_gateway.throttle import Throttle


class Pace:
    """For all that one route sends, in the order in which it asks."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._queue = asyncio.Lock()
        self._waiting = 0
        self._stopped = asyncio.Event()
        self._ours_until = math.inf

    def share(self, part: float, until: float) -> None:
        """So much of the contracted rate is ours, until then."""
        self._ours_until = until if part > 0 else -math.inf
        if part > 0:
            self._throttle.share(part, asyncio.get_running_loop().time())

    def open(self, now: float) -> bool:
        """Some of the rate is ours."""
        return now < self._ours_until

    async def turn(self) -> None:
        """Wait for the rate.

        Raises NotSent if there will be no turn, because sending stops or nothing of the rate is ours.
        """
        now = asyncio.get_running_loop().time()
        # Nearly every turn is free at once, and then costs no lock.
        if self._waiting or not self._throttle.take(now):
            now = await self._place()
        if self._stopped.is_set() or not self.open(now):
            raise NotSent

    async def _place(self) -> float:
        """Wait for a place, after all who wait already; returns the time then."""
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            async with self._queue:  # a place is taken at the rate of that moment
                seconds = self._throttle.reserve(loop.time())
                if seconds > 0:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await self._stopped.wait()
        finally:
            self._waiting -= 1
        return loop.time()

    def slow_down(self) -> float:
        """The peer complains; returns the seconds before it should be asked again."""
        return self._throttle.slow_down(asyncio.get_running_loop().time())

    def affordable(self, now: float, seconds: float) -> int:
        """How much may be sent in so many seconds at the present rate."""
        return int(self._throttle.rate(now) * seconds)

    def stop(self) -> None:
        """Nobody gets a turn from now on."""
        self._stopped.set()
