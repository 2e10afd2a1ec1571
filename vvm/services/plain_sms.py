# SPDX-License-Identifier: Apache-2.0
"""SMS that people read, and no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from vvm.domain.subscriber import SmsCoding

_NOT_IN_GSM7 = "`"
"""Of ASCII; the other letters are in the default alphabet or its extension (TS 23.038 6.2.1).

What is beyond ASCII goes in UCS-2, although the alphabet has some of it: an SMSC that takes another
table for the default one would garble it.
"""


class PlainSms(msgspec.Struct, frozen=True):
    """No port, no prefix."""

    text: str
    coding: SmsCoding
    waiting: int | None = None
    """Makes it a message waiting indication with this count; 0 puts the lamp out."""


def plain_sms(text: str) -> PlainSms:
    gsm7 = text.isascii() and _NOT_IN_GSM7 not in text
    return PlainSms(text, SmsCoding.GSM7 if gsm7 else SmsCoding.UCS2)


def in_language(texts: Mapping[str, str], languages: Sequence[str], *, or_else: str) -> str:
    """The text of the first language that has one."""
    return next((texts[language] for language in languages if language in texts), or_else)
