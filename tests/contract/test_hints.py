# SPDX-License-Identifier: Apache-2.0
"""What Hints promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from vvm.domain.subscriber import MailboxId
from vvm.store.port import Hints

ONE, OTHER = MailboxId(1), MailboxId(2)
LONG = timedelta(hours=1)
NO_TIME = timedelta()


def heard(calls: list[str], name: str) -> Callable[[], None]:
    return lambda: calls.append(name)


def test_who_watches_a_mailbox_is_woken_by_each_hint_for_it(hints: Hints) -> None:
    calls: list[str] = []
    hints.watch(ONE, heard(calls, "one"))
    hints.watch(OTHER, heard(calls, "other"))
    hints.mailbox(ONE)
    assert calls == ["one"]
    hints.mailbox(OTHER)
    hints.mailbox(ONE)
    assert calls == ["one", "other", "one"]


def test_everybody_who_watches_is_woken(hints: Hints) -> None:
    calls: list[str] = []
    wake = heard(calls, "same")
    hints.watch(ONE, wake)
    hints.watch(ONE, wake)
    hints.mailbox(ONE)
    assert calls == ["same", "same"]


def test_who_stopped_watching_is_left_alone(hints: Hints) -> None:
    calls: list[str] = []
    stop = hints.watch(ONE, heard(calls, "first"))
    hints.watch(ONE, heard(calls, "second"))
    stop()
    stop()
    hints.mailbox(ONE)
    assert calls == ["second"]


def test_who_is_woken_may_stop_watching(hints: Hints) -> None:
    calls: list[str] = []

    def wake_and_stop() -> None:
        calls.append("first")
        stop()

    stop = hints.watch(ONE, wake_and_stop)
    hints.watch(ONE, heard(calls, "second"))
    hints.mailbox(ONE)
    hints.mailbox(ONE)
    assert calls == ["first", "second", "second"]


def test_a_mailbox_that_nobody_watches_may_move(hints: Hints) -> None:
    hints.mailbox(ONE)


@pytest.mark.parametrize("kind", ["outbox", "inbound"])
async def test_a_hint_ends_the_wait_of_everybody(hints: Hints, kind: str) -> None:
    hint, moved = getattr(hints, kind), getattr(hints, f"{kind}_moved")
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(moved(LONG))
        await asyncio.sleep(0)  # all of them wait now
        hint()


@pytest.mark.parametrize("kind", ["outbox", "inbound"])
async def test_a_hint_that_comes_before_the_wait_ends_it(hints: Hints, kind: str) -> None:
    hint, moved = getattr(hints, kind), getattr(hints, f"{kind}_moved")
    hint()
    async with asyncio.timeout(10):
        await moved(LONG)


@pytest.mark.parametrize("kind", ["outbox", "inbound"])
async def test_without_a_hint_the_wait_ends_with_its_time(hints: Hints, kind: str) -> None:
    moved = getattr(hints, f"{kind}_moved")
    async with asyncio.timeout(10):
        await moved(NO_TIME)
        await moved(timedelta(milliseconds=1))


async def test_the_kinds_of_hints_are_apart(hints: Hints) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(hints.inbound_moved(LONG))
        await asyncio.sleep(0)
        hints.outbox()
        hints.mailbox(ONE)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
