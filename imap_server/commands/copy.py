# SPDX-License-Identifier: Apache-2.0
"""COPY (RFC 3501 section 6.4.7), which says the UIDs of the copies (RFC 4315 section 3)."""

from __future__ import annotations

import msgspec

from imap_server.abilities import Copied, copying
from imap_server.errors import No
from imap_server.session import SELECTED, Session
from imap_server.wire import numbers
from imap_server.wire.lexer import Lexer
from imap_server.wire.numbers import NumberSet

NAME = b"COPY"
STATES = SELECTED
CAPABILITY = None


class Copy(msgspec.Struct, frozen=True):
    """Which messages, and whereto."""

    numbers: NumberSet
    name: str


def parse(line: Lexer) -> Copy:
    """The set, the mailbox."""
    line.space()
    numbers = line.number_set()
    line.space()
    name = line.mailbox()
    line.end()
    return Copy(numbers, name)


async def run(session: Session, command: Copy) -> None:
    """By sequence number."""
    await answer(session, command, by_uid=False)


async def answer(session: Session, command: Copy, *, by_uid: bool) -> None:
    """What COPY and UID COPY share; the mailbox copied to may be the one that is open."""
    mailbox = copying(session.selected.mailbox)
    view = await session.refresh()
    uids = view.resolve(command.numbers, by_uid=by_uid)
    copied = await mailbox.copy(uids, command.name)
    if copied is None:
        raise No("no such mailbox", code="TRYCREATE")
    await session.catch_up(expunges=True)
    session.ok("copied", code=copy_uid(copied))


def copy_uid(copied: Copied) -> str | None:
    """The COPYUID code; none when there was nothing to copy."""
    if not copied.uids:
        return None
    sources, uids = numbers.write(copied.sources).decode(), numbers.write(copied.uids).decode()
    return f"COPYUID {copied.uid_validity} {sources} {uids}"
