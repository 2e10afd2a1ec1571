# SPDX-License-Identifier: Apache-2.0
"""A whole subscriber base: what its import costs, and what everything else costs when it is there.

The real program on SQLite, twice at once: over a store of a thousand subscribers and over one of many.
Each figure is measured on both by turns, so that their ratio does not depend on the machine's day.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import report
from tests.bench.program import running
from tests.unit.audio_samples import wav
from vvm.message.audio.transcode import AudioLimits, transcode

FEW = 1_000
SUBSCRIBERS = 50_000
"""How many there are unless ``--subscribers`` says otherwise; docs/performance.md has a million."""
_ROUNDS, _WARM = 400, 40
_BATCHES, _BATCH = 10, 1_000
_PAGES, _PAGE = 20, 1_000
_LOOK_SECONDS = 0.1
_SPEECH = transcode(wav(seconds=5.0), AudioLimits(max_seconds=60)).amr


def run(folder: Path, *, subscribers: int = SUBSCRIBERS) -> None:
    report.section(f"Provisioning: {subscribers:,} subscribers on SQLite")
    for name, count in (("few", FEW), ("many", subscribers)):
        _import(folder / name, count)
    asyncio.run(_compare(folder, subscribers))


def _number(index: int) -> str:
    return f"+336{index:08}"


def _import(folder: Path, count: int) -> None:
    """``vvm subscriber import`` into a new store."""
    folder.mkdir()
    config = folder / "import.toml"
    config.write_text(
        f'[state]\ndirectory = "{folder}"\n[store]\nurl = "sqlite:///{folder}/vvm.db"\n', encoding="utf-8"
    )
    base, told = folder / "base.csv", folder / "import.json"
    with base.open("w", encoding="ascii") as lines:
        lines.write("msisdn,language,max_messages\n")
        lines.writelines(f"{_number(index)},eng,{20 + index % 80}\n" for index in range(count))
    words = ("subscriber", "import", str(base), "--json", "--config", str(config))
    started = time.perf_counter()
    with told.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "vvm", *words], stdout=out)
        peak = _peak(process)
    seconds = time.perf_counter() - started
    created = json.loads(told.read_bytes())["created"]
    if created != count:
        raise RuntimeError(f"{created} of {count} subscribers were created")
    report.rate(f"import of {count:,}, with the start of the program", count, seconds, f"{seconds:,.1f} s")
    report.row("  memory at its peak", f"{peak / 2**20:,.0f} MiB")
    octets = sum(file.stat().st_size for file in folder.glob("vvm.db*"))
    report.row("  database", f"{octets / 2**20:,.0f} MiB", f"{octets / count:,.0f} octets a subscriber")


def _peak(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process; the most octets that it had in memory."""
    peak = 0
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
        found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
        peak = max([peak, *found])
        time.sleep(_LOOK_SECONDS)
    return peak


class _Site:
    """A running program over one of the stores, as an operator's systems and the SMSC see it."""

    def __init__(self, subscribers: int) -> None:
        self._smsc = SimulatedSmsc(on_sms=self._hear)
        self._numbers = random.Random(7).sample(range(subscribers), min(subscribers, FEW))
        self._next = 0
        self._status = asyncio.Event()

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[None]:
        async with self._smsc.running(), running(folder, smsc_port=self._smsc.port) as program:
            headers = {"Authorization": f"Bearer {program.token}"}
            async with aiohttp.ClientSession(program.http, headers=headers) as self._api:
                await self._smsc.until(lambda: self._smsc.bound > 0)
                yield

    def _hear(self, sms: HandsetSms) -> None:
        if ":STATUS:" in (sms.text or ""):
            self._status.set()

    def number(self) -> str:
        """Another one each time, from anywhere in the base."""
        self._next += 1
        return _number(self._numbers[self._next % len(self._numbers)])

    async def lookup(self) -> None:
        await self.call("GET", f"/v1/subscribers/{self.number()}")

    async def change(self) -> None:
        body = {"max_messages": 100 + self._next}
        await self.call("PATCH", f"/v1/subscribers/{self.number()}", json=body)

    async def deposit(self) -> None:
        await self.call("POST", f"/v1/subscribers/{self.number()}/messages", data=_SPEECH)

    async def activation(self) -> None:
        """From the SMS of the handset to the STATUS that answers it."""
        self._status.clear()
        await self._smsc.send_mo(self.number()[1:], "5511", "Activate:pv=11;ct=bench")
        await self._status.wait()

    async def page(self, cursor: str | None) -> str | None:
        """A page of the list, and the cursor of the next."""
        query = f"limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
        found: str | None = (await self.call("GET", f"/v1/subscribers?{query}"))["next"]
        return found

    async def call(self, method: str, path: str, **body: Any) -> Any:
        async with self._api.request(method, path, **body) as answer:
            answer.raise_for_status()
            return await answer.json()


async def _compare(folder: Path, subscribers: int) -> None:
    few, many = _Site(FEW), _Site(subscribers)
    async with few.running(folder / "few"), many.running(folder / "many"):
        for name, of_few, of_many in (
            ("lookup: GET of a subscriber", few.lookup, many.lookup),
            ("change: PATCH, durable", few.change, many.change),
            ("deposit: POST of 5 s of AMR, durable", few.deposit, many.deposit),
            ("activation: SMS in to STATUS out", few.activation, many.activation),
        ):
            for _ in range(_WARM):
                await of_few()
                await of_many()
            _ratio(name, *await _by_turns(of_few, of_many, _ROUNDS))
        await _pages(many, subscribers)
        await _batches(many, subscribers)


async def _by_turns(
    first: Callable[[], Awaitable[object]], second: Callable[[], Awaitable[object]], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of each call of both."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, seconds in zip((first, second), taken, strict=True):
            started = time.perf_counter()
            await call()
            seconds.append(time.perf_counter() - started)
    return taken


def _ratio(name: str, few: list[float], many: list[float]) -> None:
    ours, others = statistics.median(many), statistics.median(few)
    note = f"{others * 1000:.2f} ms with {FEW:,}; {ours / others:.2f} x"
    report.row(name, f"{ours * 1000:.2f} ms", note)


async def _pages(site: _Site, subscribers: int) -> None:
    """The list is walked once from its start to its end."""
    cursor: str | None = None
    taken: list[float] = []
    while True:
        started = time.perf_counter()
        cursor = await site.page(cursor)
        if cursor is None:
            break
        taken.append(time.perf_counter() - started)
    first, last = statistics.median(taken[:_PAGES]), statistics.median(taken[-_PAGES:])
    note = f"{first * 1000:.1f} ms at the start; {last / first:.2f} x"
    report.row(f"a page of {_PAGE:,} at the end of the list", f"{last * 1000:.1f} ms", note)
    report.rate("subscribers listed, page after page", subscribers, sum(taken))


async def _batches(site: _Site, subscribers: int) -> None:
    started = time.perf_counter()
    for batch in range(_BATCHES):
        first = subscribers + batch * _BATCH
        items = [{"action": "create", "msisdn": _number(first + index)} for index in range(_BATCH)]
        await site.call("POST", "/v1/subscribers:batch", json={"items": items})
    report.rate(
        f"created by batches of {_BATCH:,} beside them", _BATCHES * _BATCH, time.perf_counter() - started
    )
