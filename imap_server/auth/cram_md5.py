# SPDX-License-Identifier: Apache-2.0
"""CRAM-MD5 (RFC 2195): an old proof that some iPhones on carrier networks still use."""

from __future__ import annotations

import hmac
import secrets

from imap_server.auth.conversation import Conversation, text
from imap_server.backend import Account, Denied


async def cram_md5(talk: Conversation) -> Account:
    """The challenge looks like a Message-ID; the answer is the name, a space, and a keyed hash of it."""
    challenge = f"<{secrets.token_hex(16)}@{talk.realm or 'imap'}>".encode()
    user, _, digest = (await talk.answer(challenge)).rpartition(b" ")
    password = await talk.password(text(user))
    expected = hmac.new(password.encode(), challenge, "md5").hexdigest().encode()
    if not hmac.compare_digest(expected, digest.lower()):
        raise Denied("invalid password")
    return await talk.proven()
