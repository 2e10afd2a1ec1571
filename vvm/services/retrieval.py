# SPDX-License-Identifier: Apache-2.0
"""A client lists, plays, marks and deletes messages.

Reading goes straight to the store; what changes a mailbox goes through here, so that every other
view of it hears of the change.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from vvm.domain.message import Flags
from vvm.domain.subscriber import MailboxId
from vvm.store.port import Hints, MailboxStore, MessageState

log = structlog.get_logger(__name__)


class Retrieval:
    def __init__(self, mailboxes: MailboxStore, hints: Hints) -> None:
        self._mailboxes = mailboxes
        self._hints = hints

    async def mark(
        self,
        mailbox: MailboxId,
        folder: str,
        uids: Sequence[int],
        *,
        add: Flags,
        remove: Flags,
        unchanged_since: int | None = None,
    ) -> Sequence[MessageState]:
        """Remove flags, then add flags.  Answers the messages named that exist, as they are now.

        With ``unchanged_since`` those that moved after that MODSEQ count as not named.
        """
        states = await self._mailboxes.change_flags(
            mailbox, folder, uids, add=add, remove=remove, unchanged_since=unchanged_since
        )
        if states:
            self._hints.mailbox(mailbox)
        return states

    async def expunge(self, mailbox: MailboxId, folder: str, uids: Sequence[int] | None) -> Sequence[int]:
        """Remove for ever what is flagged DELETED, among ``uids`` when given.  Ascending UIDs."""
        gone = await self._mailboxes.expunge(mailbox, folder, uids)
        if gone:
            self._hints.mailbox(mailbox)
            log.info("messages_expunged", mailbox=mailbox, count=len(gone))
        return gone
