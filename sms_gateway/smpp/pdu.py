# SPDX-License-Identifier: Apache-2.0
"""PDUs of SMPP 3.4 (section 4): octets in, structs out, and back.

Octets stay octets: addresses, identifiers and message bodies are ``bytes``, and every number may
have a value that the specification does not know, because carriers send such values and a gateway
that rejects them loses messages.

Of the structs that a full window has many of, ``gc=False`` spares the garbage collector the look:
octets, numbers and tuples of them are never part of a circle.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum

import msgspec

from sms_gateway.smpp import tlv
from sms_gateway.smpp.framer import HEADER_BYTES
from sms_gateway.smpp.tlv import Tlvs

RESPONSE = 0x80000000
"""The bit that makes a command its response (section 5.1.2.1)."""

VERSION = 0x34
"""interface_version of SMPP 3.4 (section 5.2.4)."""

_HEADER = struct.Struct("!IIII")
_SM_HEAD = struct.Struct("!BBB")
_SM_TAIL = struct.Struct("!BBBBB")
_SM = (
    b"%b\0"  # service_type
    b"%c%c%b\0"  # source: type of number, numbering plan, digits
    b"%c%c%b\0"  # destination
    b"%c%c%c"  # esm_class, protocol_id, priority_flag
    b"%b\0%b\0"  # schedule_delivery_time, validity_period
    b"%c%c%c%c"  # registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id
    b"%c%b"  # short_message behind its length
)
"""A submit_sm is all that is written often: in one go, which takes a quarter of the time."""


class Command(IntEnum):
    """command_id (section 5.1.2.1), requests only; a response is ``request | RESPONSE``."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    ALERT_NOTIFICATION = 0x102
    DATA_SM = 0x103


GENERIC_NACK = RESPONSE
"""Answers what is not a valid command (section 4.3.1)."""


class PduError(ValueError):
    """The octets of a body do not make the PDU that its header announces, or a struct does not fit one.

    When decoding, ``command`` and ``sequence`` are those of the header, which could be read.
    """

    def __init__(self, reason: str, *, command: int = 0, status: int = 0, sequence: int = 0) -> None:
        super().__init__(f"command {command:#010x}: {reason}")
        self.command = command
        self.status = status
        self.sequence = sequence


class Address(msgspec.Struct, frozen=True, gc=False):
    """A number or a name, with type of number and numbering plan (sections 5.2.5 and 5.2.6)."""

    ton: int = 0
    npi: int = 0
    digits: bytes = b""


class Bind(msgspec.Struct, frozen=True):
    """bind_transceiver, bind_transmitter and bind_receiver (section 4.1)."""

    system_id: bytes
    password: bytes
    system_type: bytes = b""
    interface_version: int = VERSION
    address_range: Address = Address()

    def __repr__(self) -> str:
        # Without the password, wherever a traceback may show it.
        return f"Bind(system_id={self.system_id!r})"


class BindResponse(msgspec.Struct, frozen=True):
    """Section 4.1.2; the body may be missing."""

    system_id: bytes = b""
    tlvs: Tlvs = ()


class Sm(msgspec.Struct, frozen=True, gc=False):
    """submit_sm and deliver_sm: the same fields (sections 4.4.1 and 4.6.1)."""

    source: Address
    destination: Address
    short_message: bytes = b""
    service_type: bytes = b""
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule: bytes = b""
    validity: bytes = b""
    registered_delivery: int = 0
    replace_if_present: int = 0
    data_coding: int = 0
    default_message_id: int = 0
    tlvs: Tlvs = ()


class DataSm(msgspec.Struct, frozen=True):
    """data_sm (section 4.7.1): the body is in the message_payload TLV."""

    source: Address
    destination: Address
    service_type: bytes = b""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: Tlvs = ()


class Alert(msgspec.Struct, frozen=True):
    """alert_notification (section 4.12.1): the handset can be reached again.  It has no response."""

    handset: Address
    esme: Address
    tlvs: Tlvs = ()


class SmResponse(msgspec.Struct, frozen=True, gc=False):
    """What answers submit_sm, deliver_sm and data_sm (sections 4.4.2, 4.6.2, 4.7.2).

    The body may be missing, on errors by the book and on success by some SMSCs.
    """

    message_id: bytes = b""
    tlvs: Tlvs = ()


