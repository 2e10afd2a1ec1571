# SPDX-License-Identifier: Apache-2.0
"""Many messages, few SMS: what the real program tells phones while its SMSC takes nothing, or is away."""

from __future__ import annotations

import asyncio

import pytest

from tests.process.clients import Api, Callers
from tests.process.outcome import orders, until_each_was_told
from tests.process.phones import PEOPLE, Phones

pytestmark = pytest.mark.process

_THROTTLED = 0x58


@pytest.fixture(autouse=True)
def debounced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default, which the other tests of the program switch off."""
    monkeypatch.setenv("VVM_NOTIFICATION__DEBOUNCE_SECONDS", "1.0")


async def test_messages_that_come_while_the_smsc_takes_nothing_are_told_by_few_sms(
    api: Api, handsets: Phones
) -> None:
    for msisdn in PEOPLE:
        handsets.smsc.inject(_THROTTLED, recipient=msisdn.removeprefix("+"))
    callers = Callers(api, orders(80))
    await callers.run()
    for msisdn in PEOPLE:
        handsets.smsc.inject(0, recipient=msisdn.removeprefix("+"))
    await until_each_was_told(handsets, callers)
    for msisdn in PEOPLE:  # what the gateway had in its hands, and one that everything else joined
        assert len(handsets.synced[msisdn]) + len(handsets.updated[msisdn]) <= 3
        assert max(handsets.updated[msisdn]) == 20


async def test_what_joined_before_a_kill_is_told_after_it(api: Api, handsets: Phones) -> None:
    for msisdn in PEOPLE:
        handsets.smsc.inject(_THROTTLED, recipient=msisdn.removeprefix("+"))
    callers = Callers(api, orders(40))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(callers.run())
        await callers.reached(20)
        await api.program.kill_and_restart()
    for msisdn in PEOPLE:
        handsets.smsc.inject(0, recipient=msisdn.removeprefix("+"))
    await until_each_was_told(handsets, callers)
