# SPDX-License-Identifier: Apache-2.0
"""Receipts in every odd form of spec/sms.md section 3.5, against the real program.

A receipt that can be read closes its notification; one that cannot is acknowledged all the same,
and costs neither the link nor anybody's SMS.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from sms_gateway.simulator.faults import Fault
from sms_gateway.simulator.settings import SimulatorSettings
from tests.process.clients import Api, Order, api_of
from tests.process.phones import PEOPLE, Phones, phones
from tests.process.program import running

pytestmark = pytest.mark.process

ALICE = PEOPLE[0]
LETTERS_IN_IDS = 0xABC
"""Message ids from here on are not the same in decimal, in capitals and as they are."""
HEXADECIMAL_HERE_DECIMAL_THERE = """
response_id_form = "hexadecimal"
receipt_id_form = "decimal"
"""
A_BUSY_MACHINE = """
early_receipt_seconds = 3.0
"""
"""The simulator's receipts come on the heels of its responses."""
DATES = b"submit date:2601021304 done date:2601021305"


class Form(msgspec.Struct, frozen=True):
    """How an SMSC writes receipts, and the settings that it needs."""

    text: bytes
    tlvs: bool = False
    settings: str = ""


@asynccontextmanager
async def program_at(directory: Path, form: Form) -> AsyncIterator[tuple[Api, Phones]]:
    """A program with Alice active, bound to an SMSC that reports in this form."""
    settings = SimulatorSettings(receipt_text=form.text, receipt_tlvs=form.tlvs)
    async with (
        phones(settings) as handsets,
        running(directory, smsc_port=handsets.smsc.port, more=A_BUSY_MACHINE + form.settings) as program,
        api_of(program) as api,
    ):
        handsets.smsc.submitted = LETTERS_IN_IDS
        await api.add(ALICE)
        await handsets.activate([ALICE])
        yield api, handsets


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(Form(b"id:%(id)s " + DATES + b" stat:DELIVRD err:00B text:"), id="hexadecimal error"),
        pytest.param(Form(b"id:%(id)s " + DATES + b" stat:DELIVRD err:n/a"), id="error in letters"),
        pytest.param(
            Form(b"id:%(id)s done date:260102130455 stat:DELIVRD err:000"), id="dates to the second"
        ),
        pytest.param(Form(b"ID: %(ID)s STAT: delivered"), id="capitals, spaces, whole words"),
        pytest.param(Form(b"id:00000000%(id)s stat:DELIVRD"), id="more zeros"),
        pytest.param(Form(b"stat:DELIVRD id:%(id)s text:id:1 stat:UNDELIV"), id="order, and a text like one"),
        pytest.param(Form(b"", tlvs=True), id="nothing but TLVs"),
        pytest.param(Form(b"id:1 stat:UNDELIV", tlvs=True), id="a text that the TLVs contradict"),
        pytest.param(
            Form(b"id:%(decimal)s stat:DELIVRD", settings=HEXADECIMAL_HERE_DECIMAL_THERE),
            id="hexadecimal in the response, decimal in the receipt",
        ),
    ],
)
async def test_a_receipt_closes_its_notification_however_it_is_written(tmp_path: Path, form: Form) -> None:
    async with program_at(tmp_path, form) as (api, handsets):
        await api.until_closed(ALICE, ["delivered"])
        await api.deposit_speech(ALICE)
        await handsets.until(lambda: handsets.announced(ALICE) == {1})
        await api.until_closed(ALICE, ["delivered", "delivered"])


async def test_a_receipt_that_overtakes_the_response_closes_its_notification(tmp_path: Path) -> None:
    async with program_at(tmp_path, Form(b"id:%(id)s stat:DELIVRD")) as (api, handsets):
        await api.until_closed(ALICE, ["delivered"])
        handsets.smsc.inject(Fault.RECEIPT_FIRST)
        await api.deposit_speech(ALICE)
        await api.until_closed(ALICE, ["delivered", "delivered"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00id\xe9:\xe9 stat", id="octets"),
        pytest.param(b"id: sub:001 stat:DELIVRD err:000 text:", id="no id"),
        pytest.param(b"id:msg_id_not_implemented stat:DELIVRD", id="an id that says nothing"),
        pytest.param(b"id:%(id)s stat:SOMETHING", id="a state that nobody knows"),
        pytest.param(b"id:%(id)s stat:ENROUTE err:000", id="on its way"),
        pytest.param(b"id:" + 120 * b"9" + b" stat:UNDELIV", id="an id without end"),
    ],
)
async def test_a_receipt_that_says_nothing_is_acknowledged_and_costs_nothing(
    tmp_path: Path, text: bytes
) -> None:
    async with program_at(tmp_path, Form(text)) as (api, handsets):
        await api.deposit(Order(ALICE, "+33690000001"))
        await handsets.until(lambda: handsets.announced(ALICE) == {1})
        await api.deposit(Order(ALICE, "+33690000002"))
        await handsets.until(lambda: handsets.announced(ALICE) == {1, 2})
        one_each = 3  # a STATUS and two SYNC
        await handsets.until(lambda: len(handsets.smsc.receipt_answers) >= one_each)
        assert {status for _, status in handsets.smsc.receipt_answers} == {0}
        assert await api.closed(ALICE) == []
        assert api.program.logged("smsc_lost") == []
