# SPDX-License-Identifier: Apache-2.0
"""Put concatenated SMS together again (TS 23.040 section 9.2.3.24.1).

Whoever can send an SMS can send half of one, so what waits is bounded in number and in time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sms_gateway.text.udh import Concatenation


class Key(msgspec.Struct, frozen=True):
    """Segments that agree in all of this belong together."""

    originator: bytes
    destination: bytes
    reference: int
    total: int


class _Partial:
    def __init__(self, expires: datetime) -> None:
        self.expires = expires
        self.pieces: dict[int, bytes] = {}


class Reassembly:
    """Keeps segments until their SMS is whole, at most ``limit`` SMS at a time, each for ``keep``.

    A whole SMS stays until ``forget``: if it cannot be handed over, the SMSC delivers its last
    segment again, and the others must still be there.
    """

    def __init__(self, *, limit: int, keep: timedelta) -> None:
        self._limit = limit
        self._keep = keep
        # Oldest first.
        self._partials: dict[Key, _Partial] = {}

    def __len__(self) -> int:
        return len(self._partials)

    def add(self, key: Key, part: Concatenation, piece: bytes, now: datetime) -> bytes | None:
        """Keep a segment; returns the octets of all of them in order once none is missing.

        A segment that comes again replaces itself.  When there are too many unfinished SMS the
        oldest goes.
        """
        self._expire(now)
        partial = self._partials.get(key)
        if partial is None:
            if len(self._partials) >= self._limit:
                del self._partials[next(iter(self._partials))]
            partial = self._partials[key] = _Partial(now + self._keep)
        partial.pieces[part.number] = piece
        if len(partial.pieces) < part.total:
            return None
        return b"".join(partial.pieces[number] for number in range(1, part.total + 1))

    def forget(self, key: Key) -> None:
        """The SMS is in safe hands."""
        self._partials.pop(key, None)

    def _expire(self, now: datetime) -> None:
        while self._partials:
            key, oldest = next(iter(self._partials.items()))
            if oldest.expires > now:
                return
            del self._partials[key]
