# SPDX-License-Identifier: Apache-2.0
"""Header and octets of an SMS, wherever its PDU has them.

Ports and segment numbers stand in the user data header or in TLVs, the octets in short_message or in
message_payload (SMPP 3.4 sections 5.3.2.20 to 5.3.2.24 and 5.3.2.32).
"""

from __future__ import annotations

from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import DataSm, Sm
from sms_gateway.smpp.tlv import Tag, Tlv, Tlvs
from sms_gateway.text import udh
from sms_gateway.text.udh import Concatenation, Header, Ports


def octets_of(sm: Sm | DataSm) -> bytes:
    """short_message, or message_payload where that is empty; with the header, if there is one."""
    short = sm.short_message if isinstance(sm, Sm) else b""
    return short or tlv.find(sm.tlvs, Tag.MESSAGE_PAYLOAD) or b""


def read(sm: Sm | DataSm) -> tuple[Header, bytes]:
    """The header, however it was written, and what follows it.  Raises udh.BadHeader."""
    octets, header = octets_of(sm), Header()
    if sm.esm_class & udh.UDHI:
        header, octets = udh.decode(octets)
    return Header(
        ports=header.ports or _ports(sm.tlvs),
        concatenation=header.concatenation or _segmentation(sm.tlvs),
        indication=header.indication,
    ), octets


def header_tlvs(header: Header) -> Tlvs:
    """Ports and segment numbers in TLVs, for an SMSC that makes the header itself."""
    tlvs: list[Tlv] = []
    if header.ports is not None:
        tlvs += [
            Tlv(Tag.SOURCE_PORT, header.ports.originator.to_bytes(2, "big")),
            Tlv(Tag.DESTINATION_PORT, header.ports.destination.to_bytes(2, "big")),
        ]
    if header.concatenation is not None:
        part = header.concatenation
        tlvs += [
            Tlv(Tag.SAR_REFERENCE, part.reference.to_bytes(2, "big")),
            Tlv(Tag.SAR_TOTAL, bytes((part.total,))),
            Tlv(Tag.SAR_NUMBER, bytes((part.number,))),
        ]
    return tuple(tlvs)


def _ports(tlvs: Tlvs) -> Ports | None:
    destination = tlv.find_number(tlvs, Tag.DESTINATION_PORT)
    if destination is None:
        return None
    return Ports(destination, tlv.find_number(tlvs, Tag.SOURCE_PORT) or 0)


def _segmentation(tlvs: Tlvs) -> Concatenation | None:
    reference = tlv.find_number(tlvs, Tag.SAR_REFERENCE)
    total = tlv.find_number(tlvs, Tag.SAR_TOTAL)
    number = tlv.find_number(tlvs, Tag.SAR_NUMBER)
    if reference is None or total is None or number is None or not 1 <= number <= total:
        return None
    return Concatenation(reference, total, number)
