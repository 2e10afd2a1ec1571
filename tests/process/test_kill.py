# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged survives ``kill -9`` at any moment (design.md, invariants 1 and 4).

The moments are chosen by progress, never by time.
"""

from __future__ import annotations

import asyncio

import pytest

from sms_gateway.errors import NotSent, OutcomeUnknown
from sms_gateway.simulator.faults import Fault
from tests.process.clients import Api, Callers, Order, inbox
from tests.process.outcome import assert_each_is_there_once, orders, until_each_was_told
from tests.process.phones import PEOPLE, Phones

pytestmark = pytest.mark.process


async def test_killed_among_deposits_it_keeps_each_once_and_tells_of_it(api: Api, handsets: Phones) -> None:
    callers = Callers(api, orders(1000))
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        tasks.create_task(callers.run())
        for progress in (150, 500, 850):
            await callers.reached(progress)
            await api.program.kill_and_restart()
    assert len(callers.acknowledged) == 1000
    assert callers.broken > 0
    await assert_each_is_there_once(api, handsets, callers)
    await until_each_was_told(handsets, callers)


async def test_killed_while_the_smsc_is_slow_it_sends_again_what_was_not_answered(
    api: Api, handsets: Phones
) -> None:
    before = handsets.smsc.submitted
    # Every other submit is taken, the rest stay without an answer, until the window is full of those.
    pattern: list[Fault | int] = [0, Fault.SILENCE]
    handsets.smsc.inject(*pattern * 15)
    callers = Callers(api, orders(60))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(callers.run())
        await handsets.until(lambda: handsets.smsc.submitted - before >= 10)
        await api.program.kill_and_restart()
    await until_each_was_told(handsets, callers)
    await assert_each_is_there_once(api, handsets, callers)


async def test_killed_after_a_handset_was_acknowledged_it_still_answers(api: Api, handsets: Phones) -> None:
    told_before = {msisdn: len(handsets.told[msisdn]) for msisdn in PEOPLE}
    for msisdn in PEOPLE:  # no answer leaves before the kill
        handsets.smsc.inject(Fault.SILENCE, recipient=msisdn.removeprefix("+"))
    asked = await asyncio.gather(*(_ask(handsets, msisdn) for msisdn in PEOPLE))
    assert asked == [True] * len(PEOPLE)
    api.program.kill()
    assert {msisdn: len(handsets.told[msisdn]) for msisdn in PEOPLE} == told_before
    for msisdn in PEOPLE:
        handsets.smsc.inject(0, recipient=msisdn.removeprefix("+"))
    await api.program.ended()
    await api.program.start()
    await handsets.until(lambda: all(len(handsets.told[msisdn]) > told_before[msisdn] for msisdn in PEOPLE))


async def test_killed_at_the_first_acknowledgement_it_answers_whom_it_acknowledged(
    api: Api, handsets: Phones
) -> None:
    told_before = {msisdn: len(handsets.told[msisdn]) for msisdn in PEOPLE}
    acknowledged = set()

    async def ask(msisdn: str) -> None:
        if await _ask(handsets, msisdn):
            acknowledged.add(msisdn)
            api.program.kill()

    await asyncio.gather(*map(ask, PEOPLE))
    await api.program.ended()
    await api.program.start()
    assert acknowledged
    await handsets.until(
        lambda: all(len(handsets.told[msisdn]) > told_before[msisdn] for msisdn in acknowledged)
    )


async def _ask(handsets: Phones, msisdn: str) -> bool:
    """True when the program acknowledged the SMS."""
    try:
        return await handsets.ask(msisdn, "STATUS") == 0
    except (NotSent, OutcomeUnknown):
        return False


async def test_killed_after_a_change_over_imap_it_remembers_the_change(api: Api, handsets: Phones) -> None:
    """A flag waits for no fsync of its own, but it outlives the process (invariant 1)."""
    alice = PEOPLE[0]
    callers = Callers(api, [Order(alice, f"+3369{index:07}") for index in range(6)])
    await callers.run()
    status = handsets.told[alice][-1]

    def change() -> None:
        with inbox(api.program, status) as client:
            client.mark([1, 2], r"(\Deleted)")
            client.expunge()
            client.mark([4, 5], r"(\Seen)")

    await asyncio.to_thread(change)
    api.program.kill()
    await api.program.ended()
    await api.program.start()

    def flags() -> dict[int, set[bytes]]:
        with inbox(api.program, status) as client:
            return client.flags()

    assert await asyncio.to_thread(flags) == {3: set(), 4: {rb"\Seen"}, 5: {rb"\Seen"}, 6: set()}
