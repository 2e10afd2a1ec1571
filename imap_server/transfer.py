# SPDX-License-Identifier: Apache-2.0
"""Undo a part's content-transfer-encoding (RFC 2045 section 6), for SEARCH and for BINARY."""

from __future__ import annotations

import binascii
import quopri
import re

from imap_server.wire.output import Octets

_ENCODING = re.compile(
    rb"^Content-Transfer-Encoding[ \t]*:[ \t\r\n]*([!-9;-~]+)", re.IGNORECASE | re.MULTILINE
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_AS_IS = frozenset({b"7bit", b"8bit", b"binary"})


class UnknownEncoding(Exception):
    """The part is encoded in a way that RFC 2045 does not know, or not as it claims."""


def encoding(mime_header: Octets) -> bytes:
    """What a part's MIME header says, in lower case; ``7bit`` where it says nothing."""
    found = _ENCODING.search(mime_header)
    return found[1].lower() if found else b"7bit"


def as_is(named: bytes) -> bool:
    """Whether what is encoded so is what it stands for."""
    return named in _AS_IS


def decoded(content: Octets, named: bytes) -> Octets:
    """The octets that ``content`` stands for, which may be ``content`` itself; raises UnknownEncoding.

    Base64 is read as RFC 2045 section 6.8 asks: what is not of its alphabet is passed over.
    """
    if named in _AS_IS:
        return content
    if named == b"quoted-printable":
        return quopri.decodestring(content)
    if named != b"base64":
        raise UnknownEncoding
    kept = _NOT_BASE64.sub(b"", content)
    try:
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    except binascii.Error as error:
        raise UnknownEncoding from error
