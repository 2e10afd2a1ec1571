# SPDX-License-Identifier: Apache-2.0
"""The port of what only ever grows: each part is forgotten after a time.

A part of ``vvm.store.port``, where its words are explained.  Ages are those of the store's own
clock.  A call removes at most ``limit`` rows, the oldest first, answers how many, and waits for no
fsync of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class HistoryStore(Protocol):
    async def forget_changes(self, *, before: datetime, limit: int) -> int:
        """Remove journal records.

        ``MailboxStore.changes`` since a MODSEQ that the journal of a folder no longer reaches stays
        true: it then names every UID as gone that was ever given and is not in the folder.
        """
        ...

    async def forget_deposit_keys(self, *, before: datetime, limit: int) -> int:
        """Remove keys of deposits.  A deposit with such a key makes a message again."""
        ...

    async def forget_audit(self, *, before: datetime, limit: int) -> int:
        """Remove transitions of subscribers."""
        ...
