# SPDX-License-Identifier: Apache-2.0
"""How long to wait before the next attempt.  Pure but for the dice."""

from __future__ import annotations

import random

_DOUBLINGS = 32
"""More would only overflow: every ceiling is reached long before."""


def doubling(first: float, last: float, failures: int) -> float:
    """Seconds: ``first`` after no failure, twice that after one, at most ``last``."""
    return min(last, first * 2.0 ** min(failures, _DOUBLINGS))


def jittered(seconds: float) -> float:
    """Anything from half to all of it, so that many clients do not come back in step."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
