# SPDX-License-Identifier: Apache-2.0
"""EXAMINE (RFC 3501 section 6.3.2): SELECT for reading only."""

from __future__ import annotations

from imap_server.commands import select
from imap_server.commands.select import Select
from imap_server.session import LOGGED_IN, Session

NAME = b"EXAMINE"
STATES = LOGGED_IN
CAPABILITY = None
parse = select.parse


async def run(session: Session, command: Select) -> None:
    """Open for reading; nothing this session does changes the mailbox, BODY[] included."""
    await select.open_mailbox(session, command, read_only=True)
