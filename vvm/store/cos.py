# SPDX-License-Identifier: Apache-2.0
"""The port of classes of service.  A part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vvm.domain.cos import Cos, Limits
from vvm.domain.subscriber import CosName, MailboxId


class CosStore(Protocol):
    """A class is one row: what it says holds for all who refer to it from the commit on."""

    async def put(self, cos: Cos) -> bool:
        """Add a class, or replace what it says.  True: it is new."""
        ...

    async def by_name(self, name: CosName) -> Cos | None: ...

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        """Up to ``limit`` classes in the order of their names, after the one given."""
        ...

    async def remove(self, name: CosName) -> None:
        """Raises NoSuchCos; CosInUse while a subscriber refers to it."""
        ...

    async def of(self, mailbox: MailboxId) -> Limits | None:
        """What holds for the owner of a mailbox; None without a class, and without a mailbox."""
        ...
