# SPDX-License-Identifier: Apache-2.0
"""UID COPY (RFC 3501 section 6.4.8)."""

from __future__ import annotations

from imap_server.commands import copy
from imap_server.commands.copy import Copy
from imap_server.session import SELECTED, Session

NAME = b"UID COPY"
STATES = SELECTED
CAPABILITY = None
parse = copy.parse


async def run(session: Session, command: Copy) -> None:
    """By UID."""
    await copy.answer(session, command, by_uid=True)
