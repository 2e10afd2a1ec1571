# SPDX-License-Identifier: Apache-2.0
"""STORE (RFC 3501 section 6.4.6), conditional too (RFC 7162 section 3.1.3).

vvmd writes ``+Flags \\Deleted`` without parentheses.
"""

from __future__ import annotations

import re

import msgspec

from imap_server import flags
from imap_server.backend import FlagChange, FlagMode, NotAllowed
from imap_server.errors import Bad, No
from imap_server.session import SELECTED, Extension, Session
from imap_server.view import View
from imap_server.wire import numbers
from imap_server.wire.lexer import Lexer
from imap_server.wire.numbers import NumberSet

NAME = b"STORE"
STATES = SELECTED
CAPABILITY = None

_UNCHANGED_SINCE = re.compile(rb"\(UNCHANGEDSINCE ", re.IGNORECASE)
_ITEM = re.compile(rb"([+-]?FLAGS)(\.SILENT)?(?= )", re.IGNORECASE)


class Store(msgspec.Struct, frozen=True):
    """Which messages, what change, and whether the client wants no answer.

    With ``unchanged_since`` only messages that did not move after that MODSEQ are changed.
    """

    numbers: NumberSet
    change: FlagChange
    silent: bool
    unchanged_since: int | None = None


def parse(line: Lexer) -> Store:
    """All six forms; the flags with or without parentheses."""
    line.space()
    numbers = line.number_set()
    line.space()
    unchanged_since = None
    if line.match(_UNCHANGED_SINCE) is not None:
        unchanged_since = line.modseq()
        line.expect(b")")
        line.space()
    item = line.match(_ITEM)
    if item is None:
        raise Bad("expected FLAGS, +FLAGS or -FLAGS")
    line.space()
    change = FlagChange(FlagMode(item[1].decode().upper()), _flags(line))
    line.end()
    return Store(numbers, change, silent=item[2] is not None, unchanged_since=unchanged_since)


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
    if command.unchanged_since is not None:
        session.enable(Extension.CONDSTORE)
    view = await session.refresh()
    uids = view.resolve(command.numbers, by_uid=by_uid)
    code = None
    if uids:
        states = await selected.mailbox.store(uids, command.change, unchanged_since=command.unchanged_since)
        view.adopt_stored(states, command.change, silent=command.silent)
        if session.style.modseq:  # what others did below the new MODSEQ is told along with it
            await session.refresh()
        if command.unchanged_since is not None and len(states) < len(uids):
            left = set(uids).difference(state.uid for state in states)
            code = _modified(view, left, by_uid=by_uid)
    session.report(expunges=by_uid)
    session.ok("stored", code=code)


def _modified(view: View, left: set[int], *, by_uid: bool) -> str | None:
    """The code that names the messages left as they are; one that was expunged meanwhile is none of them."""
    uids = [uid for uid in view.uids() if uid in left]
    named = numbers.write(uids if by_uid else map(view.number, uids))
    return f"MODIFIED {named.decode()}" if uids else None


def _flags(line: Lexer) -> frozenset[str]:
    return line.flag_list() if line.comes(b"(") else line.flags()
