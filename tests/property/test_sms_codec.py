# SPDX-License-Identifier: Apache-2.0
"""Laws of the SMPP codec, with two independent codecs as oracles."""

from __future__ import annotations

import io

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from smpp.pdu.pdu_encoding import PDUEncoder
from smpplib import smpp as smpplib_smpp

from sms_gateway.receipts import IdForm, is_receipt, normal_id, read
from sms_gateway.smpp.framer import Framer, OutOfStep
from sms_gateway.smpp.pdu import (
    GENERIC_NACK,
    RESPONSE,
    Address,
    Alert,
    Bind,
    BindResponse,
    Command,
    DataSm,
    Empty,
    Pdu,
    PduError,
    Raw,
    Sm,
    SmResponse,
    decode,
    encode,
)
from sms_gateway.smpp.session import Broken, Limits, Session
from sms_gateway.smpp.tlv import Tag, Tlv

OCTET = st.integers(0, 255)
STRING = st.binary(max_size=20).map(lambda value: value.replace(b"\0", b"x"))
ADDRESS = st.builds(Address, OCTET, OCTET, STRING)
TLVS = st.lists(st.builds(Tlv, st.integers(0, 0xFFFF), st.binary(max_size=30)), max_size=4).map(tuple)
SM = st.builds(
    Sm,
    source=ADDRESS,
    destination=ADDRESS,
    short_message=st.binary(max_size=255),
    service_type=STRING,
    esm_class=OCTET,
    protocol_id=OCTET,
    priority=OCTET,
    schedule=STRING,
    validity=STRING,
    registered_delivery=OCTET,
    replace_if_present=OCTET,
    data_coding=OCTET,
    default_message_id=OCTET,
    tlvs=TLVS,
)
DATA_SM = st.builds(
    DataSm,
    source=ADDRESS,
    destination=ADDRESS,
    service_type=STRING,
    esm_class=OCTET,
    registered_delivery=OCTET,
    data_coding=OCTET,
    tlvs=TLVS,
)
BIND = st.builds(
    Bind,
    system_id=STRING,
    password=STRING,
    system_type=STRING,
    interface_version=OCTET,
    address_range=ADDRESS,
)
BINDS = [Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER]
BODIES = st.one_of(
    st.tuples(st.sampled_from([Command.SUBMIT_SM, Command.DELIVER_SM]), SM),
    st.tuples(st.just(Command.DATA_SM), DATA_SM),
    st.tuples(st.just(Command.ALERT_NOTIFICATION), st.builds(Alert, ADDRESS, ADDRESS, TLVS)),
    st.tuples(st.sampled_from(BINDS), BIND),
    st.tuples(st.sampled_from([RESPONSE | bind for bind in BINDS]), st.builds(BindResponse, STRING, TLVS)),
    st.tuples(
        st.sampled_from([RESPONSE | c for c in (Command.SUBMIT_SM, Command.DELIVER_SM, Command.DATA_SM)]),
        st.builds(SmResponse, STRING, TLVS),
    ),
    st.tuples(
        st.sampled_from([Command.UNBIND, Command.ENQUIRE_LINK, RESPONSE | Command.UNBIND, GENERIC_NACK]),
        st.just(Empty()),
    ),
    st.tuples(st.just(0x0ABC), st.builds(Raw, st.binary(max_size=50))),
)
WORD = st.integers(0, 0xFFFFFFFF)
PDUS = st.builds(lambda body, sequence, status: Pdu(body[0], sequence, body[1], status), BODIES, WORD, WORD)
OCTETS = st.binary(max_size=200)


@given(PDUS)
def test_what_is_written_is_read_again(pdu: Pdu) -> None:
    octets = encode(pdu)
    assert len(octets) == int.from_bytes(octets[:4], "big")
    assert decode(octets) == pdu


@given(OCTETS, BODIES)
@example(b"", (Command.SUBMIT_SM, Empty()))
def test_the_decoder_raises_nothing_but_its_own_error(octets: bytes, body: tuple[int, object]) -> None:
    for frame in (octets, bytes(4) + body[0].to_bytes(4, "big") + bytes(8) + octets):
        try:
            decode(frame)
        except PduError:
            continue  # the law: anything else fails the test


@given(PDUS, st.data())
def test_a_pdu_that_was_damaged_is_read_or_refused(pdu: Pdu, data: st.DataObject) -> None:
    octets = bytearray(encode(pdu))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(OCTET)
    cut = bytes(octets[: data.draw(st.integers(0, len(octets)))])
    try:
        damaged = decode(cut)
    except PduError:
        return
    assert isinstance(damaged, Pdu)


