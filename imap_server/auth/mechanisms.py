# SPDX-License-Identifier: Apache-2.0
"""SASL mechanisms as conversations: ``ask`` sends a challenge and returns the response, both decoded.

Nothing here knows base64, tags or sockets.  A mechanism that proves a secret without sending it
(SCRAM, DIGEST-MD5) will need the backend's verifier and becomes a file of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from imap_server.errors import Bad, No

Ask = Callable[[bytes], Awaitable[bytes]]
"""Send a challenge, wait for the response.  Raises Bad when the client gives up."""


class Credentials(msgspec.Struct, frozen=True):
    """A name and the secret that came with it."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(***)"


Mechanism = Callable[[Ask, bytes | None], Awaitable[Credentials]]
"""``initial`` is what the client sent along with the command (RFC 4959), or None."""


async def plain(ask: Ask, initial: bytes | None) -> Credentials:
    """PLAIN (RFC 4616): authorization identity NUL name NUL password, in one message.

    Acting for somebody else is not offered: the identity is empty or the name itself.
    """
    message = await ask(b"") if initial is None else initial
    fields = message.split(b"\0")
    if len(fields) != 3:  # noqa: PLR2004 - the three fields of RFC 4616 section 2
        raise Bad("malformed PLAIN response")
    identity, user, password = fields
    if identity not in {b"", user}:
        raise No("authorization identity refused", code="AUTHORIZATIONFAILED")
    return Credentials(_text(user), _text(password))


async def login(ask: Ask, initial: bytes | None) -> Credentials:
    """LOGIN (draft-murchison-sasl-login): asks for the name, then for the password."""
    user = await ask(b"Username:") if initial is None else initial
    return Credentials(_text(user), _text(await ask(b"Password:")))


MECHANISMS: dict[bytes, Mechanism] = {b"PLAIN": plain, b"LOGIN": login}


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Bad("credentials are not UTF-8") from error
