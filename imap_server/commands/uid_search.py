# SPDX-License-Identifier: Apache-2.0
"""UID SEARCH (RFC 3501 section 6.4.8): as SEARCH, but the answer is in UIDs."""

from __future__ import annotations

from imap_server.commands import search
from imap_server.commands.search import Find
from imap_server.session import SELECTED, Session

NAME = b"UID SEARCH"
STATES = SELECTED
CAPABILITY = None
parse = search.parse


async def run(session: Session, command: Find) -> None:
    """EXPUNGE may follow the answer."""
    await search.answer(session, command, by_uid=True)
