# SPDX-License-Identifier: Apache-2.0
"""What the services ask of messages that were deleted and can still be restored.

Whoever removes a message (``delete``, ``MailboxStore.expunge``, ``FolderStore.delete``) keeps it here, in the
same transaction, for as many days as the subscriber's class of service says at that moment; while a legal
hold lies on the subscriber, whatever the class says, and greetings too.  Its content and blobs stay
until then.  A method is one transaction, as in ``vvm.store.port``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.message import Flags, Kind
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId


class DeletedMessage(msgspec.Struct, frozen=True):
    id: int
    """Names it in its mailbox; the UID that it had is spent."""
    folder: str
    """Where it was."""
    uid: int
    flags: Flags
    kind: Kind
    caller: str | None
    received_at: datetime
    seconds: int
    size: int
    deleted_at: datetime
    purge_at: datetime
    """When it is lost for ever, unless a hold lies on its subscriber."""


class RecoveryStore(Protocol):
    async def deleted(self, mailbox: MailboxId, *, after: int, limit: int) -> Sequence[DeletedMessage]:
        """Up to ``limit`` in the order in which they were deleted, behind the id ``after``."""
        ...

    async def delete(
        self,
        mailbox: MailboxId,
        folder: str,
        uid: int,
        *,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> None:
        """Remove one message, flagged DELETED or not, and owe ``owed``.

        Raises UnknownMessage; PreconditionFailed when its MODSEQ is above ``unchanged_since``.
        """
        ...

    async def restore(
        self, mailbox: MailboxId, deleted: int, owed: Sequence[Owed] = (), *, key: str | None = None
    ) -> int:
        """Put a message back, under a new UID, which is the answer, and no more flagged DELETED.

        It comes into INBOX, and a greeting into Greetings, where it is off.  Owes ``owed``.  ``key`` is of
        the same kind as that of ``NewMessage``, and new.  Raises UnknownMessage, MailboxFull,
        TooManyKeywords.
        """
        ...

    async def restored(self, mailbox: MailboxId, key: str) -> int | None:
        """The UID under which ``restore`` put a message back with this key; None: it did not, or long ago."""
        ...

    async def purge(self, *, now: datetime, limit: int) -> int:
        """Lose for ever about ``limit`` of those that are due, the oldest first; how many they were.

        None of a subscriber with a hold.
        """
        ...
