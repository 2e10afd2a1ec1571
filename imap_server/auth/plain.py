# SPDX-License-Identifier: Apache-2.0
"""PLAIN and LOGIN: the password crosses the network, so TLS has to hide it."""

from __future__ import annotations

from imap_server.auth.conversation import ActsForOthers, Conversation, only_itself, text
from imap_server.backend import Account
from imap_server.errors import Bad


async def plain(talk: Conversation) -> Account:
    """PLAIN (RFC 4616): authorization identity NUL name NUL password, in one message.

    An identity that is somebody else's is the backend's to admit, where it knows such users:
    Asterisk's voicemail opens every mailbox so.
    """
    fields = (await talk.first()).split(b"\0")
    if len(fields) != 3:  # noqa: PLR2004 - the three fields of RFC 4616 section 2
        raise Bad("malformed PLAIN response")
    identity, user, password = map(text, fields)
    talk.user = user
    if identity not in {"", user} and isinstance(talk.backend, ActsForOthers):
        return await talk.backend.login_as(identity, user, password, talk.peer)
    only_itself(identity, user)
    return await talk.backend.login(user, password, talk.peer)


async def login(talk: Conversation) -> Account:
    """LOGIN (draft-murchison-sasl-login): asks for the name, then for the password."""
    talk.user = text(await talk.first(b"Username:"))
    password = text(await talk.ask(b"Password:"))
    return await talk.backend.login(talk.user, password, talk.peer)
