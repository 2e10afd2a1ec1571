# SPDX-License-Identifier: Apache-2.0
"""SELECT (RFC 3501 section 6.3.1); AOSP selects anew before each operation, so it must be cheap."""

from __future__ import annotations

from imap_server.errors import No
from imap_server.session import LOGGED_IN, Selected, Session
from imap_server.view import View
from imap_server.wire.lexer import Lexer

NAME = b"SELECT"
STATES = LOGGED_IN
CAPABILITY = None


def parse(line: Lexer) -> str:
    """The mailbox."""
    line.space()
    name = line.mailbox()
    line.end()
    return name


async def run(session: Session, command: str) -> None:
    """Open for reading and writing."""
    await open_mailbox(session, command, read_only=False)


async def open_mailbox(session: Session, name: str, *, read_only: bool) -> None:
    """What SELECT and EXAMINE share; a mailbox that was open is left even when this one is refused."""
    session.unselect()
    mailbox = await session.account.select(name)
    if mailbox is None:
        raise No("no such mailbox", code="NONEXISTENT")
    snapshot = await mailbox.snapshot()
    view = View(snapshot)
    session.select(Selected(name, mailbox, view, read_only))
    session.untagged(b"FLAGS (%b)" % " ".join(snapshot.flags).encode())
    session.untagged(b"%d EXISTS" % view.exists)
    session.untagged(b"0 RECENT")
    first_unseen = view.first_unseen()
    if first_unseen is not None:
        session.untagged(b"OK [UNSEEN %d] first unseen" % first_unseen)
    permanent = "" if read_only else " ".join(snapshot.permanent_flags)
    session.untagged(b"OK [PERMANENTFLAGS (%b)] flags that stay" % permanent.encode())
    session.untagged(b"OK [UIDVALIDITY %d] UIDs are valid" % snapshot.uid_validity)
    session.untagged(b"OK [UIDNEXT %d] next UID" % snapshot.uid_next)
    session.ok("mailbox open", code="READ-ONLY" if read_only else "READ-WRITE")
