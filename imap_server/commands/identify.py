# SPDX-License-Identifier: Apache-2.0
"""ID (RFC 2971): who is the client, who are we; for people who read logs."""

from __future__ import annotations

import structlog

from imap_server.errors import Bad
from imap_server.session import ANY, Session
from imap_server.wire import encoder
from imap_server.wire.lexer import Lexer

log = structlog.get_logger(__name__)

NAME = b"ID"
STATES = ANY
CAPABILITY = b"ID"

_MOST_FIELDS = 30
_SHOWN = 64
"""Characters of a value that a log shows."""
_LONGEST_VALUE = 1024
_LOGGED = ("name", "version", "vendor", "os", "os-version")


def parse(line: Lexer) -> dict[str, str]:
    """Fields in lower case; no more and no longer than RFC 2971 section 3.3 allows."""
    line.space()
    fields: dict[str, str] = {}
    if not line.accept(b"("):
        if line.nstring() is not None:
            raise Bad("expected a list or NIL")
    elif not line.accept(b")"):
        while True:
            name = line.string()
            line.space()
            value = line.nstring()
            fields[name.decode("ascii", "replace").lower()] = (value or b"").decode("utf-8", "replace")
            if len(fields) > _MOST_FIELDS or len(value or b"") > _LONGEST_VALUE:
                raise Bad("too much identification")
            if line.accept(b")"):
                break
            line.space()
    line.end()
    return fields


async def run(session: Session, command: dict[str, str]) -> None:
    """Log what the client says, answer what the settings say."""
    known = {name: command[name][:_SHOWN] for name in _LOGGED if name in command}
    if known:
        log.debug("client_identified", connection=session.peer.connection_id, client=known)
    ours = b" ".join(encoder.string(text.encode()) for pair in session.settings.server_id for text in pair)
    session.untagged(b"ID (" + ours + b")" if ours else b"ID NIL")
    session.ok("identified")
