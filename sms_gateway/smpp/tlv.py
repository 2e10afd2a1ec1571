# SPDX-License-Identifier: Apache-2.0
"""Optional parameters (SMPP 3.4 section 5.3): tag and octets, whatever the tag.

Tags that we do not know are kept, because carriers invent their own; only the reader of a value
decides what it means.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum

import msgspec

_HEAD = struct.Struct("!HH")


class Tag(IntEnum):
    """The tags that this gateway reads (section 5.3.2); any other value is as welcome."""

    RECEIPTED_MESSAGE_ID = 0x001E
    USER_REFERENCE = 0x0204
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_REFERENCE = 0x020C
    SAR_TOTAL = 0x020E
    SAR_NUMBER = 0x020F
    AVAILABILITY = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428
    """SMPP 5.0 section 4.8.4.18."""


class Tlv(msgspec.Struct, frozen=True):
    tag: int
    value: bytes


Tlvs = tuple[Tlv, ...]


def encode(tlvs: Iterable[Tlv]) -> bytes:
    """Raises struct.error for a tag or a value of more than 65535."""
    return b"".join(_HEAD.pack(tlv.tag, len(tlv.value)) + tlv.value for tlv in tlvs)


def decode(data: bytes, start: int) -> Tlvs:
    """Read all that stands from ``start`` to the end.  Raises ValueError where a value is cut short."""
    tlvs = []
    end = len(data)
    while start < end:
        if end - start < _HEAD.size:
            raise ValueError("octets left over after the last TLV")
        tag, length = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        if end - start < length:
            raise ValueError("a TLV is longer than its PDU")
        tlvs.append(Tlv(tag, data[start : start + length]))
        start += length
    return tuple(tlvs)


def find(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first TLV with this tag."""
    for tlv in tlvs:
        if tlv.tag == tag:
            return tlv.value
    return None


def find_number(tlvs: Tlvs, tag: int) -> int | None:
    """The value as an unsigned number of whatever width the SMSC chose."""
    value = find(tlvs, tag)
    return None if value is None else int.from_bytes(value, "big")
