# SPDX-License-Identifier: Apache-2.0
"""From a frame to its tagged answer: find the command, check that it is legal now, map every error.

The errors of the backend are mapped here and nowhere else.  An outage ends the connection with BYE
and no tagged line: AOSP takes a NO to its search for an empty mailbox and deletes what it holds
(spec/omtp-vvm.md 11.1).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import perf_counter
from typing import Protocol, TypeVar

import msgspec
import structlog

from imap_server.backend import Ended, NotAllowed, Unavailable
from imap_server.errors import Bad, No
from imap_server.metrics import Limit
from imap_server.session import Session, State
from imap_server.wire.framer import Frame, TooBig
from imap_server.wire.lexer import Lexer

log = structlog.get_logger(__name__)

_TAG = rb'[^\x00-\x20(){%*"\\+\x7f-\xff]+'
START = re.compile(rb"(" + _TAG + rb") ((?:UID )?[A-Z][A-Z0-9_.-]*)(?=[ \r\n])", re.IGNORECASE)
"""Tag and verb, as a command begins."""
_TAG_ONLY = re.compile(rb"(" + _TAG + rb") ")
_FOREIGN = re.compile(
    rb"[^\r\n\x20-\x7e]"
    rb"|(?:GET|POST|PUT|HEAD|OPTIONS|CONNECT|DELETE|PATCH|TRACE|PRI) [^ \r\n]+ HTTP/"
    rb"|(?:EHLO|HELO|LHLO) ",
    re.IGNORECASE,
)

T = TypeVar("T")
Run = Callable[[Session], Awaitable[None]]


class CommandModule(Protocol[T]):
    """What a file in ``imap_server/commands`` (or one that an embedder hands in) offers.

    ``CAPABILITY`` is what the command adds to the capability list, names with spaces between, or
    None.  ``parse`` starts behind the verb, at the space or the line's end, and raises Bad.  ``run``
    answers with ``session.ok`` or raises No, Bad or an error of ``imap_server.backend``.
    """

    @property
    def NAME(self) -> bytes:  # noqa: N802 - a constant of the module
        """The verb in capitals, with ``UID`` in front where that is part of it."""
        ...

    @property
    def STATES(self) -> frozenset[State]:  # noqa: N802 - a constant of the module
        """Where it is legal."""
        ...

    @property
    def CAPABILITY(self) -> bytes | None:  # noqa: N802 - a constant of the module
        """What it adds to the capability list."""
        ...

    def parse(self, line: Lexer) -> T:
        """Read the arguments."""
        ...

    async def run(self, session: Session, command: T) -> None:
        """Do it."""
        ...


class Command(msgspec.Struct, frozen=True):
    """A command in the table, its argument type closed over."""

    name: bytes
    states: frozenset[State]
    capability: bytes | None
    prepare: Callable[[Lexer], Run]


Table = Mapping[bytes, Command]


def command(module: CommandModule[T]) -> Command:
    """The table's entry for a command module."""

    def prepare(line: Lexer) -> Run:
        arguments = module.parse(line)
        return lambda session: module.run(session, arguments)

    return Command(module.NAME, module.STATES, module.CAPABILITY, prepare)


def table(commands: Iterable[Command]) -> Table:
    """Commands by verb; a later one takes the place of an earlier one of the same name."""
    return {each.name: each for each in commands}


def is_foreign(start: bytes) -> bool:
    """Whether a peer's first octets are another protocol's: binary (TLS on the clear port), HTTP, SMTP.

    A browser can be made to post lines that look like commands; whoever starts so is cut off
    before a second line is read.
    """
    return _FOREIGN.match(start) is not None


async def execute(session: Session, commands: Table, frame: Frame) -> None:
    """Answer one command.  Raises PeerGone, and whatever a bug raises."""
    line = frame.parts[0]
    if session.state is State.NOT_AUTHENTICATED and is_foreign(line):
        session.end(Limit.FOREIGN_PROTOCOL)
        return
    start = START.match(line)
    if start is None:
        tag = _TAG_ONLY.match(line)
        session.begin(tag[1] if tag else b"*")
        session.bad("expected a tag and a command")
        return
    session.begin(start[1])
    known = commands.get(start[2].upper())
    if known is None:
        session.no("unknown command")
        session.strike()
    elif session.state not in known.states:
        session.bad("command not allowed in this state")
    else:
        began = perf_counter()
        reader = Lexer(
            frame.parts, start.end(), max_depth=session.settings.max_search_depth, utf8_names=session.rev2
        )
        outcome = await _run(session, known, reader)
        session.metrics.command(known.name.decode(), outcome, perf_counter() - began)


def refuse_too_big(session: Session, frame: TooBig) -> None:
    """Answer a command whose literal we do not take; the client has not sent it (RFC 4469 section 4.2)."""
    start = _TAG_ONLY.match(frame.start)
    session.begin(start[1] if start else b"*")
    session.no("literal too big", code="TOOBIG")
    session.strike()


async def _run(session: Session, known: Command, reader: Lexer) -> str:
    try:
        await known.prepare(reader)(session)
    except Bad as error:
        session.bad(str(error))
        return "bad"
    except (No, NotAllowed) as error:
        session.no(error.text, code=error.code)
        return "no"
    except Unavailable:
        log.warning(
            "storage_unavailable",
            command=known.name.decode(),
            connection=session.peer.connection_id,
            user=session.user,
        )
        session.out.clear()
        session.end("application error")
        return "bye"
    except Ended as over:
        log.info("session_ended", connection=session.peer.connection_id, user=session.user, reason=over.text)
        session.out.clear()
        session.end(over.text)
        return "bye"
    return "ok"
