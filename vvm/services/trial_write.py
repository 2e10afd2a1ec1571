# SPDX-License-Identifier: Apache-2.0
"""Whether the store still takes what it has to keep: on a full disk every read goes well."""

from __future__ import annotations

import secrets
from datetime import timedelta

from vvm.domain.clock import Clock
from vvm.store.metrics import CommitWatch
from vvm.store.repeats import Attempt, RepeatStore

_OCTETS = 256 * 1024
"""As much as a message of two minutes: a disk that is all but full has room for less."""
_KEY_OCTETS = 32
_LIFE = timedelta(minutes=1)
"""Of what an interrupted trial leaves, until it is forgotten like any request with a key."""


class TrialWrite:
    """Commits, fsynced, what looks like a request with a key, and takes it away again."""

    def __init__(self, repeats: RepeatStore, commits: CommitWatch, *, clock: Clock) -> None:
        self._repeats = repeats
        self._commits = commits
        self._clock = clock

    async def __call__(self) -> None:
        """Raises Outage."""
        now, key = self._clock.now(), secrets.token_bytes(_KEY_OCTETS)
        attempt = Attempt(
            key=key,
            request=secrets.token_bytes(_OCTETS),  # which no database can make smaller
            busy_until=now + _LIFE,
            expires_at=now + _LIFE,
        )
        await self._repeats.begin(attempt, now=now, again=False)
        await self._repeats.release(key)

    async def in_doubt(self) -> None:
        """Try when the last commit of this process failed, and not otherwise.  Raises Outage."""
        if self._commits.failing:
            await self()
