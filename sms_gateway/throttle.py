# SPDX-License-Identifier: Apache-2.0
"""Send no faster than contracted, and slower for a while when the SMSC says so.  Pure arithmetic.

A token bucket gives the rate.  ESME_RTHROTTLED halves it and makes a pause; from then on it grows
back by a twentieth of the contracted rate a second (additive increase, multiplicative decrease).
"""

from __future__ import annotations

_RECOVERY = 1 / 20
"""Part of the contracted rate that returns each second."""

_BURST_SECONDS = 0.1
"""How much unused rate may be used later, so that a busy loop still makes its rate."""


class Throttle:
    """Times are seconds of one clock that never runs backwards and started at 0 or later."""

    def __init__(self, *, rate: float, slowest: float, pause: float) -> None:
        self._granted = rate
        self._contracted = rate
        """Our part of what is granted."""
        self._slowest = slowest
        self._pause = pause
        self._rate = rate
        self._next = 0.0
        self._updated = 0.0
        self._paused_until = 0.0

    def reserve(self, now: float) -> float:
        """Take the next free place; returns the seconds to wait for it."""
        self._recover(now)
        place = max(self._next, now - _BURST_SECONDS)
        self._next = place + 1 / self._rate
        return max(0.0, place - now)

    def take(self, now: float) -> bool:
        """Take the next free place if it is there already; False: it was not taken."""
        if self._next > now:
            return False
        self.reserve(now)
        return True

    def share(self, part: float, now: float) -> None:
        """So much of the contracted rate is ours from now on, above 0 and at most 1."""
        self._recover(now)
        contracted = self._granted * part
        self._rate *= contracted / self._contracted
        self._contracted = contracted

    def slow_down(self, now: float) -> float:
        """The SMSC complains; returns the seconds before it should be asked again.

        Answers to what was in flight together count as one complaint.
        """
        self._recover(now)
        if now >= self._paused_until:
            self._rate = max(min(self._slowest, self._rate), self._rate / 2)
            self._paused_until = now + self._pause
            self._next = max(self._next, self._paused_until)
        return self._paused_until - now

    def rate(self, now: float) -> float:
        """Submits a second that are allowed at this moment."""
        self._recover(now)
        return self._rate

    def _recover(self, now: float) -> None:
        if self._rate < self._contracted:
            gained = (now - self._updated) * self._contracted * _RECOVERY
            self._rate = min(self._contracted, self._rate + gained)
        self._updated = now
