# SPDX-License-Identifier: Apache-2.0
"""The views of one memory.

A method never awaits between its first and its last effect, so that on one event loop every method
is a transaction by itself, as the port promises.
"""

from __future__ import annotations

from datetime import datetime

from vvm.store.blobs.shelf import DatabaseShelf, MakeShelf
from vvm.store.memory.blobs import MemoryBlobLedger
from vvm.store.memory.cos import MemoryCos
from vvm.store.memory.devices import MemoryDevices
from vvm.store.memory.events import MemoryEvents
from vvm.store.memory.expiry import MemoryExpiry
from vvm.store.memory.folders import MemoryFolders
from vvm.store.memory.history import MemoryHistory
from vvm.store.memory.inbound import MemoryInbound
from vvm.store.memory.lists import MemoryLists
from vvm.store.memory.mailboxes import MemoryMailboxes
from vvm.store.memory.numbers import MemoryNumbers
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.memory.recovery import MemoryRecovery
from vvm.store.memory.repeats import MemoryRepeats
from vvm.store.memory.subscribers import MemorySubscribers
from vvm.store.memory.tokens import MemoryTokens
from vvm.store.memory.visits import MemoryVisits


class MemoryStore:
    """A vvm.store.port.Store for one event loop; nothing of it is durable."""

    def __init__(self, shelf: MakeShelf = DatabaseShelf) -> None:
        self.events = self.webhooks = MemoryEvents()
        self.outbox = MemoryOutbox(self.events)
        self.blobs = MemoryBlobLedger()
        self.mailboxes = MemoryMailboxes(self.outbox, self.events, self.blobs, shelf(self.blobs))
        self.blobs.look_into(self.mailboxes)
        self.folders = MemoryFolders(self.mailboxes, self.outbox)
        self.recovery = MemoryRecovery(self.mailboxes, self.outbox)
        self.subscribers = MemorySubscribers(self.mailboxes, self.outbox, self.events)
        self.numbers = MemoryNumbers(self.subscribers, self.outbox)
        self.expiry = MemoryExpiry(self.subscribers, self.mailboxes, self.outbox)
        self.inbound = MemoryInbound(self.subscribers, self.outbox)
        self.devices = MemoryDevices(self.subscribers, self.outbox)
        self.visits = MemoryVisits(self.subscribers)
        self.cos = MemoryCos(self.subscribers)
        self.tokens = MemoryTokens()
        self.history = MemoryHistory(self.mailboxes, self.subscribers)
        self.lists = MemoryLists(self.subscribers, self.mailboxes)
        self.repeats = MemoryRepeats()

    async def time(self) -> datetime | None:
        return None

    async def moved_to(self) -> str | None:
        """There is no other place for a memory."""
        return None

    async def close(self) -> None:
        """Nothing is held that would have to be given back."""
