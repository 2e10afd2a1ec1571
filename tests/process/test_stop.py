# SPDX-License-Identifier: Apache-2.0
"""SIGTERM ends the program in order: nothing acknowledged is lost, and the exit code is 0."""

from __future__ import annotations

import asyncio

import pytest

from sms_gateway.simulator.faults import Fault
from tests.process.clients import Api, Callers
from tests.process.outcome import assert_each_is_there_once, orders, until_each_was_told
from tests.process.phones import Phones

pytestmark = pytest.mark.process


async def test_stopped_under_load_it_ends_in_order_and_loses_nothing(api: Api, handsets: Phones) -> None:
    callers = Callers(api, orders(400))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(callers.run())
        await callers.reached(150)
        api.program.terminate()
        assert await api.program.ended() == 0
        await api.program.start()
    assert len(callers.acknowledged) == 400
    await assert_each_is_there_once(api, handsets, callers)
    await until_each_was_told(handsets, callers)


async def test_stopped_with_answers_outstanding_it_ends_and_sends_them_later(
    api: Api, handsets: Phones
) -> None:
    before = handsets.smsc.submitted
    handsets.smsc.inject(*[Fault.SILENCE] * 20)
    callers = Callers(api, orders(10))
    await callers.run()
    await handsets.until(lambda: handsets.smsc.submitted - before >= 10)
    api.program.terminate()
    assert await api.program.ended() == 0
    await api.program.start()
    await until_each_was_told(handsets, callers)


async def test_stopped_it_says_goodbye_to_the_smsc(api: Api, handsets: Phones) -> None:
    api.program.terminate()
    assert await api.program.ended() == 0
    await handsets.until(lambda: handsets.smsc.bound == 0)
    assert handsets.smsc.unbinds == 1