@given(st.lists(PDUS, max_size=4), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_how_the_network_cuts_the_octets_does_not_matter(pdus: list[Pdu], cuts: list[int]) -> None:
    octets = b"".join(encode(pdu) for pdu in pdus)
    framer = Framer(max_pdu_bytes=100_000)
    seen: list[bytes] = []
    at = 0
    while at < len(octets):
        size = cuts[at % len(cuts)]
        framer.feed(octets[at : at + size])
        seen += framer.frames()
        at += size
    assert seen == [encode(pdu) for pdu in pdus]


@given(st.lists(st.one_of(PDUS.map(encode), OCTETS), max_size=6))
def test_a_session_survives_whatever_it_is_sent(pieces: list[bytes]) -> None:
    limits = Limits(
        response_seconds=1,
        enquire_seconds=1,
        enquire_response_seconds=1,
        unbind_seconds=1,
        max_pdu_bytes=9999,
    )
    session: Session[int] = Session(limits, now=0.0)
    framer = Framer(max_pdu_bytes=9999)
    for piece in pieces:
        events = list(session.receive(piece, 0.0))
        framer.feed(piece)
        try:
            list(framer.frames())
        except OutOfStep:
            assert isinstance(events[-1], Broken)
            return


@given(SM, st.binary(max_size=300))
def test_reading_a_receipt_never_fails(sm: Sm, body: bytes) -> None:
    is_receipt(sm)
    report = read(sm, body)
    for form in IdForm:
        normal = normal_id(report.message_id, form)
        assert normal == normal_id(normal.encode("latin-1"), IdForm.TEXT)


DIGITS = st.text("0123456789", min_size=1, max_size=15).map(str.encode)
PLAIN_ADDRESS = st.builds(Address, st.integers(0, 6), st.sampled_from([0, 1, 3, 8, 9]), DIGITS)
PLAIN_SM = st.builds(
    Sm,
    source=PLAIN_ADDRESS,
    destination=PLAIN_ADDRESS,
    short_message=st.binary(min_size=1, max_size=140),
    esm_class=st.sampled_from([0x00, 0x40, 0x04]),
    registered_delivery=st.sampled_from([0, 1]),
    data_coding=st.sampled_from([0x00, 0x04, 0x08]),
    tlvs=st.sampled_from([(), (Tlv(Tag.DESTINATION_PORT, b"\x15\x7b"),)]),
)
"""What both oracles can say: neither takes every value that carriers send."""


@settings(max_examples=60)
@given(PLAIN_SM, st.sampled_from([Command.SUBMIT_SM, Command.DELIVER_SM]), st.integers(1, 0x7FFFFFFF))
def test_smpp_pdu_reads_what_we_write_and_writes_what_we_write(
    sm: Sm, command: Command, sequence: int
) -> None:
    octets = encode(Pdu(command, sequence, sm))
    theirs = PDUEncoder().decode(io.BytesIO(octets))
    assert theirs.seqNum == sequence
    assert theirs.params["source_addr"] == sm.source.digits
    assert theirs.params["destination_addr"] == sm.destination.digits
    assert (theirs.params["short_message"] or b"") == sm.short_message
    assert decode(PDUEncoder().encode(theirs)) == decode(octets)


class Sequence:
    """What smpplib asks of its client when it makes a PDU."""

    sequence = 0

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence


@settings(max_examples=60)
@given(PLAIN_SM, st.integers(1, 0x7FFFFFFF))
def test_smpplib_reads_what_we_write_and_writes_what_we_write(sm: Sm, sequence: int) -> None:
    octets = encode(Pdu(Command.SUBMIT_SM, sequence, sm))
    theirs = smpplib_smpp.parse_pdu(octets, client=Sequence(), allow_unknown_opt_params=True)
    assert theirs.sequence == sequence
    assert theirs.destination_addr == sm.destination.digits
    assert (theirs.short_message or b"") == sm.short_message
    assert theirs.data_coding == sm.data_coding
    written = smpplib_smpp.make_pdu(
        "submit_sm",
        client=Sequence(),
        source_addr_ton=sm.source.ton,
        source_addr_npi=sm.source.npi,
        source_addr=sm.source.digits.decode(),
        dest_addr_ton=sm.destination.ton,
        dest_addr_npi=sm.destination.npi,
        destination_addr=sm.destination.digits.decode(),
        esm_class=sm.esm_class,
        registered_delivery=sm.registered_delivery,
        data_coding=sm.data_coding,
        short_message=sm.short_message,
    )
    assert decode(written.generate()) == Pdu(Command.SUBMIT_SM, 1, msgspec.structs.replace(sm, tlvs=()))
