# SPDX-License-Identifier: Apache-2.0
"""For clients that ask for one message after another, as Android does: the next ones are read along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from imap_server.backend import MessageRecord

_AT_ONCE = 32

Read = Callable[[Sequence[int]], Awaitable[Sequence[MessageRecord]]]
"""The records of UIDs (ascending), without those that are gone."""


class ReadAhead:
    """The records of a folder, one at a time; what was read along is handed out once.

    It may be as old as the session's last look at the changes: whoever looks must ``forget`` what moved.
    """

    def __init__(self) -> None:
        self._kept: dict[int, MessageRecord] = {}
        self._last = 0

    async def one(self, uid: int, read: Read) -> Sequence[MessageRecord]:
        """The record of ``uid``; nothing when that is gone."""
        last, self._last = self._last, uid
        if uid not in self._kept and 0 < last < uid <= last + _AT_ONCE:
            self._kept = {record.uid: record for record in await read(range(uid, uid + _AT_ONCE))}
        found = self._kept.pop(uid, None)
        return await read([uid]) if found is None else [found]

    def forget(self, uids: Iterable[int]) -> None:
        if self._kept:
            for uid in uids:
                self._kept.pop(uid, None)

    def clear(self) -> None:
        """Forget everything: the session has other things to do."""
        self._kept.clear()
