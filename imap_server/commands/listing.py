# SPDX-License-Identifier: Apache-2.0
"""LIST (RFC 3501 section 6.3.8, RFC 5258), with figures of each mailbox (RFC 5819).

vvmd sends ``LIST "INBOX" *`` to see whether its login worked.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from imap_server.abilities import Filing
from imap_server.backend import NotAllowed
from imap_server.commands import status
from imap_server.errors import Bad
from imap_server.listed import Listed, Selection, Wish, listed
from imap_server.session import LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"LIST"
STATES = LOGGED_IN
CAPABILITY = b"CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE"

_MOST_PATTERNS = 20
"""Each is compared with each mailbox; what comes after them fits nothing (RFC 5258 section 3)."""


class Pattern(msgspec.Struct, frozen=True):
    """The reference is what a relative pattern is appended to."""

    reference: str
    pattern: str


class List(msgspec.Struct, frozen=True):
    """``figures`` are what STATUS would tell of each mailbox; none for none.

    ``about_delimiter``: the original form with the empty pattern, which asks for the delimiter only.
    """

    wish: Wish
    figures: tuple[status.Item, ...] = ()
    about_delimiter: bool = False


def parse(line: Lexer) -> List:
    """Selection options, reference, one pattern or several, and what is to be returned."""
    line.space()
    selection = frozenset[Selection]()
    extended = line.accept(b"(")
    if extended:
        selection = _selection(line)
        line.space()
    reference = line.mailbox()
    line.space()
    extended = extended or line.comes(b"(")
    wanted = _patterns(line)
    tell_subscribed, figures = False, tuple[status.Item, ...]()
    if line.accept(b" "):
        extended = True
        tell_subscribed, figures = _returned(line)
    line.end()
    taken = tuple(reference + pattern for pattern in wanted[:_MOST_PATTERNS] if pattern)
    return List(
        Wish(taken, selection, tell_subscribed), figures, about_delimiter=wanted == [""] and not extended
    )


def parse_simple(line: Lexer) -> Pattern:
    """Reference and pattern only, as LSUB has them."""
    line.space()
    reference = line.mailbox()
    line.space()
    pattern = line.list_mailbox()
    line.end()
    return Pattern(reference, pattern)


async def run(session: Session, command: List) -> None:
    """One line for each mailbox, or the one that tells the hierarchy delimiter."""
    if command.about_delimiter:
        session.untagged(b'LIST (\\Noselect) "/" ""')
    else:
        await _answer(session, command)
    session.ok("mailboxes listed")


async def _answer(session: Session, command: List) -> None:
    entries = await session.account.list()
    subscribed: Collection[str] = ()
    if command.wish.about_subscriptions:
        subscribed = await subscriptions(session)
    for each in listed(entries, subscribed, command.wish):
        shown = " ".join(each.attributes).encode()
        session.untagged(b'LIST (%b) "/" %b%b' % (shown, session.mailbox_name(each.name), _extended(each)))
        if command.figures and each.exists and each.chosen:
            await _tell_figures(session, each.name, command.figures)


async def subscriptions(session: Session) -> Collection[str]:
    """The subscribed names; where a client cannot subscribe, every mailbox counts as subscribed."""
    account = session.account
    if isinstance(account, Filing):
        return await account.subscriptions()
    return [entry.name for entry in await account.list()]


async def _tell_figures(session: Session, name: str, figures: tuple[status.Item, ...]) -> None:
    """A mailbox whose STATUS the profile refuses has a LIST line all the same (RFC 5819 section 2)."""
    try:
        await status.report(session, status.Status(name, figures))
    except NotAllowed:
        return


def _extended(each: Listed) -> bytes:
    return b' ("CHILDINFO" ("SUBSCRIBED"))' if each.children_match else b""


def _selection(line: Lexer) -> frozenset[Selection]:
    if line.accept(b")"):
        return frozenset()
    chosen = {_option(line)}
    while line.accept(b" "):
        chosen.add(_option(line))
    line.expect(b")")
    if Selection.RECURSIVE in chosen and not chosen - {Selection.RECURSIVE, Selection.REMOTE}:
        raise Bad("RECURSIVEMATCH needs something to match")
    return frozenset(chosen)


def _option(line: Lexer) -> Selection:
    try:
        return Selection(line.keyword())
    except ValueError as error:
        raise Bad("unknown selection option") from error


def _patterns(line: Lexer) -> list[str]:
    if not line.accept(b"("):
        return [line.list_mailbox()]
    wanted = [line.list_mailbox()]
    while line.accept(b" "):
        wanted.append(line.list_mailbox())
    line.expect(b")")
    return wanted


def _returned(line: Lexer) -> tuple[bool, tuple[status.Item, ...]]:
    """Whether subscriptions are asked for, and which figures; the rest is told in any case."""
    if line.keyword() != b"RETURN":
        raise Bad("expected RETURN")
    line.space()
    line.expect(b"(")
    subscribed, figures = False, tuple[status.Item, ...]()
    while not line.accept(b")"):
        match line.keyword():
            case b"SUBSCRIBED":
                subscribed = True
            case b"STATUS":
                line.space()
                figures = status.items(line)
            case b"CHILDREN" | b"SPECIAL-USE":
                pass
            case _:
                raise Bad("unknown return option")
        if not line.comes(b")"):
            line.space()
    return subscribed, figures