class Empty(msgspec.Struct, frozen=True, gc=False):
    """enquire_link, unbind, their responses, generic_nack: nothing but a header."""


class Raw(msgspec.Struct, frozen=True):
    """The body of a command that this gateway does not speak."""

    octets: bytes


Body = Bind | BindResponse | Sm | DataSm | Alert | SmResponse | Empty | Raw


class Pdu(msgspec.Struct, frozen=True, gc=False):
    """One PDU: header (section 3.2) and body."""

    command: int
    sequence: int
    body: Body = Empty()
    status: int = 0

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)


def encode(pdu: Pdu) -> bytes:
    """Make the octets of a PDU.

    Raises PduError where a value does not fit its field: a NUL inside a string, more than 255 octets
    of short_message, a number too wide.
    """
    try:
        body = _encode_body(pdu.body)
        return _HEADER.pack(HEADER_BYTES + len(body), pdu.command, pdu.status, pdu.sequence) + body
    except (ValueError, OverflowError, struct.error) as error:
        raise PduError(str(error), command=pdu.command, sequence=pdu.sequence) from error


def decode(frame: bytes) -> Pdu:
    """Read one frame of ``Framer``.

    Raises PduError, and nothing else, where the body does not hold what the header announces.
    """
    try:
        _, command, status, sequence = _HEADER.unpack_from(frame)
    except struct.error as error:
        raise PduError("shorter than a header") from error
    read = _READERS.get(command, _read_raw)
    try:
        return Pdu(command, sequence, read(frame), status)
    except (ValueError, IndexError, struct.error) as error:
        raise PduError(str(error), command=command, status=status, sequence=sequence) from error


def response(request: Pdu, *, status: int = 0) -> Pdu:
    """What answers a request of the peer: same sequence number, a body only where one belongs."""
    carries_id = request.command in _CARRY_MESSAGE_ID
    return Pdu(
        command=request.command | RESPONSE,
        sequence=request.sequence,
        body=SmResponse() if carries_id else Empty(),
        status=status,
    )


_CARRY_MESSAGE_ID = {Command.SUBMIT_SM, Command.DELIVER_SM, Command.DATA_SM}


def _encode_body(body: Body) -> bytes:
    match body:
        case Sm():
            return _encode_sm(body)
        case SmResponse():
            return _c_string(body.message_id) + tlv.encode(body.tlvs)
        case Empty():
            return b""
        case DataSm():
            numbers = bytes((body.esm_class, body.registered_delivery, body.data_coding))
            return b"".join(
                (
                    _c_string(body.service_type),
                    _encode_address(body.source),
                    _encode_address(body.destination),
                    numbers,
                    tlv.encode(body.tlvs),
                )
            )
        case Bind():
            return b"".join(
                (
                    _c_string(body.system_id),
                    _c_string(body.password),
                    _c_string(body.system_type),
                    bytes((body.interface_version,)),
                    _encode_address(body.address_range),
                )
            )
        case Alert():
            return _encode_address(body.handset) + _encode_address(body.esme) + tlv.encode(body.tlvs)
        case BindResponse():
            return _c_string(body.system_id) + tlv.encode(body.tlvs)
        case Raw():
            return body.octets


def _encode_sm(sm: Sm) -> bytes:
    source, destination = sm.source, sm.destination
    _refuse_nul(sm.service_type + source.digits + destination.digits + sm.schedule + sm.validity)
    body = _SM % (
        sm.service_type,
        source.ton,
        source.npi,
        source.digits,
        destination.ton,
        destination.npi,
        destination.digits,
        sm.esm_class,
        sm.protocol_id,
        sm.priority,
        sm.schedule,
        sm.validity,
        sm.registered_delivery,
        sm.replace_if_present,
        sm.data_coding,
        sm.default_message_id,
        len(sm.short_message),
        sm.short_message,
    )
    return body + tlv.encode(sm.tlvs) if sm.tlvs else body


