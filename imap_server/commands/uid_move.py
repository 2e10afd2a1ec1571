# SPDX-License-Identifier: Apache-2.0
"""UID MOVE (RFC 6851 section 3.2)."""

from __future__ import annotations

from imap_server.commands import move
from imap_server.commands.copy import Copy
from imap_server.session import SELECTED, Session

NAME = b"UID MOVE"
STATES = SELECTED
CAPABILITY = None
parse = move.parse


async def run(session: Session, command: Copy) -> None:
    """By UID."""
    await move.answer(session, command, by_uid=True)
