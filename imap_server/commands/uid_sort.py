# SPDX-License-Identifier: Apache-2.0
"""UID SORT (RFC 5256): as SORT, but the answer is in UIDs."""

from __future__ import annotations

from imap_server.commands import sort
from imap_server.commands.sort import Sort
from imap_server.session import SELECTED, Session

NAME = b"UID SORT"
STATES = SELECTED
CAPABILITY = None
parse = sort.parse


async def run(session: Session, command: Sort) -> None:
    """EXPUNGE may follow the answer."""
    await sort.answer(session, command, by_uid=True)
