# SPDX-License-Identifier: Apache-2.0
"""FETCH (RFC 3501 section 6.4.5), modifiers of RFC 7162 (sections 3.1.4, 3.2.6), BINARY (RFC 3516),
PREVIEW (RFC 8970).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from imap_server import fetch, flags
from imap_server.backend import FlagChange, FlagMode
from imap_server.errors import Bad
from imap_server.fetch import Attribute, Form, Partial, Request, Section, Text
from imap_server.session import SELECTED, Extension, Selected, Session
from imap_server.view import View
from imap_server.wire import encoder
from imap_server.wire.lexer import Lexer
from imap_server.wire.numbers import NumberSet

NAME = b"FETCH"
STATES = SELECTED
CAPABILITY = b"BINARY PREVIEW"

_ITEM = re.compile(rb"[A-Za-z0-9.]+")
_SECTION = re.compile(
    rb"((?:[1-9][0-9]{0,4}\.){0,20}?(?:[1-9][0-9]{0,4})?)"
    rb"\.?(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?(?=[\] ])",
    re.IGNORECASE,
)
_PART = re.compile(rb"[1-9][0-9]{0,4}(?:\.[1-9][0-9]{0,4}){0,20}")
_MACRO = re.compile(rb"(?:ALL|FAST|FULL)(?=[ \r\n])", re.IGNORECASE)
_PARTIAL = re.compile(rb"<([0-9]{1,10})\.([0-9]{1,10})>")
_LAZY = re.compile(rb" \(LAZY\)", re.IGNORECASE)
"""Read and not used: every preview is at hand (RFC 8970 section 3.1)."""
_FIELD_NAME = re.compile(rb"[!-9;-~]+")
_MOST_ITEMS = 100
_LONGEST_KEPT = 512
_MOST_SECTIONS = 8
"""Each section may be as long as the message, and is read for by one line of the peer's."""

_FAST = frozenset({Attribute.FLAGS, Attribute.INTERNAL_DATE, Attribute.SIZE})
_MACROS = {
    b"FAST": _FAST,
    b"ALL": _FAST | {Attribute.ENVELOPE},
    b"FULL": _FAST | {Attribute.ENVELOPE, Attribute.BODY},
}
_RFC822 = {
    b"RFC822": Section(b"RFC822"),
    b"RFC822.HEADER": Section(b"RFC822.HEADER", text=Text.HEADER, peek=True),
    b"RFC822.TEXT": Section(b"RFC822.TEXT", text=Text.TEXT),
}
_BINARY = {
    b"BINARY": (Form.DECODED, False),
    b"BINARY.PEEK": (Form.DECODED, True),
    b"BINARY.SIZE": (Form.DECODED_SIZE, True),
}
_MARK_SEEN = FlagChange(FlagMode.ADD, frozenset({flags.SEEN}))