def _encode_address(address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + _c_string(address.digits)


def _c_string(value: bytes) -> bytes:
    """A C-Octet String (section 3.1): ends with the first NUL, so it can hold none."""
    _refuse_nul(value)
    return value + b"\0"


def _refuse_nul(value: bytes) -> None:
    if b"\0" in value:
        raise ValueError("a NUL inside a C-octet string")


def _read_c_string(frame: bytes, at: int) -> tuple[bytes, int]:
    end = frame.index(b"\0", at)
    return frame[at:end], end + 1


def _read_address(frame: bytes, at: int) -> tuple[Address, int]:
    digits, end = _read_c_string(frame, at + 2)
    return Address(frame[at], frame[at + 1], digits), end


def _read_sm(frame: bytes) -> Sm:
    service_type, at = _read_c_string(frame, HEADER_BYTES)
    source, at = _read_address(frame, at)
    destination, at = _read_address(frame, at)
    esm_class, protocol_id, priority = _SM_HEAD.unpack_from(frame, at)
    schedule, at = _read_c_string(frame, at + _SM_HEAD.size)
    validity, at = _read_c_string(frame, at)
    registered_delivery, replace, data_coding, default_message_id, length = _SM_TAIL.unpack_from(frame, at)
    start = at + _SM_TAIL.size
    end = start + length
    if end > len(frame):
        raise ValueError("sm_length is longer than the PDU")
    return Sm(
        source=source,
        destination=destination,
        short_message=frame[start:end],
        service_type=service_type,
        esm_class=esm_class,
        protocol_id=protocol_id,
        priority=priority,
        schedule=schedule,
        validity=validity,
        registered_delivery=registered_delivery,
        replace_if_present=replace,
        data_coding=data_coding,
        default_message_id=default_message_id,
        tlvs=tlv.decode(frame, end),
    )


def _read_data_sm(frame: bytes) -> DataSm:
    service_type, at = _read_c_string(frame, HEADER_BYTES)
    source, at = _read_address(frame, at)
    destination, at = _read_address(frame, at)
    return DataSm(
        source=source,
        destination=destination,
        service_type=service_type,
        esm_class=frame[at],
        registered_delivery=frame[at + 1],
        data_coding=frame[at + 2],
        tlvs=tlv.decode(frame, at + 3),
    )


def _read_alert(frame: bytes) -> Alert:
    handset, at = _read_address(frame, HEADER_BYTES)
    esme, at = _read_address(frame, at)
    return Alert(handset, esme, tlv.decode(frame, at))


def _read_sm_response(frame: bytes) -> SmResponse:
    if len(frame) == HEADER_BYTES:
        return SmResponse()
    message_id, at = _read_c_string(frame, HEADER_BYTES)
    return SmResponse(message_id, tlv.decode(frame, at))


def _read_bind(frame: bytes) -> Bind:
    system_id, at = _read_c_string(frame, HEADER_BYTES)
    password, at = _read_c_string(frame, at)
    system_type, at = _read_c_string(frame, at)
    address_range, _ = _read_address(frame, at + 1)
    return Bind(system_id, password, system_type, frame[at], address_range)


def _read_bind_response(frame: bytes) -> BindResponse:
    if len(frame) == HEADER_BYTES:
        return BindResponse()
    system_id, at = _read_c_string(frame, HEADER_BYTES)
    return BindResponse(system_id, tlv.decode(frame, at))


def _read_empty(_frame: bytes) -> Empty:
    """Whatever stands behind the header is not asked for, and ignored."""
    return Empty()


def _read_raw(frame: bytes) -> Raw:
    return Raw(frame[HEADER_BYTES:])


_READERS: dict[int, Callable[[bytes], Body]] = {
    Command.BIND_RECEIVER: _read_bind,
    Command.BIND_TRANSMITTER: _read_bind,
    Command.BIND_TRANSCEIVER: _read_bind,
    Command.BIND_RECEIVER | RESPONSE: _read_bind_response,
    Command.BIND_TRANSMITTER | RESPONSE: _read_bind_response,
    Command.BIND_TRANSCEIVER | RESPONSE: _read_bind_response,
    Command.SUBMIT_SM: _read_sm,
    Command.DELIVER_SM: _read_sm,
    Command.DATA_SM: _read_data_sm,
    Command.ALERT_NOTIFICATION: _read_alert,
    Command.SUBMIT_SM | RESPONSE: _read_sm_response,
    Command.DELIVER_SM | RESPONSE: _read_sm_response,
    Command.DATA_SM | RESPONSE: _read_sm_response,
    Command.UNBIND: _read_empty,
    Command.UNBIND | RESPONSE: _read_empty,
    Command.ENQUIRE_LINK: _read_empty,
    Command.ENQUIRE_LINK | RESPONSE: _read_empty,
    GENERIC_NACK: _read_empty,
}
