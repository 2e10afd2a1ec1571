# SPDX-License-Identifier: Apache-2.0
"""LSUB (RFC 3501 section 6.3.9): every mailbox counts as subscribed."""

from __future__ import annotations

from imap_server.commands import listing
from imap_server.commands.listing import Pattern
from imap_server.session import LOGGED_IN, Session

NAME = b"LSUB"
STATES = LOGGED_IN
CAPABILITY = None
parse = listing.parse


async def run(session: Session, command: Pattern) -> None:
    """As LIST, without attributes."""
    await listing.answer(session, b"LSUB", command, attributes=False)
    session.ok("subscriptions listed")
