# SPDX-License-Identifier: Apache-2.0
"""Read delivery receipts, whose text every SMSC writes in its own way (SMPP 3.4 Appendix B).

TLVs are believed first, then the text.  Nothing here raises: a receipt that cannot be read must be
acknowledged like any other, or the SMSC sends it for ever.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from sms_gateway.port import MessageState
from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import DataSm, Sm
from sms_gateway.smpp.tlv import Tag

_TYPE = 0x3C
"""The bits of esm_class that tell a receipt from a message (section 5.2.12)."""
_RECEIPT_TYPES = {0x04, 0x20}  # SMSC delivery receipt, intermediate notification

# Possessive, so that "id: sub:001" is an empty id and a hostile text costs no backtracking.
_FIELD = re.compile(rb"\b(id|stat|err)\s*:\s*([^\s:;]++)(?!:)", re.IGNORECASE)
_TEXT = re.compile(rb"\btext\s*:", re.IGNORECASE)

_BY_NUMBER = dict(enumerate(MessageState, start=1))
"""message_state (section 5.2.28): the enum stands in the specification's order."""

_BY_PREFIX = {state.value[:5].upper(): state for state in MessageState}
"""Appendix B cuts the words to seven letters, some SMSCs do not, so five must do."""


class IdForm(StrEnum):
    """How an SMSC writes message ids; some write them differently in responses and receipts."""

    TEXT = "text"
    DECIMAL = "decimal"
    HEXADECIMAL = "hexadecimal"


class Report(msgspec.Struct, frozen=True):
    """What a receipt says, as far as it could be read."""

    message_id: bytes
    state: MessageState
    error: str


def is_receipt(sm: Sm | DataSm) -> bool:
    """Whether the SMSC itself speaks.  A handset cannot set esm_class or the TLV, only the text."""
    return sm.esm_class & _TYPE in _RECEIPT_TYPES or (tlv.find(sm.tlvs, Tag.RECEIPTED_MESSAGE_ID) is not None)


def read(sm: Sm | DataSm, body: bytes) -> Report:
    """Read a receipt whose text is ``body``.  What is missing is empty, or UNKNOWN."""
    fields: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(_TEXT.split(body, maxsplit=1)[0]):
        fields.setdefault(match[1].lower(), match[2])
    message_id = tlv.find(sm.tlvs, Tag.RECEIPTED_MESSAGE_ID)
    number = tlv.find_number(sm.tlvs, Tag.MESSAGE_STATE)
    error = tlv.find(sm.tlvs, Tag.NETWORK_ERROR_CODE)
    word = fields.get(b"stat", b"").decode("latin-1").upper()
    return Report(
        message_id=message_id.rstrip(b"\0") if message_id else fields.get(b"id", b""),
        state=_BY_NUMBER.get(number or 0) or _BY_PREFIX.get(word[:5], MessageState.UNKNOWN),
        error=fields[b"err"].decode("latin-1") if b"err" in fields else (error or b"").hex(),
    )


def normal_id(message_id: bytes, form: IdForm) -> str:
    """Write a message id so that response and receipt can be compared.

    Case and leading zeros do not count; a number comes out in decimal.  An id that is not what the
    form says is treated as text.
    """
    written = message_id.decode("latin-1").strip().lower().lstrip("0") or "0"
    if not message_id.strip(b"\0 "):
        return ""
    try:
        match form:
            case IdForm.TEXT:
                return written
            case IdForm.DECIMAL:
                return str(int(written))
            case IdForm.HEXADECIMAL:
                return str(int(written, 16))
    except ValueError:
        return written
