# SPDX-License-Identifier: Apache-2.0
"""DIGEST-MD5 (RFC 2831) as handsets speak it (spec/omtp-vvm.md 9.4, rows AUTH-05 to AUTH-07).

Obsolete and only offered where a setting asks for it: Android's client prefers it to everything
else as soon as it is advertised.  No integrity or confidentiality layer, no subsequent
authentication.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import md5

from imap_server.auth.conversation import Conversation, only_itself, text
from imap_server.backend import Account, Denied
from imap_server.errors import Bad

_DIRECTIVE = re.compile(rb'[ \t]*([A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\\]*))[ \t]*(?:,|\Z)', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MOST_DIRECTIVES = 16


async def digest_md5(talk: Conversation) -> Account:
    """Challenge, response, ``rspauth`` in a continuation of its own, an empty line, the account.

    Android reads the challenge with neither blanks after commas nor capitals.  The digest URI is
    the client's: it names the host that the client believes in, or the realm.
    """
    nonce = secrets.token_hex(16).encode()
    realm = talk.realm.encode()
    challenge = b'realm="%b",nonce="%b",qop="auth",algorithm=md5-sess,charset=utf-8' % (realm, nonce)
    said = directives(await talk.answer(challenge))
    user = text(said.get(b"username", b""))
    uri = said.get(b"digest-uri", b"")
    if not user or b"cnonce" not in said or not uri.startswith(b"imap/"):
        raise Bad("malformed DIGEST-MD5 response")
    only_itself(text(said.get(b"authzid", b"")), user)
    if (
        said.get(b"nonce") != nonce
        or said.get(b"nc") != b"00000001"
        or said.get(b"qop", b"auth") != b"auth"
        or said.get(b"realm", b"") not in {b"", realm}
    ):
        raise Bad("DIGEST-MD5 response does not fit its challenge")
    password = await talk.password(user)
    secret = _first_hash(said, password)
    expected = _response(secret, said, b"AUTHENTICATE:" + uri)
    if not hmac.compare_digest(expected, said.get(b"response", b"").lower()):
        raise Denied("invalid password")
    if await talk.ask(b"rspauth=" + _response(secret, said, b":" + uri)):
        raise Bad("expected an empty line")
    return await talk.proven()


def directives(message: bytes) -> dict[bytes, bytes]:
    """``name=value`` pairs, names in lower case, values without quotes.  Raises Bad.

    Android begins with ``CHARSET`` in capitals, libcurl quotes ``nc``.
    """
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(message):
        pair = _DIRECTIVE.match(message, at)
        if pair is None or pair[1].lower() in found or len(found) == _MOST_DIRECTIVES:
            raise Bad("malformed DIGEST-MD5 response")
        found[pair[1].lower()] = pair[3].strip() if pair[2] is None else _ESCAPED.sub(rb"\1", pair[2])
        at = pair.end()
    return found


def _first_hash(said: dict[bytes, bytes], password: str) -> bytes:
    """The hash of who it is, for this session (``md5-sess``); the password is ASCII, so charsets agree."""
    realm = said.get(b"realm", b"")
    who = b"%b:%b:%b" % (said[b"username"], realm, password.encode())
    hashed = md5(who, usedforsecurity=False).digest()
    return _hex(b"%b:%b:%b" % (hashed, said[b"nonce"], said[b"cnonce"]))


def _response(secret: bytes, said: dict[bytes, bytes], second: bytes) -> bytes:
    middle = b":".join((said[b"nonce"], said[b"nc"], said[b"cnonce"], b"auth"))
    return _hex(b"%b:%b:%b" % (secret, middle, _hex(second)))


def _hex(octets: bytes) -> bytes:
    return md5(octets, usedforsecurity=False).hexdigest().encode()
