# SPDX-License-Identifier: Apache-2.0
"""LSUB (RFC 3501 section 6.3.9); where a client cannot subscribe, every mailbox counts as subscribed."""

from __future__ import annotations

from imap_server import patterns
from imap_server.commands import listing
from imap_server.commands.listing import Pattern
from imap_server.session import LOGGED_IN, Session

NAME = b"LSUB"
STATES = LOGGED_IN
CAPABILITY = None
parse = listing.parse_simple


async def run(session: Session, command: Pattern) -> None:
    """Names without attributes; a subscribed name stays when its mailbox is gone."""
    wanted = command.reference + command.pattern
    for name in await listing.subscriptions(session):
        if patterns.fits(wanted, name):
            session.untagged(b'LSUB () "/" ' + session.mailbox_name(name))
    session.ok("subscriptions listed")
