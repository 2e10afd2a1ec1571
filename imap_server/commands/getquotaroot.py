# SPDX-License-Identifier: Apache-2.0
"""GETQUOTAROOT (RFC 9208 section 4.1.2, as in RFC 2087); AOSP sends it after each sync, reads ``voice``."""

from __future__ import annotations

from imap_server.backend import Quota
from imap_server.errors import No
from imap_server.session import LOGGED_IN, Session
from imap_server.wire import encoder
from imap_server.wire.lexer import Lexer

NAME = b"GETQUOTAROOT"
STATES = LOGGED_IN
CAPABILITY = b"QUOTA QUOTA=RES-MESSAGE QUOTA=RES-STORAGE"


def parse(line: Lexer) -> str:
    """The mailbox."""
    line.space()
    name = line.mailbox()
    line.end()
    return name


async def run(session: Session, command: str) -> None:
    """The root that governs the mailbox, then its figures."""
    quota = await session.account.quota(command)
    if quota is None:
        raise No("no such mailbox", code="NONEXISTENT")
    session.untagged(
        b"QUOTAROOT %b %b" % (session.mailbox_name(command), encoder.astring(quota.root.encode()))
    )
    session.untagged(figures(quota))
    session.ok("quota given")


def figures(quota: Quota) -> bytes:
    """The QUOTA line, resources in the backend's order (RFC 9208 section 4.2.1)."""
    triplets = " ".join(f"{each.name} {each.used} {each.limit}" for each in quota.resources)
    return b"QUOTA %b (%b)" % (encoder.astring(quota.root.encode()), triplets.encode())
