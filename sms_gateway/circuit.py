# SPDX-License-Identifier: Apache-2.0
"""Leave an SMSC alone that takes nothing.  Pure: the times are handed in.

After so many failures in a row the circuit opens; when its time is over one SMS is tried, and what
becomes of it closes the circuit, or opens it for twice as long.  Meanwhile other routes are used,
and what is owed waits in the outbox without spending its attempts.
"""

from __future__ import annotations

from sms_gateway.backoff import doubling
from sms_gateway.pool import Health


class Circuit:
    """Times are seconds of one clock that never runs backwards."""

    def __init__(self, *, failures: int, first: float, last: float) -> None:
        self._most = failures
        self._first = first
        self._last = last
        self._in_a_row = 0
        self._opened = 0
        self._open_until = 0.0

    @property
    def closed(self) -> bool:
        """Whether anything may be sent."""
        return self._opened == 0

    def health(self, now: float) -> Health:
        """UP while closed; ON_TRIAL when one SMS may be sent to find out."""
        if self.closed:
            return Health.UP
        return Health.ON_TRIAL if now >= self._open_until else Health.DOWN

    def succeeded(self) -> None:
        """The SMSC took an SMS, or refused one with a reason: it works."""
        self._in_a_row = 0
        self._opened = 0
        self._open_until = 0.0

    def failed(self, now: float) -> float | None:
        """The SMSC could not take an SMS.  Returns for how long that opens the circuit, if it does.

        What was in flight when it opened adds nothing.
        """
        self._in_a_row += 1
        if self._in_a_row < self._most or self.health(now) is Health.DOWN:
            return None
        wait = doubling(self._first, self._last, self._opened)
        self._opened += 1
        self._open_until = now + wait
        return wait
