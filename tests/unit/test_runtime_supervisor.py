# SPDX-License-Identifier: Apache-2.0
"""Parts run side by side, and end together."""

from __future__ import annotations

import asyncio

import pytest

from vvm.runtime.supervisor import Ready, StartFailed, supervise


async def test_it_has_started_when_every_part_is_ready_and_stops_when_told() -> None:
    stop, told, ended = asyncio.Event(), [], []

    async def part(ready: Ready) -> None:
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    def started() -> None:
        told.append(1)
        stop.set()

    await supervise({"one": part, "two": part}, stop=stop, started=started)
    assert told == [1]
    assert ended == [1, 1]


async def test_a_part_that_cannot_start_ends_all_with_one_clear_error() -> None:
    async def working(ready: Ready) -> None:
        ready()
        await asyncio.Event().wait()

    async def taken(ready: Ready) -> None:
        del ready
        raise OSError(98, "address already in use")

    with pytest.raises(StartFailed, match="http: address already in use"):
        await supervise({"imap": working, "http": taken}, stop=asyncio.Event(), started=lambda: None)


async def test_a_part_that_fails_later_ends_the_process_with_its_error() -> None:
    async def failing(ready: Ready) -> None:
        ready()
        await asyncio.sleep(0)
        raise ValueError("a bug")

    with pytest.raises(ExceptionGroup) as raised:
        await supervise({"one": failing}, stop=asyncio.Event(), started=lambda: None)
    assert raised.group_contains(ValueError, match="a bug")


async def test_a_part_that_ends_by_itself_is_a_bug() -> None:
    async def ending(ready: Ready) -> None:
        ready()

    with pytest.raises(ExceptionGroup) as raised:
        await supervise({"one": ending}, stop=asyncio.Event(), started=lambda: None)
    assert raised.group_contains(RuntimeError, match="one ended by itself")
