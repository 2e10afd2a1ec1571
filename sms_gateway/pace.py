# SPDX-License-Identifier: Apache-2.0
"""Wait for one's turn to send: the throttle with a clock, and a way to stop waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sms_gateway.errors import NotSent
from sms_gateway.throttle import Throttle


class Pace:
    """For all that one route sends."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._stopped = asyncio.Event()

    async def turn(self, now: float) -> None:
        """Wait for the rate.  Raises NotSent if there will be no turn, because sending stops."""
        seconds = self._throttle.reserve(now)
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopped.wait()
        if self._stopped.is_set():
            raise NotSent

    def slow_down(self) -> float:
        """The peer complains; returns the seconds before it should be asked again."""
        return self._throttle.slow_down(asyncio.get_running_loop().time())

    def affordable(self, now: float, seconds: float) -> int:
        """How much may be sent in so many seconds at the present rate."""
        return int(self._throttle.rate(now) * seconds)

    def stop(self) -> None:
        """Nobody gets a turn from now on."""
        self._stopped.set()
