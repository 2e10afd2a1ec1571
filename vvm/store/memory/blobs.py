# SPDX-License-Identifier: Apache-2.0
"""The BlobLedger of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from vvm.domain.subscriber import MailboxId
from vvm.store.blobs.port import Blob, BlobSwept
from vvm.store.port import NewMessage


class Mailboxes(Protocol):
    """What a ledger looks at."""

    def blobs(self) -> set[str]:
        """The keys that messages have now."""
        ...

    def has(self, mailbox: MailboxId) -> bool: ...


class MemoryBlobLedger:
    def __init__(self) -> None:
        self._mailboxes: Mailboxes | None = None
        self._stored: set[str] = set()
        """The keys that messages have or had."""
        self._released: dict[str, datetime] = {}
        """Since when a key was seen to have no message any more."""
        self._condemned: dict[str, datetime] = {}
        self._deleted: set[str] = set()
        self._data_keys: dict[MailboxId, bytes] = {}

    def look_into(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes

    def take(self, message: NewMessage) -> None:
        """A row of this message is written now.  Raises BlobSwept."""
        keys = set(blob_keys(message))
        if not keys.isdisjoint(self._condemned):
            raise BlobSwept
        self._stored |= keys

    async def condemn(self, keys: Sequence[str], *, at: datetime) -> Sequence[str]:
        free = [key for key in keys if key not in self._in_use()]
        for key in free:
            self._condemned.setdefault(key, at)
            self._deleted.discard(key)
        return free

    async def loose(self, *, limit: int, before: datetime | None = None) -> Sequence[str]:
        for key in self._stored - self._in_use():
            self._released.setdefault(key, datetime.now(UTC))
        waiting = self._released | self._condemned
        return sorted(
            key
            for key, since in waiting.items()
            if key not in self._deleted and (before is None or since < before)
        )[:limit]

    async def deleted(self, keys: Sequence[str]) -> None:
        self._deleted.update(keys)

    async def forget(self, *, before: datetime, limit: int) -> int:
        old = [key for key, at in self._condemned.items() if at < before and key in self._deleted][:limit]
        for key in old:
            del self._condemned[key]
        return len(old)

    async def in_use(self) -> bool:
        return bool(self._in_use())

    async def data_key(self, mailbox: MailboxId, fresh: bytes) -> bytes | None:
        if self._mailboxes is None or not self._mailboxes.has(mailbox):
            self._data_keys.pop(mailbox, None)
            return None
        return self._data_keys.setdefault(mailbox, fresh)

    def _in_use(self) -> set[str]:
        return set() if self._mailboxes is None else self._mailboxes.blobs()


def blob_keys(message: NewMessage) -> list[str]:
    octets = [message.octets]
    if message.original is not None:
        octets.append(message.original.octets)
    return [each.key for each in octets if isinstance(each, Blob)]
