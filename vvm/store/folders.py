# SPDX-License-Identifier: Apache-2.0
"""What the services ask of the folders of a mailbox: INBOX, Greetings, and those of the subscriber's own.

The two that every mailbox has stay where they are.  Names are text with ``/`` between levels; whether
a name is fit is for the services to say.  A method is one transaction, as in ``vvm.store.port``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId

DELIMITER = "/"


class FolderEntry(msgspec.Struct, frozen=True):
    name: str
    special_use: str | None = None
    r"""What it is for, as RFC 6154 writes it (``\Trash``)."""


class Annotation(msgspec.Struct, frozen=True):
    """What clients keep beside the messages (RFC 5464): names with ``/`` between levels, any octets."""

    name: str
    value: bytes


class Copied(msgspec.Struct, frozen=True):
    """``uids[n]`` is the copy of ``sources[n]``, both ascending."""

    uid_validity: int
    sources: tuple[int, ...] = ()
    uids: tuple[int, ...] = ()


class FolderStore(Protocol):
    """Folders of one mailbox, and what moves between them.

    INBOX and the subscriber's own folders share one quota: ``max_messages`` is the limit of all of
    them together.  A folder gets a UIDVALIDITY that no folder of the mailbox had, and keeps it under
    every name.  A folder that is gone takes its messages with it.
    """

    async def all(self, mailbox: MailboxId) -> Sequence[FolderEntry]:
        """INBOX, Greetings, then the others in the order in which they were made."""
        ...

    async def used(self, mailbox: MailboxId) -> int:
        """How many messages there are in INBOX and the subscriber's own folders together."""
        ...

    async def create(
        self, mailbox: MailboxId, name: str, *, special_use: str | None = None, at: datetime, most: int
    ) -> None:
        """Make a folder, and those above it that are missing.

        Raises FolderExists, TooManyFolders when there would be more than ``most`` of the subscriber's
        own, UnknownFolder when the mailbox is gone.
        """
        ...

    async def delete(self, mailbox: MailboxId, name: str) -> None:
        """Remove a folder with its messages.  Raises UnknownFolder, FolderHasChildren, FolderStays."""
        ...

    async def rename(self, mailbox: MailboxId, name: str, other: str, *, at: datetime, most: int) -> None:
        """Give a folder, and those below it, another name; what is missing above that is made.

        INBOX stays: its messages go into a new folder.  Raises UnknownFolder, FolderExists, FolderStays,
        TooManyFolders.
        """
        ...

    async def subscribe(self, mailbox: MailboxId, name: str, *, wanted: bool, most: int) -> None:
        """Keep a name among the subscribed ones, or forget it; a folder of that name need not exist.

        Raises TooManyFolders when there would be more than ``most``.
        """
        ...

    async def subscriptions(self, mailbox: MailboxId) -> Sequence[str]:
        """By name.  A new mailbox is subscribed to INBOX and Greetings."""
        ...

    async def annotations(self, mailbox: MailboxId, folder: str) -> Sequence[Annotation]:
        """Those of a folder, by name; ``folder`` is "" for those of the mailbox as a whole."""
        ...

    async def annotate(
        self, mailbox: MailboxId, folder: str, values: Mapping[str, bytes | None], *, most: int
    ) -> None:
        """Set annotations, or remove those whose value is None: all or none.

        Names compare without case (ASCII) and keep the spelling in which they came last.  They stay with
        a folder that is renamed and go with one that is deleted.  Raises UnknownFolder, and
        TooManyAnnotations when the mailbox with all its folders would have more than ``most``.
        """
        ...

    async def copy(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        """Put messages into a folder too, the one they are in included, with their flags and dates.

        Those that are gone are left out; GREETING_ON stays behind.  The content is shared and goes with
        its last message.  Owes ``owed`` when there were any.  None when there is no such folder; raises
        UnknownFolder without the one they come from, MailboxFull, TooManyKeywords.
        """
        ...

    async def move(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int], target: str, owed: Sequence[Owed] = ()
    ) -> Copied | None:
        """The same, and they are gone from where they were; both folders' journals say so."""
        ...


def levels(name: str) -> list[str]:
    """A folder's name and those of the folders above it, the highest first."""
    steps = name.split(DELIMITER)
    return [DELIMITER.join(steps[:count]) for count in range(1, len(steps) + 1)]
