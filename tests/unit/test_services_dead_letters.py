# SPDX-License-Identifier: Apache-2.0

"""Dead letters are owed again, and what is old is forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.services_world import ALICE, CALL, SMSC, TWO_SECONDS, World
from vvm.domain.notification import Cause
from vvm.services.dead_letters import NoDeadLetter
from vvm.services.paging import PAGE_LIMIT, InvalidLimit
from vvm.services.settings import NotificationSettings


async def dead_letter(world: World) -> int:
    """The number of a SYNC that the SMSC refused for good."""
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    (notice,) = await world.notification.lease(1)
    await world.notification.failed(notice.row, smpp_status=0x0B)
    return notice.row.id


async def test_a_dead_letter_is_shown_without_its_text_and_sent_again() -> None:
    world = World()
    number = await dead_letter(world)
    (letter,) = (await world.dead_letters.page()).items
    assert (letter.id, letter.cause, letter.uid, letter.smpp_status) == (number, Cause.NEW_MESSAGE, 1, 0x0B)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.hints.outbox_moved(timedelta(hours=1)))
        await asyncio.sleep(0)  # the worker sleeps
        await world.dead_letters.resend(number)
    (text,) = await world.texts()
    assert text.startswith("//VVM:SYNC:ev=NM;id=1;")
    assert (await world.dead_letters.page()).items == ()


async def test_a_number_that_is_no_dead_letter_is_refused() -> None:
    world = World()
    number = await dead_letter(world)
    await world.dead_letters.resend(number)
    for unknown in (number, 999):
        with pytest.raises(NoDeadLetter):
            await world.dead_letters.resend(unknown)


@pytest.mark.parametrize("limit", [0, -1, PAGE_LIMIT + 1])
async def test_a_page_has_its_limits(limit: int) -> None:
    with pytest.raises(InvalidLimit):
        await World().dead_letters.page(limit=limit)


async def test_what_was_sent_is_kept_for_a_while_and_then_forgotten() -> None:
    world = World(notification=NotificationSettings(keep_days=30, status_spacing_seconds=0))
    number = await dead_letter(world)
    await world.sms_from_handset("STATUS")
    assert len(await world.texts()) == 1
    world.clock.advance(timedelta(days=30))
    assert await world.retention() == 0
    world.clock.advance(timedelta(microseconds=1))
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert await world.retention() == 3  # the letter, the STATUS, and the SMS that asked for it
    with pytest.raises(NoDeadLetter):
        await world.dead_letters.resend(number)
    assert len(await world.texts()) == 1


async def test_a_gate_outlives_a_short_memory() -> None:
    settings = NotificationSettings(keep_days=0, debounce_seconds=0, receipt_gate=(SMSC,))
    world = World(notification=settings)
    await world.subscriber()
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert len(await world.texts()) == 1
    world.clock.advance(timedelta(hours=1))
    assert await world.retention() == 0
    await world.deposit(ALICE, TWO_SECONDS, CALL)
    assert await world.texts() == []
