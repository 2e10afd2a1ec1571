# SPDX-License-Identifier: Apache-2.0
"""Put concatenated SMS together again (TS 23.040 section 9.2.3.24.1), in memory.

Serves inboxes that have no disk.  Whoever can send an SMS can send half of one, so what waits is
bounded in number and in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sms_gateway.port import InboundSegment


class _Partial:
    def __init__(self, expires_at: datetime) -> None:
        self.expires_at = expires_at
        self.pieces: dict[int, bytes] = {}


class Reassembly:
    """Keeps pieces until ``forget``, or until the SMS that they belong to expires."""

    def __init__(self) -> None:
        # Oldest first.
        self._partials: dict[str, _Partial] = {}

    def __len__(self) -> int:
        return len(self._partials)

    def add(self, segment: InboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        """Keep a piece; returns all of them in order once none is missing, else nothing.

        A piece that comes again replaces itself.  Of more than ``each`` SMS of its handset, or of more
        than ``limit`` of all, the oldest goes.
        """
        self._expire(segment.received_at)
        partial = self._partials.get(segment.key)
        if partial is None:
            for begin, most in ((segment.handset, each), ("", limit)):
                kept = [key for key in self._partials if key.startswith(begin)]
                if len(kept) >= most:
                    del self._partials[kept[0]]
            partial = self._partials[segment.key] = _Partial(segment.expires_at)
        partial.pieces[segment.number] = segment.octets
        if len(partial.pieces) < segment.total:
            return ()
        return [partial.pieces[number] for number in sorted(partial.pieces)]

    def forget(self, key: str) -> None:
        """The SMS is in safe hands."""
        self._partials.pop(key, None)

    def _expire(self, now: datetime) -> None:
        for key, partial in list(self._partials.items()):
            if partial.expires_at <= now:
                del self._partials[key]
