# SPDX-License-Identifier: Apache-2.0
"""STORE (RFC 3501 section 6.4.6); vvmd writes ``+Flags \\Deleted`` without parentheses."""

from __future__ import annotations

import re

import msgspec

from imap_server import flags
from imap_server.backend import FlagChange, FlagMode, NotAllowed
from imap_server.errors import Bad, No
from imap_server.session import SELECTED, Session
from imap_server.wire.lexer import Lexer
from imap_server.wire.numbers import NumberSet

NAME = b"STORE"
STATES = SELECTED
CAPABILITY = None

_ITEM = re.compile(rb"([+-]?FLAGS)(\.SILENT)?(?= )", re.IGNORECASE)


class Store(msgspec.Struct, frozen=True):
    """Which messages, what change, and whether the client wants no answer."""

    numbers: NumberSet
    change: FlagChange
    silent: bool


def parse(line: Lexer) -> Store:
    """All six forms; the flags with or without parentheses."""
    line.space()
    numbers = line.number_set()
    line.space()
    item = line.match(_ITEM)
    if item is None:
        raise Bad("expected FLAGS, +FLAGS or -FLAGS")
    line.space()
    change = FlagChange(FlagMode(item[1].decode().upper()), _flags(line))
    line.end()
    return Store(numbers, change, silent=item[2] is not None)


async def run(session: Session, command: Store) -> None:
    """By sequence number; no EXPUNGE is sent while this is answered."""
    await answer(session, command, by_uid=False)


async def answer(session: Session, command: Store, *, by_uid: bool) -> None:
    """What STORE and UID STORE share.  Which flags may be set is the backend's to say."""
    selected = session.selected
    if selected.read_only:
        raise No("mailbox is open read-only")
    if flags.RECENT in command.change.flags:
        raise NotAllowed
    view = await session.refresh()
    uids = view.resolve(command.numbers, by_uid=by_uid)
    if uids:
        states = await selected.mailbox.store(uids, command.change)
        view.adopt_stored(states, command.change, silent=command.silent)
    session.report(expunges=by_uid)
    session.ok("stored")


def _flags(line: Lexer) -> frozenset[str]:
    return line.flag_list() if line.comes(b"(") else line.flags()
