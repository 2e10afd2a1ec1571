# SPDX-License-Identifier: Apache-2.0
"""UID FETCH (RFC 3501 section 6.4.8): each response carries the UID, or AOSP drops it."""

from __future__ import annotations

from imap_server.commands import fetch
from imap_server.commands.fetch import Fetch
from imap_server.session import SELECTED, Session

NAME = b"UID FETCH"
STATES = SELECTED
CAPABILITY = None
parse = fetch.parse


async def run(session: Session, command: Fetch) -> None:
    """By UID; EXPUNGE may follow the data."""
    await fetch.answer(session, command, by_uid=True)
