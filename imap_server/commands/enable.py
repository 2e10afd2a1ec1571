# SPDX-License-Identifier: Apache-2.0
"""ENABLE (RFC 5161): from now on the client understands what older clients would stumble over."""

from __future__ import annotations

from imap_server.session import LOGGED_IN, Extension, Session
from imap_server.wire.lexer import Lexer

NAME = b"ENABLE"
STATES = LOGGED_IN
CAPABILITY = b"ENABLE"

_EXTENSIONS = {extension.value.upper(): extension for extension in Extension}


def parse(line: Lexer) -> tuple[bytes, ...]:
    """One name or more, in capitals."""
    names = []
    while line.accept(b" "):
        names.append(line.keyword())
    if not names:
        line.space()
    line.end()
    return tuple(names)


async def run(session: Session, command: tuple[bytes, ...]) -> None:
    """Names that are not known are passed over (RFC 5161 section 3.1)."""
    chosen = [_EXTENSIONS[name] for name in dict.fromkeys(command) if name in _EXTENSIONS]
    for extension in chosen:
        session.enable(extension)
    session.untagged(b" ".join([b"ENABLED", *(extension.value for extension in chosen)]))
    session.ok("enabled")
