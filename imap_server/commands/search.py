# SPDX-License-Identifier: Apache-2.0
"""SEARCH (RFC 3501 section 6.4.4), with the answers that a client may choose (RFC 4731, RFC 5182)."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

import msgspec

from imap_server.errors import Bad, No
from imap_server.search import Search
from imap_server.search_grammar import Criteria, criteria
from imap_server.session import SELECTED, Extension, Session
from imap_server.view import View
from imap_server.wire import encoder, numbers
from imap_server.wire.lexer import Lexer

NAME = b"SEARCH"
STATES = SELECTED
CAPABILITY = b"ESEARCH"

_CHARSET = re.compile(rb"CHARSET ", re.IGNORECASE)
_RETURN = re.compile(rb"RETURN \(", re.IGNORECASE)


class Result(enum.Enum):
    """What RETURN may ask for, in the order of the answer; SAVE answers nothing (RFC 5182)."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"


_ALL = frozenset({Result.ALL})
_ONLY_ENDS = frozenset({Result.MIN, Result.MAX, Result.SAVE})


class Find(msgspec.Struct, frozen=True):
    """What to look for; ``results`` None asks for the plain answer, which RFC 9051 made ALL."""

    criteria: Criteria
    results: frozenset[Result] | None = None


def parse(line: Lexer) -> Find:
    """An optional RETURN, an optional CHARSET, then one key or more."""
    line.space()
    results = None
    if line.match(_RETURN) is not None:
        results = _results(line)
        line.space()
    charset = b"US-ASCII"
    if line.match(_CHARSET) is not None:
        charset = line.astring().upper()
        line.space()
    return Find(criteria(line, charset), results)


async def run(session: Session, command: Find) -> None:
    """Answers sequence numbers; no EXPUNGE is sent while this is answered."""
    await answer(session, command, by_uid=False)


async def answer(session: Session, command: Find, *, by_uid: bool) -> None:
    """What SEARCH and UID SEARCH share: one line, ascending, also when nothing was found."""
    view = session.selected.view
    saves = command.results is not None and Result.SAVE in command.results
    try:
        uids = await look(session, command.criteria)
    except No:
        if saves:
            view.saved = ()  # RFC 5182 section 2.1: a search that fails empties what was saved
        raise
    results = _ALL if command.results is None and session.rev2 else command.results
    if results is None:
        session.untagged(plain(b"SEARCH", view, uids, command.criteria, by_uid=by_uid))
    else:
        ends = _ends(uids, results)
        if saves:
            view.saved = ends
        if results != {Result.SAVE}:
            session.untagged(_extended(session, uids, ends, Find(command.criteria, results), by_uid=by_uid))
    session.report(expunges=by_uid)
    session.ok("searched")


async def look(session: Session, wanted: Criteria) -> list[int]:
    """The UIDs that are wanted, ascending, over the mailbox as it is now.  Raises No."""
    wanted.check_charset()
    if wanted.asks_modseq:
        session.enable(Extension.CONDSTORE)
    view = await session.refresh()
    session.out.extend(view.report_arrivals())
    search = Search(
        view,
        session.selected.mailbox,
        batch=session.settings.fetch_batch_messages,
        breathe=session.link.breathe,
    )
    return await search(wanted.key)


def plain(verb: bytes, view: View, uids: Sequence[int], wanted: Criteria, *, by_uid: bool) -> bytes:
    """The answer as a list of numbers, with the highest MODSEQ when one was asked for."""
    found = uids if by_uid else map(view.number, uids)
    words = [verb, " ".join(map(str, found)).encode()] if uids else [verb]
    if uids and wanted.asks_modseq:
        words.append(b"(MODSEQ %d)" % max(map(view.modseq, uids)))
    return b" ".join(words)


def _extended(
    session: Session, uids: Sequence[int], ends: Sequence[int], command: Find, *, by_uid: bool
) -> bytes:
    """An ESEARCH response (RFC 4731 section 3.1); what has no value is left out."""
    view = session.selected.view
    results = command.results or frozenset()
    found = uids if by_uid else [view.number(uid) for uid in uids]
    words = [b"ESEARCH (TAG %b)" % encoder.string(session.tag)]
    if by_uid:
        words.append(b"UID")
    if found and Result.MIN in results:
        words.append(b"MIN %d" % found[0])
    if found and Result.MAX in results:
        words.append(b"MAX %d" % found[-1])
    if found and Result.ALL in results:
        words.append(b"ALL " + numbers.write(found))
    if Result.COUNT in results:
        words.append(b"COUNT %d" % len(found))
    if ends and command.criteria.asks_modseq:
        words.append(b"MODSEQ %d" % max(map(view.modseq, ends)))
    return b" ".join(words)


def _ends(uids: Sequence[int], results: frozenset[Result]) -> Sequence[int]:
    """The messages that an answer is about: all, unless only the first or the last was asked for.

    The same ones are saved (RFC 5182 section 2.4) and decide the MODSEQ (RFC 7162 section 3.1.10).
    """
    if not uids or not results <= _ONLY_ENDS or results == {Result.SAVE}:
        return uids
    first = uids[:1] if Result.MIN in results else []
    last = uids[-1:] if Result.MAX in results else []
    return sorted({*first, *last})


def _results(line: Lexer) -> frozenset[Result]:
    """Up to the closing parenthesis; none at all means ALL."""
    results: set[Result] = set()
    while not line.accept(b")"):
        if results:
            line.space()
        try:
            results.add(Result(line.keyword()))
        except ValueError as error:
            raise Bad("unknown search result") from error
    return frozenset(results) or _ALL
