# SPDX-License-Identifier: Apache-2.0
"""Time comes from a clock that the wiring hands in, so that tests can hold it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


def version_after(previous: datetime, now: datetime) -> datetime:
    """The moment of a change that also names the version it makes: ``now``, or just after ``previous``.

    A clock that was set back, or that stands, must not name two versions alike.
    """
    return max(now, previous + _TICK)


_TICK = timedelta(microseconds=1)
"""The smallest step that every store keeps."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by
