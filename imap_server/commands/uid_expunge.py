# SPDX-License-Identifier: Apache-2.0
"""UID EXPUNGE (RFC 4315 section 2.1)."""

from __future__ import annotations

from imap_server.errors import No
from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer
from imap_server.wire.numbers import NumberSet

NAME = b"UID EXPUNGE"
STATES = SELECTED
CAPABILITY = b"UIDPLUS"


def parse(line: Lexer) -> NumberSet:
    """The UIDs."""
    line.space()
    uids = line.number_set()
    line.end()
    return uids


async def run(session: Session, command: NumberSet) -> None:
    """Remove what is both named and flagged, report every expunge."""
    selected = session.selected
    if selected.read_only:
        raise No("mailbox is open read-only")
    view = await session.refresh()
    uids = view.resolve(command, by_uid=True)
    if uids:
        await selected.mailbox.expunge(uids)
    await session.refresh()
    session.expunged("expunged")
