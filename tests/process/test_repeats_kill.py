# SPDX-License-Identifier: Apache-2.0
"""Killed among requests that nobody may do twice: whoever repeats one with its key gets it done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.process.clients import Api, api_of
from tests.process.program import Program

pytestmark = pytest.mark.process

SECONDS = 180.0
NOBODYS_SMSC = 9
STEPS = {"password": "rotated", "sim": "sim_swapped", "pin": "pin_reset", "number": "renumbered"}
"""Where a request goes, and what the audit says of it."""
PEOPLE = [f"+3361000{index:04}" for index in range(120)]


def new_number(msisdn: str) -> str:
    return msisdn.replace("+3361", "+3362")


class Requests:
    """One for each subscriber, each repeated with its key until it is answered 200."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._orders: Iterator[tuple[str, str]] = iter(
            [(msisdn, list(STEPS)[index % len(STEPS)]) for index, msisdn in enumerate(PEOPLE)]
        )
        self._news = asyncio.Condition()
        self.answered: dict[str, str] = {}
        """The step by the number that the subscriber has now."""
        self.broken = 0

    async def work(self) -> None:
        for msisdn, step in self._orders:
            while (answer := await self._attempt(msisdn, step)) is None:
                pass
            async with self._news:
                self.answered[answer["msisdn"]] = step
                self._news.notify_all()

    async def reached(self, count: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: len(self.answered) >= count)

    async def _attempt(self, msisdn: str, step: str) -> dict[str, Any] | None:
        await self._api.program.up.wait()
        body = {"msisdn": new_number(msisdn)} if step == "number" else {}
        try:
            status, answer = await self._api.call(
                "POST", f"subscribers/{msisdn}/{step}", json=body, headers={"Idempotency-Key": msisdn}
            )
        except aiohttp.ClientError:
            self.broken += 1
            return None
        if status == 200:
            return dict(answer)
        assert (status, answer["code"]) in {(409, "request_in_progress"), (503, "unavailable")}, answer
        return None


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """Of a program whose requests are over soon, so that a repetition need not wait for long."""
    program = Program(tmp_path, smsc_port=NOBODYS_SMSC)
    config = tmp_path / "vvm.toml"
    config.write_text(config.read_text().replace("[http]\n", "[http]\nrequest_seconds = 1.0\n"))
    try:
        await program.start()
        async with api_of(program) as made:
            yield made
    finally:
        await program.end()


async def test_each_is_done_once_however_often_the_program_is_killed(api: Api) -> None:
    items = [{"action": "create", "msisdn": msisdn} for msisdn in PEOPLE]
    assert (await api.call("POST", "subscribers:batch", json={"items": items}))[0] == 200
    requests = Requests(api)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(requests.work())
        for progress in (20, 50, 80, 110):
            await requests.reached(progress)
            await api.program.kill_and_restart()
    assert len(requests.answered) == len(PEOPLE)
    assert requests.broken > 0
    for msisdn, step in requests.answered.items():
        entries: Sequence[dict[str, Any]] = (await api.call("GET", f"subscribers/{msisdn}/audit"))[1][
            "entries"
        ]
        assert [entry["trigger"] for entry in entries].count(STEPS[step]) == 1, (msisdn, step)
        assert step != "number" or msisdn.startswith("+3362")
