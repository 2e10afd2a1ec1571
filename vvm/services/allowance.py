# SPDX-License-Identifier: Apache-2.0
"""So often within a time, for each number: for what strangers may set off by HTTP.

Counted by this process alone.  It keeps costs down; what guards a secret is counted in the store.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn

_MOST_NUMBERS = 100_000


class TooManyRequests(Refusal):
    code = "too_many_requests"

    def __init__(self) -> None:
        super().__init__("asked too often: try again later")


class Allowance:
    def __init__(self, clock: Clock, *, most: int, within: timedelta) -> None:
        self._clock = clock
        self._most = most
        self._within = within
        self._taken: dict[Msisdn, tuple[datetime, int]] = {}
        """When the count of a number began, and how far it is; the oldest stands first."""

    def take(self, msisdn: Msisdn) -> None:
        """Raises TooManyRequests."""
        now = self._clock.now()
        since, count = self._taken.pop(msisdn, (now, 0))
        if now - since >= self._within:
            since, count = now, 0
        if count >= self._most:
            self._taken[msisdn] = since, count
            raise TooManyRequests
        while len(self._taken) >= _MOST_NUMBERS:
            del self._taken[next(iter(self._taken))]
        self._taken[msisdn] = since, count + 1
