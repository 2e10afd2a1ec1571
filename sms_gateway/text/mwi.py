# SPDX-License-Identifier: Apache-2.0
"""Message waiting indications: the handset's lamp and its count.

Two ways of saying it, and both may be used at once, for handsets and SMSCs that know only one: the
data coding groups 1100 to 1110 (TS 23.038 section 4) and element 0x01 of the user data header
(TS 23.040 section 9.2.3.24.2), which alone has a count and goes first where both are there.

An indication without a text asks the handset to discard the SMS, one with a text to store it.
"""

from __future__ import annotations

from sms_gateway.port import Coding, Waiting, WaitingForm, WaitingKind
from sms_gateway.text.udh import Indication

_DISCARD = 0xC0
_STORE = {Coding.GSM7: 0xD0, Coding.UCS2: 0xE0}
_ACTIVE = 0x08
_KINDS = {kind: bits for bits, kind in enumerate(WaitingKind)}
_STORE_BIT = 0x80
_LARGEST_COUNT = 255


def data_coding(waiting: Waiting, coding: Coding, *, text: bool) -> int | None:
    """The data coding that says it; None where the form leaves the coding alone.

    Raises KeyError for a text in 8 bits, which no group has.
    """
    if waiting.form is WaitingForm.HEADER:
        return None
    group = _STORE[coding] if text else _DISCARD
    return group | (_ACTIVE if waiting.count else 0) | _KINDS[waiting.kind]


def indication(waiting: Waiting, *, text: bool) -> Indication | None:
    """The element that says it; None where the form has none.  More than 255 count as 255."""
    if waiting.form is WaitingForm.CODING:
        return None
    kind = _KINDS[waiting.kind] | (_STORE_BIT if text else 0)
    return Indication(kind, min(waiting.count, _LARGEST_COUNT))
