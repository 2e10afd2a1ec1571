# SPDX-License-Identifier: Apache-2.0
"""The port of classes of service.  A part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.clock import version_after
from vvm.domain.cos import Cos, Limits, NoSuchCos
from vvm.domain.errors import PreconditionFailed
from vvm.domain.subscriber import CosName, MailboxId


class CosStore(Protocol):
    """A class is one row: what it says holds for all who refer to it from the commit on."""

    async def put(
        self, cos: Cos, *, exists: bool | None = None, decided_at: datetime | None = None
    ) -> tuple[Cos, bool]:
        """Add a class, or replace what it says; True: it is new.

        Its ``changed_at`` is later where the last change was not before that: it names a version.  Raises
        PreconditionFailed where it is not as ``exists`` says, or the last change was not at ``decided_at``.
        """
        ...

    async def by_name(self, name: CosName) -> Cos | None: ...

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        """Up to ``limit`` classes in the order of their names, after the one given."""
        ...

    async def remove(self, name: CosName, *, decided_at: datetime | None = None) -> None:
        """Raises NoSuchCos; CosInUse while a subscriber refers to it; PreconditionFailed as ``put``."""
        ...

    async def of(self, mailbox: MailboxId) -> Limits | None:
        """What holds for the owner of a mailbox; None without a class, and without a mailbox."""
        ...


def replaced(
    before: Cos | None, cos: Cos, *, exists: bool | None = None, decided_at: datetime | None = None
) -> Cos:
    """What ``CosStore.put`` leaves of what is there: every adapter decides alike, in its transaction."""
    if exists is False and before is not None:
        raise PreconditionFailed("it is there already")
    if before is None:
        if exists or decided_at is not None:
            raise PreconditionFailed("it is not there")
        return cos
    if decided_at not in {None, before.changed_at}:
        raise PreconditionFailed
    return msgspec.structs.replace(cos, changed_at=version_after(before.changed_at, cos.changed_at))


def removable(before: Cos | None, *, decided_at: datetime | None) -> None:
    """Raises NoSuchCos, PreconditionFailed."""
    if before is None:
        raise NoSuchCos
    if decided_at not in {None, before.changed_at}:
        raise PreconditionFailed
