# SPDX-License-Identifier: Apache-2.0
"""What must hold after every end of the program, however it came about."""

from __future__ import annotations

import asyncio

from tests.process.clients import Api, Callers, Order, inbox
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program


def orders(count: int) -> list[Order]:
    """Deposits for everybody in turn, each from a caller of its own."""
    return [Order(PEOPLE[index % len(PEOPLE)], f"+3369{index:07}") for index in range(count)]


async def assert_each_is_there_once(api: Api, handsets: Phones, callers: Callers) -> None:
    """Every acknowledged message under its UID, as the operator sees it and as the handset sees it."""
    for msisdn in PEOPLE:
        expected = sorted(
            (uid, order.caller) for order, uid in callers.acknowledged.items() if order.recipient == msisdn
        )
        assert await api.messages(msisdn) == expected
        assert await asyncio.to_thread(_seen_by_handset, api.program, handsets, msisdn) == expected


def _seen_by_handset(program: Program, handsets: Phones, msisdn: str) -> list[tuple[int, str]]:
    with inbox(program, handsets.told[msisdn][-1]) as client:
        return client.callers()


async def until_each_was_told(handsets: Phones, callers: Callers) -> None:
    """Every acknowledged message was announced by its NM or a later MBU, and nothing else was."""
    owed: dict[str, set[int]] = {msisdn: set() for msisdn in PEOPLE}
    for order, uid in callers.acknowledged.items():
        owed[order.recipient].add(uid)
    await handsets.until(lambda: all(handsets.announced(msisdn) >= owed[msisdn] for msisdn in PEOPLE))
    assert {msisdn: handsets.announced(msisdn) for msisdn in PEOPLE} == owed
