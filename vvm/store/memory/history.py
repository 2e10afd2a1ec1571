# SPDX-License-Identifier: Apache-2.0
"""The HistoryStore of the memory adapter."""

from __future__ import annotations

from datetime import datetime

from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.subscribers import MemorySubscribers


class MemoryHistory:
    def __init__(self, mailboxes: MemoryMailboxes, subscribers: MemorySubscribers) -> None:
        self._mailboxes = mailboxes
        self._subscribers = subscribers

    async def forget_changes(self, *, before: datetime, limit: int) -> int:
        count = 0
        for mailbox in self._mailboxes.all():
            for folder in mailbox.folders.values():
                count += folder.forget(before, limit - count)
        return count

    async def forget_deposit_keys(self, *, before: datetime, limit: int) -> int:
        old = [
            (mailbox, key)
            for mailbox in self._mailboxes.all()
            for key, at in mailbox.deposited_at.items()
            if at < before
        ][:limit]
        for mailbox, key in old:
            del mailbox.deposits[key], mailbox.deposited_at[key]
        return len(old)

    async def forget_audit(self, *, before: datetime, limit: int) -> int:
        return self._subscribers.forget_audit(before=before, limit=limit)
