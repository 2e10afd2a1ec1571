# SPDX-License-Identifier: Apache-2.0
"""What a backup asks of an engine: a copy as of one instant, a scratch place to prove it, its return."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from vvm.domain.errors import Refusal
from vvm.store.blobs.shelf import MakeShelf
from vvm.store.port import Store

Report = Callable[[int, int], None]
"""Hears how much is done, and of how much; 0: nobody knows."""


class BadBackup(Refusal):
    """The directory is not a backup that fits here, or this is no place for one; the text says why."""

    code = "bad_backup"


class Origin(msgspec.Struct, frozen=True):
    """What made a copy, and what must not be older to read it."""

    schema: int
    release: str
    """Of the engine."""
    namespace: str
    """Of the tables, where an engine has such: PostgreSQL's schema."""


class Instant(Protocol):
    """What a database holds at one instant, whatever is written meanwhile.  Methods raise Outage."""

    origin: Origin

    def blob_keys(self) -> AsyncIterator[Sequence[str]]:
        """Of the blobs that its messages have, in their order, some at a time."""
        ...

    def opened(self, shelf: MakeShelf) -> AbstractAsyncContextManager[Store]:
        """To read from."""
        ...


class Engine(Protocol):
    """Whatever reads or writes may raise Outage."""

    name: str
    file: str
    """What the copy is called."""

    def copied(self, copy: Path, report: Report) -> AbstractAsyncContextManager[Instant]:
        """Write the copy, durably, while nobody waits for it; within, look at what it holds.

        Raises BadBackup when there is nothing to copy, or no program that could.
        """
        ...

    def scratch(self, copy: Path, origin: Origin) -> AbstractAsyncContextManager[Instant]:
        """Restore a copy into a place that goes in the end.  Raises BadBackup when it cannot be read."""
        ...

    async def require_vacant(self) -> None:
        """Raises BadBackup when a store is there already."""
        ...

    async def restore(self, copy: Path, origin: Origin, at: datetime, report: Report) -> None:
        """Put a copy where the store belongs, all of it or nothing, and begin anew.  Raises BadBackup."""
        ...

    async def begin_anew(self, at: datetime) -> None:
        """Give every folder a UIDVALIDITY that it never had.

        A store of an earlier time gives UIDs again that clients have seen since (RFC 9051 2.3.1.1).
        """
        ...
