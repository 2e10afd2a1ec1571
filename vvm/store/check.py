# SPDX-License-Identifier: Apache-2.0
"""Whether a store is consistent: what may be wrong with it, in words that an operator can act on.

Each engine has a statement for a damage under its name in ``queries/check.sql``, and one that
begins with ``repair_`` where repairing it is safe: it derives what can be derived, or removes what
nothing can reach.  Everything else is named, and left to who knows what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec


class Damage(msgspec.Struct, frozen=True):
    name: str
    meaning: str
    """What is wrong, and what of it anybody notices."""
    advice: str
    """What to do; of one that is repaired, what the repair does."""


class Found(msgspec.Struct, frozen=True):
    """A damage that is there."""

    count: int
    places: Sequence[str]
    """The first of them, in words."""


class Inspector(Protocol):
    """One engine's hands for it.  Every method may raise Outage."""

    def knows(self, damage: str) -> bool:
        """It can occur in this engine."""
        ...

    def repairs(self, damage: str) -> bool: ...

    async def find(self, damage: str, *, most: int) -> Found | None:
        """Every call between two repairs sees the store at the same instant; None: it is sound."""
        ...

    async def repair(self, damage: str) -> None:
        """One transaction, while nobody else writes."""
        ...

    async def blobs(self, *, after: str, limit: int) -> Sequence[str]:
        """Keys of the blobs that messages lie in, in their order."""
        ...


class OpenInspector(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[Inspector]: ...


_RESTORE = "restore the message from a backup into another place, or expunge it"

DAMAGES = (
    Damage(
        "file_damaged",
        "the file itself is broken",
        "stop the server, keep the file, restore the last backup that `vvm backup verify` accepts",
    ),
    Damage(
        "dangling_reference",
        "a row names another one that is not there",
        "find out who changed the database by other means than this program",
    ),
    Damage(
        "subscriber_without_mailbox",
        "a subscriber has no mailbox: its deposits and logins fail",
        "remove the subscriber and create it again, or restore a backup",
    ),
    Damage(
        "mailbox_without_subscriber",
        "a mailbox belongs to nobody: nobody can read what is in it",
        "look whose it was (its messages name callers) before it is deleted by hand",
    ),
    Damage(
        "mailbox_without_folder",
        "a mailbox lacks INBOX or Greetings: clients cannot select it",
        "restore it from a backup: its UIDVALIDITY and UIDs are not to be guessed",
    ),
    Damage(
        "message_without_folder",
        "a message lies in a folder that does not exist: no client sees it",
        "restore the folder from a backup, or delete the row by hand",
    ),
    Damage("message_without_content", "a message has no content: FETCH fails", _RESTORE),
    Damage(
        "message_of_other_size",
        "the octets of a message are not as many as it says: its offsets are wrong",
        _RESTORE,
    ),
    Damage("blob_missing", "the blob of a message is not in the blob store: FETCH fails", _RESTORE),
    Damage("blob_damaged", "the octets of a blob are not those that were put: FETCH fails", _RESTORE),
    Damage(
        "original_without_content",
        "what a depositor wrote is lost; what handsets read is there",
        "the message is shown to everybody as handsets read it",
    ),
    Damage(
        "content_without_message",
        "octets that no message has: they cost room",
        "they are deleted, and their blobs are left to the sweeper",
    ),
    Damage(
        "share_count",
        "how many messages share a content is noted wrongly: it would go too early, or never",
        "the messages are counted",
    ),
    Damage(
        "folder_counters",
        "a folder's counters are wrong, and with them STATUS and the quota",
        "the messages are counted",
    ),
    Damage(
        "uid_not_below_next",
        "a UID would be given twice, and clients would show one message for another",
        "UIDNEXT is raised",
    ),
    Damage(
        "modseq_above_highest",
        "a MODSEQ would be given twice, and clients would miss a change",
        "HIGHESTMODSEQ is raised",
    ),
    Damage(
        "journal_gap",
        "the journal does not tell of a message that came, changed or went: clients with QRESYNC miss it",
        "the journal of the folder begins anew: who comes back is told of everything",
    ),
    Damage(
        "owed_to_nobody",
        "a notification is owed to a subscriber who does not exist",
        "it is deleted",
    ),
    Damage(
        "receipt_of_nothing",
        "a receipt is awaited for a notification that does not exist",
        "it is not awaited any more",
    ),
    Damage(
        "used_blob_to_be_deleted",
        "the sweeper would delete the blob of a message",
        "it is taken from the sweeper's list",
    ),
    Damage(
        "name_of_nobody",
        "the directory has a name that nobody has: nobody else can get it",
        "the name is free again",
    ),
    Damage(
        "name_not_found",
        "somebody is not in the directory under its name: not found by number, or by login",
        "the name is entered; where it is still found missing, two are called alike: rename one",
    ),
    Damage(
        "owner_of_mailbox",
        "what a mailbox knows of its owner is not so: clients are let in, or counted, wrongly",
        "it is copied from the subscriber again",
    ),
    Damage(
        "id_given_twice",
        "a sequence is behind what it has given: new rows would fail",
        "the sequence is set behind the last",
    ),
)
"""In the order in which they are looked for and repaired: who is called how before who is found."""
