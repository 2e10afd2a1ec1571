# SPDX-License-Identifier: Apache-2.0
"""How many requests a second each token has: a bucket that fills steadily and is emptied by requests.

Counted in this process: several HTTP processes grant each their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from vvm.domain.errors import Refusal


class TooManyRequests(Refusal):
    code = "too_many_requests"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(f"more requests than this token may make; come again in {retry_after} s")
        self.retry_after = retry_after


class _Bucket:
    def __init__(self, level: float, at: float) -> None:
        self.level = level
        self.at = at


class Rates:
    """One bucket a name; names are those of tokens that exist, so there are few."""

    def __init__(self, *, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        """A token that was silent for ``seconds`` may make that many seconds' requests at once."""
        self._seconds = seconds
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str, rate: float) -> None:
        """Count one request.  Raises TooManyRequests."""
        now, most = self._now(), max(1.0, rate * self._seconds)
        bucket = self._buckets.setdefault(name, _Bucket(most, now))
        bucket.level = min(most, bucket.level + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.level < 1:
            raise TooManyRequests(retry_after=math.ceil((1 - bucket.level) / rate))
        bucket.level -= 1
