# SPDX-License-Identifier: Apache-2.0
"""Message waiting indications, octet for octet, and what must never be in one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sms_gateway.compose import Unfit, compose
from sms_gateway.port import Coding, Sent, Waiting, WaitingForm, WaitingKind
from sms_gateway.settings import HeaderForm, SmscSettings
from sms_gateway.smpp.pdu import Command, Pdu, Sm, encode
from sms_gateway.text.udh import Indication
from tests.unit.sms_world import LONG, SYNC, sms, world

SET, CLEAR = Waiting(5), Waiting(0)


def composed(text: str, waiting: Waiting, coding: Coding = Coding.GSM7, **changes: object) -> list[Sm]:
    return compose(sms(text=text, waiting=waiting, coding=coding, port=0, **changes), SmscSettings())


def only(text: str, waiting: Waiting, coding: Coding = Coding.GSM7) -> tuple[int, int, str]:
    """esm_class, data_coding and user data of an indication in one segment."""
    (sm,) = composed(text, waiting, coding)
    return sm.esm_class, sm.data_coding, sm.short_message.hex()


@pytest.mark.parametrize(
    ("waiting", "octets"),
    [
        (SET, "40 00 00 00 3030303030313030303030303030305200 00 00 c8 00 05 0401020005"),
        (CLEAR, "40 00 00 00 3030303030313030303030303030305200 00 00 c0 00 05 0401020000"),
    ],
)
def test_set_and_clear_are_as_tshark_reads_them(waiting: Waiting, octets: str) -> None:
    message = sms(text="", waiting=waiting, port=0, validity=timedelta(days=1))
    (sm,) = compose(message, SmscSettings(registered_delivery=0))
    assert encode(Pdu(Command.SUBMIT_SM, 1, sm)).endswith(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("form", "count", "expected"),
    [
        (WaitingForm.CODING, 5, (0x00, 0xC8, "")),
        (WaitingForm.CODING, 0, (0x00, 0xC0, "")),
        (WaitingForm.HEADER, 5, (0x40, 0x00, "0401020005")),
        (WaitingForm.HEADER, 0, (0x40, 0x00, "0401020000")),
        (WaitingForm.BOTH, 5, (0x40, 0xC8, "0401020005")),
        (WaitingForm.BOTH, 0, (0x40, 0xC0, "0401020000")),
    ],
)
def test_without_a_text_the_handset_discards_it(
    form: WaitingForm, count: int, expected: tuple[int, int, str]
) -> None:
    assert only("", Waiting(count, form=form)) == expected


@pytest.mark.parametrize(
    ("form", "coding", "count", "expected"),
    [
        (WaitingForm.CODING, Coding.GSM7, 5, (0x00, 0xD8, "6f6b")),
        (WaitingForm.CODING, Coding.GSM7, 0, (0x00, 0xD0, "6f6b")),
        (WaitingForm.CODING, Coding.UCS2, 5, (0x00, 0xE8, "006f006b")),
        (WaitingForm.CODING, Coding.UCS2, 0, (0x00, 0xE0, "006f006b")),
        (WaitingForm.HEADER, Coding.UCS2, 5, (0x40, 0x08, "0401028005006f006b")),
        (WaitingForm.BOTH, Coding.GSM7, 5, (0x40, 0xD8, "04010280056f6b")),
    ],
)
def test_with_a_text_the_handset_stores_it(
    form: WaitingForm, coding: Coding, count: int, expected: tuple[int, int, str]
) -> None:
    assert only("ok", Waiting(count, form=form), coding) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (WaitingKind.VOICE, (0x40, 0xC8, "0401020001")),
        (WaitingKind.FAX, (0x40, 0xC9, "0401020101")),
        (WaitingKind.EMAIL, (0x40, 0xCA, "0401020201")),
        (WaitingKind.OTHER, (0x40, 0xCB, "0401020301")),
    ],
)
def test_every_kind_has_its_bits(kind: WaitingKind, expected: tuple[int, int, str]) -> None:
    assert only("", Waiting(1, kind)) == expected


def test_more_than_255_are_told_as_255() -> None:
    assert only("", Waiting(1000)) == (0x40, 0xC8, "04010200ff")


def test_every_segment_of_a_long_one_has_the_indication() -> None:
    first, second = composed("x" * 160, SET)
    for number, sm in ((1, first), (2, second)):
        assert sm.short_message[:10].hex() == f"090003 5a02{number:02x} 01028005".replace(" ", "")
        assert sm.data_coding == 0xD8


@pytest.mark.parametrize("form", list(WaitingForm))
def test_what_a_client_shall_read_is_never_in_an_indication(form: WaitingForm) -> None:
    waiting = Waiting(1, form=form)
    with pytest.raises(Unfit, match="mwi_with_port"):
        compose(sms(text=SYNC, waiting=waiting, coding=Coding.GSM7), SmscSettings())
    with pytest.raises(Unfit, match="mwi_in_octets"):
        composed(SYNC, waiting, Coding.OCTETS)


@pytest.mark.parametrize("form", list(HeaderForm))
def test_the_count_stays_in_the_header_where_ports_are_in_tlvs(form: HeaderForm) -> None:
    message = sms(text="", waiting=SET, port=0)
    assert compose(message, SmscSettings(header_form=form)) == compose(message, SmscSettings())


async def test_a_handset_is_told_and_the_next_sms_is_none() -> None:
    async with world() as it:
        it.outbox.put(sms(1, text="", waiting=SET, port=0))
        told = await it.received.get()
        assert (told.indication, told.segments[0].sm.data_coding) == (Indication(0, 5), 0xC8)
        assert await it.outbox.settled(1) == Sent()
        it.outbox.put(sms(2, text=LONG))
        assert (await it.received.get()).indication is None
