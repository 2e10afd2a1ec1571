# SPDX-License-Identifier: Apache-2.0
"""The last roster of folders that were selected of late: a SELECT costs what moved, not what there is."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from imap_server.backend import MessageState, Roster
from vvm.domain.subscriber import MailboxId
from vvm.fronts.imap.vocabulary import names_of
from vvm.store import port

_MOST_MESSAGES = 50_000
"""Some 12 MB of messages in all; a folder alone may hold more and is kept until another one comes."""

Place = tuple[MailboxId, str]
"""A mailbox and the name of a folder in it."""


class _Kept(msgspec.Struct, frozen=True):
    """A roster, and the moment of the folder that it shows."""

    uid_validity: int
    highest_modseq: int
    roster: Roster


class Rosters:
    """What the sessions of one process share; the longest unused is forgotten first.

    What is kept is never taken for the present: the store is asked what came after it.
    """

    def __init__(self, most_messages: int = _MOST_MESSAGES) -> None:
        self._most_messages = most_messages
        self._kept: OrderedDict[Place, _Kept] = OrderedDict()
        self._messages = 0

    def __contains__(self, place: Place) -> bool:
        return place in self._kept

    async def present(
        self, mailboxes: port.MailboxStore, mailbox: MailboxId, folder: str
    ) -> tuple[port.FolderState, Roster] | None:
        """A folder as it is now.  None: no such folder.  Raises Outage."""
        found = await self._brought_up(mailboxes, mailbox, folder) or await _read(mailboxes, mailbox, folder)
        if found is None:
            self._forget((mailbox, folder))
            return None
        state, roster = found
        self._keep((mailbox, folder), _Kept(state.uid_validity, state.highest_modseq, roster))
        return found

    async def _brought_up(
        self, mailboxes: port.MailboxStore, mailbox: MailboxId, folder: str
    ) -> tuple[port.FolderState, Roster] | None:
        """From the roster that another session left; None when that is of no use."""
        kept = self._kept.get((mailbox, folder))
        if kept is None:
            return None
        changes = await mailboxes.changes(mailbox, folder, kept.highest_modseq)
        if changes is None:
            return None
        state = changes.folder
        if state.uid_validity != kept.uid_validity or state.highest_modseq < kept.highest_modseq:
            return None
        return state, kept.roster.after([state_of(message) for message in changes.changed], changes.expunged)

    def _keep(self, place: Place, kept: _Kept) -> None:
        self._forget(place)
        self._kept[place] = kept
        self._messages += _weight(kept)
        while self._messages > self._most_messages and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def _forget(self, place: Place) -> None:
        gone = self._kept.pop(place, None)
        if gone is not None:
            self._messages -= _weight(gone)


async def _read(
    mailboxes: port.MailboxStore, mailbox: MailboxId, folder: str
) -> tuple[port.FolderState, Roster] | None:
    found = await mailboxes.snapshot(mailbox, folder)
    return None if found is None else (found.folder, Roster(map(state_of, found.messages)))


def state_of(message: port.MessageState) -> MessageState:
    """In the words of IMAP."""
    return MessageState(message.uid, names_of(message.flags, message.keywords), message.modseq)


def _weight(kept: _Kept) -> int:
    """An empty folder takes room as well."""
    return len(kept.roster.uids) + 1
