# SPDX-License-Identifier: Apache-2.0
"""AUTHENTICATE (RFC 3501 section 6.2.2) with an optional initial response (SASL-IR, RFC 4959)."""

from __future__ import annotations

import binascii
from base64 import b64encode

import msgspec

from imap_server.auth.admission import admit, require_privacy
from imap_server.auth.conversation import Conversation
from imap_server.auth.mechanisms import offered
from imap_server.auth.scram import PLUS
from imap_server.errors import Bad, No
from imap_server.session import NOT_LOGGED_IN, Session
from imap_server.wire.lexer import Lexer

NAME = b"AUTHENTICATE"
STATES = NOT_LOGGED_IN
CAPABILITY = None


class Authenticate(msgspec.Struct, frozen=True):
    """The mechanism's name in capitals, and the decoded initial response if one came along."""

    mechanism: bytes
    initial: bytes | None

    def __repr__(self) -> str:
        return f"Authenticate({self.mechanism!r}, ***)"


def parse(line: Lexer) -> Authenticate:
    """``=`` is the empty initial response (RFC 4959 section 3)."""
    line.space()
    mechanism = line.keyword()
    initial: bytes | None = None
    if line.accept(b" "):
        text = line.astring()
        initial = b"" if text == b"=" else _decode(text)
    line.end()
    return Authenticate(mechanism, initial)


async def run(session: Session, command: Authenticate) -> None:
    """No untagged line comes before the first continuation (row AUTH-12)."""
    require_privacy(session)
    settings = session.settings
    bound = session.peer.end_point is not None
    mechanisms = offered(settings.sasl_mechanisms, session.backend, bound=bound)
    mechanism = mechanisms.get(command.mechanism)
    if mechanism is None:
        raise No("mechanism not supported")

    async def ask(challenge: bytes) -> bytes:
        session.continuation(b64encode(challenge))
        response = await session.link.ask()
        if response == b"*":
            raise Bad("authentication cancelled")
        return _decode(response)

    talk = Conversation(
        ask,
        command.initial,
        backend=session.backend,
        peer=session.peer,
        realm=settings.sasl_realm,
        binds=PLUS.encode() in mechanisms,
    )
    await admit(session, mechanism(talk), lambda: talk.user)


def _decode(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error as error:
        raise Bad("response is not base64") from error
