# SPDX-License-Identifier: Apache-2.0
"""SORT (RFC 5256): as SEARCH, in an order that the client chooses."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imap_server import sort
from imap_server.commands import search
from imap_server.errors import Bad
from imap_server.search_grammar import Criteria, criteria
from imap_server.session import SELECTED, Session
from imap_server.sort import Criterion, Property, Rank
from imap_server.wire.lexer import Lexer

NAME = b"SORT"
STATES = SELECTED
CAPABILITY = b"SORT"

_MOST_CRITERIA = 20


class Sort(msgspec.Struct, frozen=True):
    """What to look for, and how to order it."""

    order: tuple[Criterion, ...]
    criteria: Criteria


def parse(line: Lexer) -> Sort:
    """The order in parentheses, the charset, one key or more."""
    line.space()
    line.expect(b"(")
    order = [_criterion(line)]
    while line.accept(b" "):
        order.append(_criterion(line))
        if len(order) > _MOST_CRITERIA:
            raise Bad("too many sort criteria")
    line.expect(b")")
    line.space()
    charset = line.astring().upper()
    line.space()
    return Sort(tuple(order), criteria(line, charset))


async def run(session: Session, command: Sort) -> None:
    """Answers sequence numbers; no EXPUNGE is sent while this is answered."""
    await answer(session, command, by_uid=False)


async def answer(session: Session, command: Sort, *, by_uid: bool) -> None:
    """What SORT and UID SORT share."""
    uids = await search.look(session, command.criteria)
    found = sort.ordered(await _ranks(session, uids, command.order), command.order)
    session.untagged(search.plain(b"SORT", session.selected.view, found, command.criteria, by_uid=by_uid))
    session.report(expunges=by_uid)
    session.ok("sorted")


async def _ranks(
    session: Session, uids: Sequence[int], order: tuple[Criterion, ...]
) -> list[tuple[int, Rank]]:
    """Of the messages that are still there; others may run between two of them."""
    mailbox = session.selected.mailbox
    batch = session.settings.fetch_batch_messages
    ranks: list[tuple[int, Rank]] = []
    for start in range(0, len(uids), batch):
        for record in await mailbox.messages(uids[start : start + batch]):
            ranks.append((record.uid, sort.rank(record, order)))
            await session.link.breathe()
    return ranks


def _criterion(line: Lexer) -> Criterion:
    word = line.keyword()
    reverse = word == b"REVERSE"
    if reverse:
        line.space()
        word = line.keyword()
    try:
        return Criterion(Property(word), reverse)
    except ValueError as error:
        raise Bad("unknown sort criterion") from error
