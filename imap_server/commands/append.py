# SPDX-License-Identifier: Apache-2.0
"""APPEND of one message or of several (RFC 3501 section 6.3.11, RFC 3502, RFC 4315 section 3).

Where the profile refuses it, the arguments and the literals are read all the same, so that the
connection stays in step.
"""

from __future__ import annotations

import msgspec

from imap_server import flags
from imap_server.abilities import NewMessage, appending
from imap_server.backend import NotAllowed
from imap_server.errors import Bad, No
from imap_server.session import LOGGED_IN, Session, State
from imap_server.wire import numbers
from imap_server.wire.lexer import Lexer

NAME = b"APPEND"
STATES = LOGGED_IN
CAPABILITY = None

_MOST_MESSAGES = 1000
"""Of one MULTIAPPEND: they become one transaction."""


class Append(msgspec.Struct, frozen=True):
    """The mailbox, and one message or more."""

    name: str
    messages: tuple[NewMessage, ...]


def parse(line: Lexer) -> Append:
    """Mailbox, then for each message optional flags, an optional date and a literal."""
    line.space()
    name = line.mailbox()
    messages = []
    while line.accept(b" "):
        messages.append(_message(line))
        if len(messages) > _MOST_MESSAGES:
            raise Bad("too many messages")
    line.end()
    if not messages:
        raise Bad("expected a message")
    return Append(name, tuple(messages))


async def run(session: Session, command: Append) -> None:
    """All messages or none.  A client that has the mailbox open hears of them at once."""
    account = appending(session.account)
    if not all(message.octets for message in command.messages):
        raise No("a message is empty")  # RFC 3502 section 6.3.11: how a client gives up half way
    if any(b"\0" in message.octets for message in command.messages):
        raise No("binary content is not stored", code="UNKNOWN-CTE")  # RFC 3516 section 4.4
    if any(flags.RECENT in message.flags for message in command.messages):
        raise NotAllowed
    appended = await account.append(command.name, command.messages)
    if appended is None:
        raise No("no such mailbox", code="TRYCREATE")
    if session.state is State.SELECTED:
        await session.catch_up(expunges=True)
    uids = numbers.write(appended.uids).decode()
    session.ok("appended", code=f"APPENDUID {appended.uid_validity} {uids}")


def _message(line: Lexer) -> NewMessage:
    carried: frozenset[str] = frozenset()
    if line.comes(b"("):
        carried = line.flag_list()
        line.space()
    moment = None
    if line.comes(b'"'):
        moment = line.date_time()
        line.space()
    line.accept(b"~")  # a literal8, which may hold NUL (RFC 3516 section 4.4); ours all may
    line.accept(b"~")  # a literal8, which IMAP4rev2 lets a client use for any message
    if not line.comes(b"{"):
        raise Bad("expected a literal")
    return NewMessage(line.string(), carried, moment)
