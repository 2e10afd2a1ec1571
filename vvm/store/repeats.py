# SPDX-License-Identifier: Apache-2.0
"""The port of requests that carry a key, so that a repetition is answered and not carried out again.

A part of ``vvm.store.port``, where its words are explained.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class Attempt(msgspec.Struct, frozen=True):
    """A request that is about to be carried out."""

    key: bytes
    """Digest of its key and of who sent it."""
    request: bytes
    """Digest of everything that was asked."""
    busy_until: datetime
    """After this moment nobody works on it any more, whatever became of it."""
    expires_at: datetime


class Remembered(msgspec.Struct, frozen=True):
    """What is known of a key."""

    request: bytes
    answer: bytes | None
    """None: it is being carried out, or nobody knows its end."""
    busy_until: datetime


class RepeatStore(Protocol):
    async def begin(self, attempt: Attempt, *, now: datetime, again: bool) -> Remembered | None:
        """Claim a key.  None: it is this attempt's now, and on disk; else what is known of it.

        A key is free when it is unknown or expired, and, with ``again``, when the same request was
        begun under it, is not busy any more and has no answer.
        """
        ...

    async def finish(self, key: bytes, answer: bytes) -> None:
        """Keep the answer of a request that was begun."""
        ...

    async def release(self, key: bytes) -> None:
        """Forget a request that was begun and has no answer: it changed nothing."""
        ...

    async def forget(self, *, before: datetime, limit: int) -> int:
        """Forget up to ``limit`` keys that expired before a moment; how many they were."""
        ...
