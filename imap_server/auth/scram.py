# SPDX-License-Identifier: Apache-2.0
"""SCRAM-SHA-256 (RFC 5802, RFC 7677): both sides prove that they know the password, neither sends it.

There is no ``-PLUS``: it needs the ``tls-exporter`` binding (RFC 9266), which Python's ``ssl`` does
not give for TLS 1.3.  A client that could have bound the channel may say so (``y``); one that
insists (``p=``) is refused.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from base64 import b64encode

from imap_server.auth.conversation import Conversation, only_itself, text
from imap_server.backend import Account, Denied
from imap_server.errors import Bad, No

_ITERATIONS = 4096
"""The least that RFC 7677 section 4 allows: our passwords are random, so stretching adds nothing."""

_FIRST = re.compile(rb"((p=[^,]*|[ny]),(?:a=([^,]*))?,)(n=([^,]+),r=([!-+\--~]+)(?:,.*)?)", re.DOTALL)
_FINAL = re.compile(rb"(c=([^,]*),r=([^,]*)(?:,[^p].*)?),p=([^,]*)", re.DOTALL)


async def scram_sha_256(talk: Conversation) -> Account:
    """Two round trips, then the server's own proof in a continuation that the client answers empty."""
    opened = _FIRST.fullmatch(await talk.first())
    if opened is None:
        raise Bad("malformed SCRAM message")
    header, binding, identity, bare, name, client_nonce = opened.groups()
    if binding.startswith(b"p="):
        raise No("channel binding not supported")
    user = _name(name)
    only_itself(_name(identity or b""), user)
    password = await talk.password(user)

    salt = secrets.token_bytes(16)
    nonce = client_nonce + secrets.token_urlsafe(18).encode()
    challenge = b"r=%b,s=%b,i=%d" % (nonce, b64encode(salt), _ITERATIONS)
    final = _FINAL.fullmatch(await talk.ask(challenge))
    if final is None or _decoded(final[2]) != header or final[3] != nonce:
        raise Bad("SCRAM message does not fit the one before")

    signed = b",".join((bare, challenge, final[1]))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    if not _proves(_decoded(final[4]), salted, signed):
        raise Denied("invalid password")
    proof = _hmac(_hmac(salted, b"Server Key"), signed)
    if await talk.ask(b"v=" + b64encode(proof)):
        raise Bad("expected an empty line")
    return await talk.proven()


def _proves(proof: bytes, salted: bytes, signed: bytes) -> bool:
    """Whether the proof is the client's key hidden under a signature of the conversation (RFC 5802 3)."""
    key = _hmac(salted, b"Client Key")
    signature = _hmac(hashlib.sha256(key).digest(), signed)
    return hmac.compare_digest(proof, bytes(a ^ b for a, b in zip(key, signature, strict=True)))


def _hmac(key: bytes, octets: bytes) -> bytes:
    return hmac.digest(key, octets, "sha256")


def _name(wire: bytes) -> str:
    """A name as RFC 5802 section 5.1 escapes it.  Ours are ASCII, on which SASLprep changes nothing."""
    if re.search(rb"=(?!2C|3D)", wire):
        raise Bad("malformed SCRAM name")
    return text(wire.replace(b"=2C", b",").replace(b"=3D", b"="))


def _decoded(wire: bytes) -> bytes:
    try:
        return binascii.a2b_base64(wire, strict_mode=True)
    except binascii.Error as error:
        raise Bad("malformed SCRAM message") from error
