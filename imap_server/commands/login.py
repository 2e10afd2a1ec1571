# SPDX-License-Identifier: Apache-2.0
"""LOGIN (RFC 3501 section 6.2.3); handsets leave the name unquoted and quote the password."""

from __future__ import annotations

import msgspec

from imap_server.auth.admission import admit, require_privacy
from imap_server.session import NOT_LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"LOGIN"
STATES = NOT_LOGGED_IN
CAPABILITY = None


class Credentials(msgspec.Struct, frozen=True):
    """A name and the secret that came with it."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(***)"


def parse(line: Lexer) -> Credentials:
    """Name and password, each an atom, quoted or a literal."""
    line.space()
    user = line.text()
    line.space()
    password = line.text()
    line.end()
    return Credentials(user, password)


async def run(session: Session, command: Credentials) -> None:
    """Refused in clear text when the settings require TLS (row TLS-06)."""
    require_privacy(session)
    opening = session.backend.login(command.user, command.password, session.peer)
    await admit(session, opening, lambda: command.user)
