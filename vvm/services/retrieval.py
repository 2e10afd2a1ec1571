# SPDX-License-Identifier: Apache-2.0
"""A client lists, plays, marks and deletes messages.

Reading goes straight to the store; what changes a mailbox goes through here, so that every other
view of it hears of the change.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from vvm.domain.message import Flags
from vvm.domain.notification import Owed
from vvm.domain.subscriber import MailboxId
from vvm.store.keywords import SAME_KEYWORDS
from vvm.store.port import Hints, KeywordChange, MailboxStore, MessageState, RecoveryStore

log = structlog.get_logger(__name__)


class Retrieval:
    """What the subscriber's own client changes is not told to it again by SMS (sheet row SY-15).

    Every other view - an operator, the telephone menus, an expiry - hands in ``owed``, which is
    ``Owing.mailbox_update``: it is owed if the mailbox was changed, in the same transaction.
    """

    def __init__(self, mailboxes: MailboxStore, recovery: RecoveryStore, hints: Hints) -> None:
        self._mailboxes = mailboxes
        self._recovery = recovery
        self._hints = hints

    async def mark(
        self,
        mailbox: MailboxId,
        folder: str,
        uids: Sequence[int],
        *,
        add: Flags,
        remove: Flags,
        keywords: KeywordChange = SAME_KEYWORDS,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> Sequence[MessageState]:
        """Remove flags, then add flags.  Answers the messages named that exist, as they are now.

        With ``unchanged_since`` those that moved after that MODSEQ count as not named.  Raises
        TooManyKeywords.
        """
        states = await self._mailboxes.change_flags(
            mailbox,
            folder,
            uids,
            add=add,
            remove=remove,
            keywords=keywords,
            unchanged_since=unchanged_since,
            owed=owed,
        )
        if states:
            self._moved(mailbox, owed)
        return states

    async def expunge(
        self, mailbox: MailboxId, folder: str, uids: Sequence[int] | None, owed: Sequence[Owed] = ()
    ) -> Sequence[int]:
        """Remove for ever what is flagged DELETED, among ``uids`` when given.  Ascending UIDs."""
        gone = await self._mailboxes.expunge(mailbox, folder, uids, owed)
        if gone:
            self._moved(mailbox, owed)
            log.info("messages_expunged", mailbox=mailbox, count=len(gone))
        return gone

    async def delete(
        self,
        mailbox: MailboxId,
        folder: str,
        uid: int,
        *,
        unchanged_since: int | None = None,
        owed: Sequence[Owed] = (),
    ) -> None:
        """Remove one message, flagged or not.  Raises what ``RecoveryStore.delete`` raises."""
        await self._recovery.delete(mailbox, folder, uid, unchanged_since=unchanged_since, owed=owed)
        self._moved(mailbox, owed)

    def _moved(self, mailbox: MailboxId, owed: Sequence[Owed]) -> None:
        self._hints.mailbox(mailbox)
        if owed:
            self._hints.outbox()
