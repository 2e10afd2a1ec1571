# SPDX-License-Identifier: Apache-2.0
"""CAPABILITY (RFC 3501 section 6.1.1)."""

from __future__ import annotations

from imap_server.capabilities import capabilities
from imap_server.session import ANY, Session
from imap_server.wire.lexer import Lexer

NAME = b"CAPABILITY"
STATES = ANY
CAPABILITY = None


def parse(line: Lexer) -> None:
    """No arguments."""
    line.end()


async def run(session: Session, command: None) -> None:
    """What may be asked here and now; AOSP asks again after STARTTLS."""
    del command
    session.untagged(b"CAPABILITY " + capabilities(session))
    session.ok("capabilities listed")
