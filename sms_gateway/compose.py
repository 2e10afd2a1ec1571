# SPDX-License-Identifier: Apache-2.0
"""The submit_sm of each segment of an SMS, as one SMSC wants them.  Pure."""

from __future__ import annotations

from sms_gateway.port import Coding, OutboundSms
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp.pdu import Address, Sm
from sms_gateway.smpp.validity import relative
from sms_gateway.text.gsm7 import NotInAlphabet
from sms_gateway.text.segments import Segment, TooLong, cut
from sms_gateway.text.udh import UDHI


class Unfit(ValueError):
    """The SMS cannot be said as it is asked for; ``reason`` is a stable word for a dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def compose(sms: OutboundSms, settings: SmscSettings) -> list[Sm]:
    """One submit_sm a segment, in order.  Raises Unfit."""
    return [_sm(sms, segment, settings) for segment in segments_of(sms)]


def segments_of(sms: OutboundSms) -> tuple[Segment, ...]:
    """Raises Unfit."""
    try:
        return cut(sms.text, coding=sms.coding, port=sms.port, reference=sms.reference)
    except TooLong:
        raise Unfit("too_long") from None
    except (NotInAlphabet, UnicodeError):
        raise Unfit("not_in_alphabet") from None
    except ValueError:
        raise Unfit("unencodable") from None


def _sm(sms: OutboundSms, segment: Segment, settings: SmscSettings) -> Sm:
    return Sm(
        source=Address(settings.source_ton, settings.source_npi, sms.source.encode()),
        destination=Address(
            settings.destination_ton, settings.destination_npi, sms.recipient.lstrip("+").encode()
        ),
        short_message=segment.user_data,
        service_type=settings.service_type.encode(),
        esm_class=settings.esm_mode | (UDHI if segment.has_header else 0),
        protocol_id=settings.protocol_id,
        validity=relative(sms.validity),
        registered_delivery=settings.registered_delivery,
        data_coding=_data_coding(sms.coding, settings),
    )


def _data_coding(coding: Coding, settings: SmscSettings) -> int:
    match coding:
        case Coding.OCTETS:
            return settings.data_coding_octets
        case Coding.GSM7:
            return 0x00
        case Coding.UCS2:
            return 0x08
