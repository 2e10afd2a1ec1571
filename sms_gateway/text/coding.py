# SPDX-License-Identifier: Apache-2.0
"""data_coding: which alphabet the user data is in (SMPP 3.4 section 5.2.19, TS 23.038 section 4).

SMPP names some values, passes the rest through to the radio's own scheme, and carriers mix both, so
every value has an answer.
"""

from __future__ import annotations

from sms_gateway.port import Coding
from sms_gateway.text import gsm7

_LATIN_1 = 0x03
_ASCII = 0x01
_NAMED = {
    0x00: Coding.GSM7,
    _ASCII: Coding.OCTETS,
    0x02: Coding.OCTETS,
    _LATIN_1: Coding.OCTETS,
    0x04: Coding.OCTETS,
    0x08: Coding.UCS2,
}
_ALPHABETS = (Coding.GSM7, Coding.OCTETS, Coding.UCS2, Coding.GSM7)


def of(data_coding: int) -> Coding:
    """The coding that a data_coding of the SMSC announces."""
    named = _NAMED.get(data_coding)
    if named is not None:
        return named
    match data_coding >> 4:
        case 0xF:  # message class: bit 2 tells 8-bit from 7-bit
            return Coding.OCTETS if data_coding & 0x04 else Coding.GSM7
        case 0xC | 0xD:  # message waiting, GSM 7-bit
            return Coding.GSM7
        case 0xE:  # message waiting, UCS-2
            return Coding.UCS2
        case 0x0 | 0x1 | 0x2 | 0x3 | 0x4 | 0x5 | 0x6 | 0x7:  # general data coding: bits 3-2
            return _ALPHABETS[data_coding >> 2 & 0x03]
        case _:
            return Coding.OCTETS


def text(octets: bytes, data_coding: int) -> str | None:
    """Read user data without its header; None where it is no text in the coding announced."""
    try:
        if data_coding == _LATIN_1:
            return octets.decode("latin-1")
        match of(data_coding):
            case Coding.GSM7:
                return gsm7.decode(octets)
            case Coding.UCS2:
                return octets.decode("utf-16-be")
            case Coding.OCTETS:
                return octets.decode("utf-8")
    except ValueError:
        return None
