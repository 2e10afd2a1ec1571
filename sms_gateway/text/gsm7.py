# SPDX-License-Identifier: Apache-2.0
"""The GSM 7-bit default alphabet and its extension table (TS 23.038 section 6.2.1).

Over SMPP each septet travels in an octet of its own; packing them for the radio is the SMSC's work.
"""

from __future__ import annotations

import string

ESCAPE = 0x1B
"""The next septet is from the extension table."""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_SEPTETS = {
    **{character: bytes((septet,)) for septet, character in enumerate(_BASIC) if septet != ESCAPE},
    **{character: bytes((ESCAPE, septet)) for septet, character in _EXTENSION.items()},
}


# Letters, digits and signs that have one code in GSM 7-bit, in ASCII and in its national variants
# (ISO 646): an SMSC that mistakes one table for the other does them no harm.
_SAFE = frozenset(string.ascii_letters + string.digits + " \r\n!\"%&'()*+,-./:;<=>?")


class NotInAlphabet(ValueError):
    """The text has a character that GSM 7-bit cannot say."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the character at {position} is not in the GSM 7-bit alphabet")
        self.position = position


def encode(text: str) -> bytes:
    """One septet an octet, and one or two for a character.  Raises NotInAlphabet."""
    try:
        return b"".join([_SEPTETS[character] for character in text])
    except KeyError as error:
        raise NotInAlphabet(text.index(error.args[0])) from None


def is_safe(text: str) -> bool:
    """Whether no SMSC's own table can garble the text; ``@``, ``_``, ``$`` and ``#`` are not safe."""
    return _SAFE.issuperset(text)


def decode(data: bytes) -> str:
    """Read septets, one an octet.  Raises ValueError for an octet over 127.

    After an escape, a septet that the extension table does not have stands for its character of the
    basic table, and a second escape for a space, as section 6.2.1.1 asks of receivers.
    """
    characters = []
    escaped = False
    for septet in data:
        if septet >= len(_BASIC):
            raise ValueError("not a septet")
        if escaped:
            escaped = False
            characters.append(" " if septet == ESCAPE else _EXTENSION.get(septet, _BASIC[septet]))
        elif septet == ESCAPE:
            escaped = True
        else:
            characters.append(_BASIC[septet])
    return "".join(characters)
