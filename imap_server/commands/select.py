# SPDX-License-Identifier: Apache-2.0
"""SELECT (RFC 3501 section 6.3.1) with the parameters of RFC 7162 (sections 3.1.8 and 3.2.5).

MAILBOXID is RFC 8474.  AOSP selects anew before each operation, so it must be cheap.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from imap_server import fetch, object_ids
from imap_server.backend import Mailbox, Snapshot
from imap_server.errors import Bad, No
from imap_server.fetch import Attribute, Request
from imap_server.session import LOGGED_IN, Extension, Selected, Session, State
from imap_server.view import View
from imap_server.wire.lexer import Lexer
from imap_server.wire.numbers import NumberSet

NAME = b"SELECT"
STATES = LOGGED_IN
CAPABILITY = None

_CHANGED = Request(frozenset({Attribute.UID, Attribute.FLAGS, Attribute.MODSEQ}))


class Known(msgspec.Struct, frozen=True):
    """What the client remembers of the mailbox; ``uids`` None stands for every UID it could know."""

    uid_validity: int
    modseq: int
    uids: NumberSet | None


class Select(msgspec.Struct, frozen=True):
    """The mailbox, and what is asked for in parentheses."""

    name: str
    condstore: bool = False
    known: Known | None = None


def parse(line: Lexer) -> Select:
    """The mailbox, then CONDSTORE or QRESYNC in parentheses, or both."""
    line.space()
    name = line.mailbox()
    condstore, known = False, None
    if line.accept(b" "):
        line.expect(b"(")
        while True:
            match line.keyword():
                case b"CONDSTORE":
                    condstore = True
                case b"QRESYNC":
                    line.space()
                    known = _known(line)
                case _:
                    raise Bad("unknown parameter")
            if not line.accept(b" "):
                break
        line.expect(b")")
    line.end()
    return Select(name, condstore, known)


async def run(session: Session, command: Select) -> None:
    """Open for reading and writing."""
    await open_mailbox(session, command, read_only=False)


async def open_mailbox(session: Session, command: Select, *, read_only: bool) -> None:
    """What SELECT and EXAMINE share; a mailbox that was open is left even when this one is refused."""
    if command.known is not None and Extension.QRESYNC not in session.enabled:
        raise Bad("QRESYNC is for clients that enabled it")
    if session.state is State.SELECTED:
        session.untagged(b"OK [CLOSED] the other mailbox is closed")
    session.unselect()
    if command.condstore:
        session.enable(Extension.CONDSTORE)
    mailbox = await session.account.select(command.name)
    if mailbox is None:
        raise No("no such mailbox", code="NONEXISTENT")
    snapshot = await mailbox.snapshot()
    view = View(snapshot, read_only=read_only)
    session.select(Selected(command.name, mailbox, view, read_only))
    _describe(session, snapshot, read_only=read_only)
    if command.known is not None and command.known.uid_validity == snapshot.uid_validity:
        await _catch_up(session, mailbox, snapshot, command.known)
    session.ok("mailbox open", code="READ-ONLY" if read_only else "READ-WRITE")


def _describe(session: Session, snapshot: Snapshot, *, read_only: bool) -> None:
    permanent = "" if read_only else " ".join(snapshot.permanent_flags)
    session.untagged(
        b"FLAGS (%b)" % " ".join(snapshot.flags).encode(),
        b"%d EXISTS" % session.selected.view.exists,
        *_of_revision(session, snapshot),
        b"OK [PERMANENTFLAGS (%b)] flags that stay" % permanent.encode(),
        b"OK [UIDVALIDITY %d] UIDs are valid" % snapshot.uid_validity,
        b"OK [MAILBOXID (%b)] its name for ever" % object_ids.mailbox_id(snapshot).encode(),
        b"OK [UIDNEXT %d] next UID" % snapshot.uid_next,
        b"OK [HIGHESTMODSEQ %d] changes so far" % snapshot.highest_modseq,
    )


def _of_revision(session: Session, snapshot: Snapshot) -> Sequence[bytes]:
    """RFC 9051 section 6.3.2 gave up both lines of RFC 3501, and wants the name as it is."""
    if session.rev2:
        return (b'LIST () "/" ' + session.mailbox_name(session.selected.name),)
    first_unseen = snapshot.messages.first_unseen()
    if first_unseen is None:
        return (b"0 RECENT",)
    return b"0 RECENT", b"OK [UNSEEN %d] first unseen" % first_unseen


async def _catch_up(session: Session, mailbox: Mailbox, snapshot: Snapshot, known: Known) -> None:
    """What happened to the UIDs that the client knows since it was last here (RFC 7162 section 3.2.5.1).

    The journal may by now say more than the snapshot: what the snapshot counts is not told as gone,
    and what came after it was never known.
    """
    view = session.selected.view
    changes = await mailbox.changes(known.modseq)
    expunged = (uid for uid in changes.expunged if uid < snapshot.uid_next)
    gone = view.vanished(known.uids, expunged)
    if gone:
        session.untagged(b"VANISHED (EARLIER) " + gone)
    uids = view.uids() if known.uids is None else view.resolve(known.uids, by_uid=True)
    for uid in view.changed_since(known.modseq, uids):
        session.out.add(fetch.brief(_CHANGED, number=view.number(uid), current=view.state(uid)))
        await session.relieve()


def _known(line: Lexer) -> Known:
    """``(uidvalidity modseq [known-uids] [(known numbers known-uids)])``.

    The last pair lets a server without a complete journal guess what the client has seen; ours
    knows, so it is read and not used.
    """
    line.expect(b"(")
    uid_validity = line.number()
    line.space()
    modseq = line.modseq()
    uids = None
    more = line.accept(b" ")
    if more and line.comes_number_set():
        uids = line.known_set()
        more = line.accept(b" ")
    if more:
        line.expect(b"(")
        line.known_set()
        line.space()
        line.known_set()
        line.expect(b")")
    line.expect(b")")
    if uid_validity == 0 or modseq == 0:
        raise Bad("neither is ever zero")
    return Known(uid_validity, modseq, uids)
