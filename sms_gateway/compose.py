# SPDX-License-Identifier: Apache-2.0
"""The submit_sm of each segment of an SMS, as one SMSC wants them.  Pure."""

from __future__ import annotations

from sms_gateway.port import Coding, OutboundSms
from sms_gateway.settings import HeaderForm, SmscSettings
from sms_gateway.smpp.pdu import Address, Sm
from sms_gateway.smpp.tlv import Tag, Tlv, Tlvs
from sms_gateway.smpp.validity import relative
from sms_gateway.text import gsm7, mwi
from sms_gateway.text.segments import Segment, TooLong, cut
from sms_gateway.text.udh import UDHI, Header
from sms_gateway.user_data import header_tlvs

_SHORT_REFERENCE = 0xFF


class Unfit(ValueError):
    """The SMS cannot be said as it is asked for; ``reason`` is a stable word for a dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def compose(sms: OutboundSms, settings: SmscSettings) -> list[Sm]:
    """One submit_sm a segment, in order; only one, where the SMSC itself cuts.  Raises Unfit."""
    coding = spoken(sms, settings.gsm7_unsafe)
    # An indication is in the header or nowhere: there is no TLV that has its count.
    form = settings.header_form if sms.waiting is None else HeaderForm.UDH
    segments = cut_up(sms, coding, wide=form is not HeaderForm.UDH)
    data_coding = _data_coding(sms, coding, settings)
    if form is HeaderForm.UDH or form is HeaderForm.UDH16:
        return [
            _sm(sms, settings, data_coding, octets=segment.user_data, has_header=segment.has_header)
            for segment in segments
        ]
    if form is HeaderForm.PAYLOAD and len(segments) > 1:
        whole = b"".join(segment.octets for segment in segments)
        ports = Header(segments[0].header.ports)
        tlvs = (*header_tlvs(ports), Tlv(Tag.MESSAGE_PAYLOAD, whole))
        return [_sm(sms, settings, data_coding, tlvs=tlvs)]
    return [
        _sm(sms, settings, data_coding, octets=segment.octets, tlvs=header_tlvs(segment.header))
        for segment in segments
    ]


def spoken(sms: OutboundSms, gsm7_unsafe: Coding) -> Coding:
    """The coding that the text is sent in: GSM 7-bit gives way where an SMSC might garble it."""
    if sms.coding is not Coding.GSM7 or gsm7_unsafe is Coding.GSM7 or gsm7.is_safe(sms.text):
        return sms.coding
    return gsm7_unsafe if sms.waiting is None else Coding.UCS2


def cut_up(sms: OutboundSms, coding: Coding, *, wide: bool) -> tuple[Segment, ...]:
    """The segments with their headers; ``wide``: a reference of 16 bits may be used.  Raises Unfit."""
    indication = None
    if sms.waiting is not None:
        # A handset may throw an indication away before its client sees it (TS 23.040 9.2.3.24.2), so
        # what a client shall read - it has a port, or is in 8 bits - must never be in one.
        if sms.port:
            raise Unfit("mwi_with_port")
        if sms.text and coding is Coding.OCTETS:
            raise Unfit("mwi_in_octets")
        indication = mwi.indication(sms.waiting, text=bool(sms.text))
    reference = sms.reference if wide else sms.reference & _SHORT_REFERENCE
    try:
        return cut(sms.text, coding=coding, port=sms.port, reference=reference, indication=indication)
    except TooLong:
        raise Unfit("too_long") from None
    except (gsm7.NotInAlphabet, UnicodeError):
        raise Unfit("not_in_alphabet") from None
    except ValueError:
        raise Unfit("unencodable") from None


def _data_coding(sms: OutboundSms, coding: Coding, settings: SmscSettings) -> int:
    if sms.waiting is not None:
        waiting = mwi.data_coding(sms.waiting, coding, text=bool(sms.text))
        if waiting is not None:
            return waiting
        if not sms.text:
            return 0x00
    match coding:
        case Coding.OCTETS:
            return settings.data_coding_octets
        case Coding.GSM7:
            return 0x00
        case Coding.UCS2:
            return 0x08


def _sm(
    sms: OutboundSms,
    settings: SmscSettings,
    data_coding: int,
    *,
    octets: bytes = b"",
    has_header: bool = False,
    tlvs: Tlvs = (),
) -> Sm:
    return Sm(
        source=Address(settings.source_ton, settings.source_npi, sms.source.encode()),
        destination=Address(
            settings.destination_ton, settings.destination_npi, sms.recipient.lstrip("+").encode()
        ),
        short_message=octets,
        service_type=settings.service_type.encode(),
        esm_class=settings.esm_mode | (UDHI if has_header else 0),
        protocol_id=settings.protocol_id,
        validity=relative(sms.validity),
        registered_delivery=settings.registered_delivery,
        data_coding=data_coding,
        tlvs=tlvs,
    )
