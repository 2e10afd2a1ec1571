# SPDX-License-Identifier: Apache-2.0
"""Blobs in a dict, for tests: says in the fewest words what a BlobStore is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from vvm.domain.clock import Clock, SystemClock
from vvm.domain.errors import Outage
from vvm.store.blobs.key import is_intact
from vvm.store.blobs.port import BlobDamaged


class MemoryBlobs:
    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.blobs: dict[str, tuple[datetime, bytes]] = {}
        self.away = False
        """Every call raises Outage."""

    async def put(self, key: str, octets: bytes) -> None:
        self._answer()
        self.blobs[key] = (self._clock.now(), octets)

    async def get(self, key: str) -> bytes | None:
        self._answer()
        if key not in self.blobs:
            return None
        _, octets = self.blobs[key]
        if not is_intact(key, octets):
            raise BlobDamaged(f"blob {key}")
        return octets

    async def delete(self, keys: Sequence[str]) -> None:
        self._answer()
        for key in keys:
            self.blobs.pop(key, None)

    async def older(self, than: datetime) -> AsyncIterator[Sequence[str]]:
        self._answer()
        yield [key for key, (put_at, _) in self.blobs.items() if put_at < than]

    def _answer(self) -> None:
        if self.away:
            raise Outage("the blobs are away")

    async def close(self) -> None:
        """Nothing is held that would have to be given back."""