class Fetch(msgspec.Struct, frozen=True):
    """Which messages, and what of each.

    With ``changed_since`` only those that moved after that MODSEQ; with ``vanished`` also the UIDs
    that are gone since.
    """

    numbers: NumberSet
    request: Request
    changed_since: int | None = None
    vanished: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A FETCH without its messages."""

    request: Request
    changed_since: int | None
    vanished: bool


def parse(line: Lexer) -> Fetch:
    """The set, then a macro, one item, or items in parentheses."""
    line.space()
    numbers = line.number_set()
    line.space()
    tail = line.tail()
    asked = _asked(line) if tail is None or len(tail) > _LONGEST_KEPT else _kept(tail)
    return Fetch(numbers, asked.request, asked.changed_since, asked.vanished)


@lru_cache(maxsize=256)
def _kept(tail: bytes) -> Asked:
    """Handsets ask for the same few things all day, Android for each message anew."""
    return _asked(Lexer((tail,)))


def _asked(line: Lexer) -> Asked:
    items: list[Attribute | Section] = []
    if line.accept(b"("):
        items.append(_item(line))
        while line.accept(b" "):
            items.append(_item(line))
            if len(items) > _MOST_ITEMS:
                raise Bad("too many items")
        line.expect(b")")
    elif (macro := line.match(_MACRO)) is not None:
        items += _MACROS[macro[0].upper()]
    else:
        items.append(_item(line))
    changed_since, vanished = _modifiers(line)
    line.end()
    if changed_since is not None:
        items.append(Attribute.MODSEQ)
    sections = tuple(item for item in items if isinstance(item, Section))
    if len(sections) > _MOST_SECTIONS:
        raise Bad("too many sections")
    attributes = frozenset(item for item in items if isinstance(item, Attribute))
    return Asked(Request(attributes, sections), changed_since, vanished)


async def run(session: Session, command: Fetch) -> None:
    """By sequence number; no EXPUNGE is sent while this is answered."""
    if command.vanished:
        raise Bad("VANISHED is for UID FETCH")
    await answer(session, command, by_uid=False)


async def answer(session: Session, command: Fetch, *, by_uid: bool) -> None:
    """What FETCH and UID FETCH share.

    Looks for new messages first: vvmd asks for the UID that its SMS named in a session that it
    opened earlier (spec/omtp-vvm.md 20.1, row 1).  Numbers that do not exist are passed over.
    """
    request = command.request.with_uid if by_uid else command.request
    if command.vanished and Extension.QRESYNC not in session.enabled:
        raise Bad("VANISHED is for clients that enabled QRESYNC")
    if Attribute.MODSEQ in request.attributes:
        session.enable(Extension.CONDSTORE)
    view = await session.refresh()
    session.out.extend(view.report_arrivals())
    uids = view.resolve(command.numbers, by_uid=by_uid)
    if command.changed_since is not None:
        uids = view.changed_since(command.changed_since, uids)
        if command.vanished:
            await _report_vanished(session, command.numbers, command.changed_since)
    for batch in _batches(uids, session.settings.fetch_batch_messages):
        if request.in_view:
            _answer_from_view(session, batch, request)
            await session.relieve()
        else:
            await _answer_from_store(session, batch, request)
    if request.marks_seen and session.style.modseq:
        await session.refresh()  # what others did below the new MODSEQs is told along with them
    session.report(expunges=by_uid)
    session.ok("fetched")


async def _report_vanished(session: Session, chosen: NumberSet, since_modseq: int) -> None:
    """What is gone since then; removals that the view still counts follow as a plain VANISHED."""
    selected = session.selected
    changes = await selected.mailbox.changes(since_modseq)
    gone = selected.view.vanished(chosen, changes.expunged)
    if gone:
        session.untagged(b"VANISHED (EARLIER) " + gone)


def _answer_from_view(session: Session, uids: Sequence[int], request: Request) -> None:
    view = session.selected.view
    session.out.add(fetch.briefs(request, view.numbered(uids)))
    if view.owes_news:
        for uid in uids:
            _told(view, uid, request)


async def _answer_from_store(session: Session, uids: Sequence[int], request: Request) -> None:
    selected = session.selected
    view = selected.view
    marked = await _mark_seen(selected, uids) if request.marks_seen else frozenset()
    news = (Attribute.FLAGS, Attribute.MODSEQ) if session.style.modseq else (Attribute.FLAGS,)
    with_news = request.adding(*news) if marked else request
    for record in await selected.mailbox.messages(uids):
        octets = await selected.mailbox.read(record.uid) if request.needs_octets else None
        if octets is None and request.needs_octets:
            continue
        chosen = with_news if record.uid in marked else request
        number, current = view.number(record.uid), view.state(record.uid)
        for piece in fetch.full(chosen, record, octets, number=number, current=current):
            if session.out.size >= session.settings.write_buffer_bytes:
                await session.relieve()
            session.out.add(piece)
        _told(view, record.uid, chosen)
        await session.relieve()


def _told(view: View, uid: int, request: Request) -> None:
    if Attribute.FLAGS in request.attributes:
        view.told_flags(uid)
    if Attribute.MODSEQ in request.attributes:
        view.told_modseq(uid)


async def _mark_seen(selected: Selected, uids: Sequence[int]) -> frozenset[int]:
    """Which messages became seen by this FETCH: the response shows their flags."""
    if selected.read_only:
        return frozenset()
    unseen = [uid for uid in uids if flags.SEEN not in selected.view.flags(uid)]
    if not unseen:
        return frozenset()
    states = await selected.mailbox.store(unseen, _MARK_SEEN)
    selected.view.adopt_stored(states, _MARK_SEEN, silent=False)
    return frozenset(state.uid for state in states)


def _batches(uids: Sequence[int], count: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), count):
        yield uids[start : start + count]


def _modifiers(line: Lexer) -> tuple[int | None, bool]:
    """CHANGEDSINCE, and whether VANISHED stands beside it; that one alone is an error."""
    if not line.accept(b" "):
        return None, False
    line.expect(b"(")
    changed_since: int | None = None
    vanished = False
    while True:
        match line.keyword():
            case b"CHANGEDSINCE":
                line.space()
                changed_since = line.modseq()
            case b"VANISHED":
                vanished = True
            case _:
                raise Bad("unknown FETCH modifier")
        if not line.accept(b" "):
            break
    line.expect(b")")
    if changed_since is None:
        raise Bad("VANISHED needs CHANGEDSINCE")
    return changed_since, vanished


def _item(line: Lexer) -> Attribute | Section:
    found = line.match(_ITEM)
    name = found[0].upper() if found else b""
    if name in {b"BODY", b"BODY.PEEK"} and line.accept(b"["):
        return _section(line, peek=name == b"BODY.PEEK")
    if name in _BINARY and line.accept(b"["):
        return _binary(line, name)
    if name in _RFC822:
        return _RFC822[name]
    try:
        attribute = Attribute(name)
    except ValueError as error:
        raise Bad("unknown FETCH item") from error
    if attribute is Attribute.PREVIEW:
        line.match(_LAZY)
    return attribute


def _section(line: Lexer, *, peek: bool) -> Section:
    found = line.match(_SECTION)
    if found is None:
        raise Bad("malformed section")
    part, text = found[1].decode().rstrip("."), Text((found[2] or b"").upper())
    fields: tuple[bytes, ...] = ()
    if text in {Text.FIELDS, Text.FIELDS_NOT}:
        fields = _field_names(line)
    elif text is Text.MIME and not part:
        raise Bad("MIME needs a part number")
    line.expect(b"]")
    partial = _partial(line)
    label = b"BODY[" + ".".join(filter(None, (part, text.value.decode()))).encode()
    if fields:
        label += b" (" + b" ".join(map(encoder.astring, fields)) + b")"
    label += b"]" if partial is None else b"]<%d>" % partial.first
    return Section(label, part, text, fields, partial, peek)


def _binary(line: Lexer, name: bytes) -> Section:
    """A section of ``BINARY`` is a part number or nothing (RFC 3516 section 6)."""
    form, peek = _BINARY[name]
    found = line.match(_PART)
    part = found[0].decode() if found else ""
    line.expect(b"]")
    partial = None if form is Form.DECODED_SIZE else _partial(line)
    label = form.value + b"[" + part.encode() + (b"]" if partial is None else b"]<%d>" % partial.first)
    return Section(label, part, partial=partial, peek=peek, form=form)


def _field_names(line: Lexer) -> tuple[bytes, ...]:
    line.space()
    line.expect(b"(")
    names = [line.astring()]
    while line.accept(b" "):
        names.append(line.astring())
    line.expect(b")")
    if len(names) > _MOST_ITEMS or not all(_FIELD_NAME.fullmatch(name) for name in names):
        raise Bad("not a header field name")
    return tuple(names)


def _partial(line: Lexer) -> Partial | None:
    if not line.comes(b"<"):
        return None
    found = line.match(_PARTIAL)
    if found is None or int(found[2]) == 0:
        raise Bad("malformed partial")
    return Partial(int(found[1]), int(found[2]))
