# SPDX-License-Identifier: Apache-2.0
"""The moods of an SMSC against the real program: whatever becomes of one submit, every phone hears.

The fault list of spec/sms.md section 6.  What it costs is counted in repetitions, never in time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sms_gateway.simulator.faults import Fault, Nack
from sms_gateway.smpp.status import Status
from tests.process.clients import Api, Callers, api_of
from tests.process.outcome import assert_each_is_there_once, orders, until_each_was_told
from tests.process.phones import PEOPLE, Phones
from tests.process.program import running

pytestmark = pytest.mark.process

# These belong to the [[sms.smsc]] table that the program's configuration ends with.
IMPATIENT = """
retry_first_seconds = 0.1
retry_last_seconds = 0.5
hold_first_seconds = 0.1
hold_last_seconds = 0.5
locked_out_first_seconds = 0.1
locked_out_last_seconds = 0.4
"""
ALICE = PEOPLE[0]
VENDOR = 0x40B


@pytest.fixture
async def impatient(tmp_path: Path, handsets: Phones) -> AsyncIterator[Api]:
    async with (
        running(tmp_path, smsc_port=handsets.smsc.port, more=IMPATIENT) as program,
        api_of(program) as api,
    ):
        for msisdn in PEOPLE:
            await api.add(msisdn)
        await handsets.activate(PEOPLE)
        yield api


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Status.RTHROTTLED, id="throttled"),
        pytest.param(Status.RMSGQFUL, id="queue full"),
        pytest.param(Status.RSYSERR, id="system error"),
        pytest.param(Status.RINVBNDSTS, id="not bound"),
        pytest.param(VENDOR, id="vendor status"),
        pytest.param(Nack(Status.RSYSERR), id="generic_nack"),
        pytest.param(Fault.SILENCE, id="silence"),
        pytest.param(Fault.DROP, id="link dropped in mid-window"),
        pytest.param(Fault.HALF_PDU, id="half a PDU"),
        pytest.param(Fault.OVERSIZED, id="oversized length"),
        pytest.param(Fault.NO_BODY, id="response without a body"),
        pytest.param(Fault.DRIBBLE, id="an octet at a time"),
    ],
)
async def test_what_becomes_of_some_submits_costs_nobody_a_notification(
    impatient: Api, handsets: Phones, fault: Fault | Nack | int
) -> None:
    handsets.smsc.inject(0, fault, 0, fault, fault)
    callers = Callers(impatient, orders(12))
    await callers.run()
    await until_each_was_told(handsets, callers)
    await assert_each_is_there_once(impatient, handsets, callers)


async def test_a_phone_that_does_not_exist_is_a_dead_letter_and_holds_up_nobody(
    impatient: Api, handsets: Phones
) -> None:
    handsets.smsc.inject(Status.RINVDSTADR, recipient=ALICE.removeprefix("+"))
    callers = Callers(impatient, orders(8))
    await callers.run()
    await handsets.until(lambda: all(handsets.announced(msisdn) == {1, 2} for msisdn in PEOPLE[1:]))
    await impatient.until_a_dead_letter()
    letters = (await impatient.call("GET", "notifications/dead"))[1]["notifications"]
    assert {(letter["recipient"], letter["smpp_status"]) for letter in letters} == {
        (ALICE, Status.RINVDSTADR)
    }
    handsets.smsc.inject(0, recipient=ALICE.removeprefix("+"))
    for letter in letters:
        assert (await impatient.call("POST", f"notifications/{letter['id']}/resend"))[0] == 204
    await until_each_was_told(handsets, callers)


async def test_an_unbind_from_the_smsc_is_answered_and_the_link_comes_back(
    impatient: Api, handsets: Phones
) -> None:
    assert await handsets.smsc.unbind() == 0
    callers = Callers(impatient, orders(4))
    await callers.run()
    await until_each_was_told(handsets, callers)
    await handsets.until(lambda: handsets.smsc.bound == 1)


async def test_a_refused_password_is_tried_ever_more_slowly_until_the_smsc_takes_it_again(
    impatient: Api, handsets: Phones
) -> None:
    handsets.smsc.password = "changed by the carrier"
    handsets.smsc.drop_links()
    callers = Callers(impatient, orders(8))
    await callers.run()
    await handsets.until(lambda: handsets.smsc.refused_binds >= 5)  # so that the fourth was heard of
    alarms = impatient.program.logged("smsc_credentials_refused")
    assert [alarm["again_in_seconds"] for alarm in alarms][:3] == [0.1, 0.2, 0.4]
    assert {(alarm["level"], alarm["status"]) for alarm in alarms} == {("error", "0x0000000e RINVPASWD")}
    # The program may not have read the fourth refusal yet.
    assert await impatient.figure('vvm_smsc_credentials_refused_total{smsc="main"}') >= 4
    assert await impatient.figure('vvm_smsc_bound{smsc="main"}') == 0
    handsets.smsc.password = "secret"
    await until_each_was_told(handsets, callers)
    await assert_each_is_there_once(impatient, handsets, callers)


async def test_a_password_that_is_wrong_at_the_start_costs_no_deposit(
    tmp_path: Path, handsets: Phones
) -> None:
    handsets.smsc.password = "not yet provisioned"
    async with (
        running(tmp_path, smsc_port=handsets.smsc.port, more=IMPATIENT) as program,
        api_of(program) as api,
    ):
        for msisdn in PEOPLE:
            await api.add(msisdn)
        await handsets.until(lambda: handsets.smsc.refused_binds >= 2)
        callers = Callers(api, orders(4))
        await callers.run()
        handsets.smsc.password = "secret"
        await handsets.activate(PEOPLE)
        await assert_each_is_there_once(api, handsets, callers)
