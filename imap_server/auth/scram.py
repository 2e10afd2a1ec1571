# SPDX-License-Identifier: Apache-2.0
"""SCRAM-SHA-256 (RFC 5802, RFC 7677): both sides prove that they know the password, neither sends it.

``-PLUS`` also proves that both sides saw the same certificate, so that nobody sits between them.  Of
the bindings there are it has ``tls-server-end-point`` (RFC 5929 section 4) alone: Python's ``ssl`` gives
neither ``tls-exporter`` (RFC 9266) nor what it would be made of.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import Final

from imap_server.auth.conversation import Conversation, only_itself, text
from imap_server.backend import Account, Denied
from imap_server.errors import Bad, No

PLUS: Final = "SCRAM-SHA-256-PLUS"
_BINDING = b"p=tls-server-end-point"
_ITERATIONS = 4096
"""The least that RFC 7677 section 4 allows: our passwords are random, so stretching adds nothing."""

_FIRST = re.compile(rb"((p=[^,]*|[ny]),(?:a=([^,]*))?,)(n=([^,]+),r=([!-+\--~]+)(?:,.*)?)", re.DOTALL)
_FINAL = re.compile(rb"(c=([^,]*),r=([^,]*)(?:,[^p].*)?),p=([^,]*)", re.DOTALL)


async def scram_sha_256(talk: Conversation) -> Account:
    """Without channel binding.

    A client that could have bound the channel and believes that we could not (``y``) was lied to when
    we had offered it (RFC 5802 section 6).
    """

    def bound(binding: bytes) -> bytes:
        if binding.startswith(b"p="):
            raise No("channel binding not supported")
        if binding == b"y" and talk.binds:
            raise Denied("the server does support channel binding")
        return b""

    return await _scram(talk, bound)


async def scram_sha_256_plus(talk: Conversation) -> Account:
    """With the hash of our certificate in what the client proves."""

    def bound(binding: bytes) -> bytes:
        if not binding.startswith(b"p="):
            raise Bad("channel binding is missing")
        if binding != _BINDING or talk.peer.end_point is None:
            raise No("of the channel bindings, only tls-server-end-point is supported")
        return talk.peer.end_point

    return await _scram(talk, bound)


async def _scram(talk: Conversation, bound: Callable[[bytes], bytes]) -> Account:
    """Two round trips, then the server's own proof in a continuation that the client answers empty.

    ``bound`` judges what the client says of channel binding, and gives the octets to bind.
    """
    opened = _FIRST.fullmatch(await talk.first())
    if opened is None:
        raise Bad("malformed SCRAM message")
    header, binding, identity, bare, name, client_nonce = opened.groups()
    channel = bound(binding)
    user = _name(name)
    only_itself(_name(identity or b""), user)
    password = await talk.password(user)

    salt = secrets.token_bytes(16)
    nonce = client_nonce + secrets.token_urlsafe(18).encode()
    challenge = b"r=%b,s=%b,i=%d" % (nonce, b64encode(salt), _ITERATIONS)
    final = _FINAL.fullmatch(await talk.ask(challenge))
    if final is None or _decoded(final[2]) != header + channel or final[3] != nonce:
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
