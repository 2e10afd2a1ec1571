# SPDX-License-Identifier: Apache-2.0
"""Mailbox names in modified UTF-7 (RFC 3501 section 5.1.3), for clients that have not enabled IMAP4rev2.

What is printable ASCII stands for itself, ``&-`` is an ampersand, and everything else is UTF-16 in
base64 between ``&`` and ``-``, with a comma for the slash and no padding.
"""

from __future__ import annotations

import binascii
import re

_SHIFTED = re.compile(r"[^\x20-\x7e]+|&")
_ENCODED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_PLAIN = re.compile(rb"[\x20-\x25\x27-\x7e]*")


def encode(name: str) -> bytes:
    """The wire form of a name without lone surrogates."""
    return _SHIFTED.sub(lambda found: _shift(found[0]), name).encode("ascii")


def decode(text: bytes) -> str:
    """A name from its wire form; raises ValueError."""
    name: list[str] = []
    at = 0
    for found in _ENCODED.finditer(text):
        name += (_plain(text[at : found.start()]), _unshift(found[1]) if found[1] else "&")
        at = found.end()
    name.append(_plain(text[at:]))
    if "\0" in "".join(name):
        raise ValueError("holds a NUL")
    return "".join(name)


def _shift(run: str) -> str:
    if run == "&":
        return "&-"
    base64 = binascii.b2a_base64(run.encode("utf-16-be"), newline=False).decode("ascii")
    return f"&{base64.rstrip('=').replace('/', ',')}-"


def _unshift(base64: bytes) -> str:
    octets = binascii.a2b_base64(base64.replace(b",", b"/") + b"=" * (-len(base64) % 4), strict_mode=True)
    return octets.decode("utf-16-be")  # UnicodeDecodeError and binascii.Error are ValueErrors


def _plain(text: bytes) -> str:
    if not _PLAIN.fullmatch(text):
        raise ValueError("neither printable ASCII nor shifted")
    return text.decode("ascii")
