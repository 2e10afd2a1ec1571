# SPDX-License-Identifier: Apache-2.0
"""``script/simulate``: measure what a deposit and a session cost, predict a busy hour, and look.

The real program, HTTP deposits, SYNC over SMPP, IMAP sessions over TLS with a handshake each.  First
each operation alone, for its cost; then both at a steady rate for a minute, predicted and seen.
"""

from __future__ import annotations

import argparse
import asyncio
import imaplib
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import cpu, report
from tests.bench.capacity import Costs, Machines, Traffic, load, need
from tests.bench.program import Program, running
from tests.bench.store_places import Files, databases
from tests.unit.audio_samples import wav
from vvm.message.audio.transcode import AudioLimits, transcode
from vvm.omtp.system import parse_system_sms
from vvm.runtime.logs import configure

_PEOPLE = 400
"""So many that their mailboxes stay as small as real ones."""
_ALONE_SECONDS = 10.0
_ALONE_RATE = 40.0
"""A second: as in the busy hour, nothing waits, so that neither commits nor SMS join more than there."""
_THREADS = 16
_TRANSCODED = 10
_SETTLE_SECONDS = 5.0

Account = tuple[str, str]
Operation = Callable[[int], Coroutine[None, None, None]]


class Busy(msgspec.Struct, frozen=True):
    """Cores, or seconds of a core for one operation: of the program, and of the database server."""

    program: float
    database: float

    def each(self, count: float, without: Busy) -> Busy:
        """Of one of so many operations, and not of what goes on without them."""
        return Busy(
            (self.program - without.program) / count, max(0.0, (self.database - without.database) / count)
        )


class World:
    """A program, its SMSC, and the handsets behind it; ``database`` is the process of its server, or 0."""

    def __init__(
        self, program: Program, database: int, api: aiohttp.ClientSession, accounts: dict[str, Account]
    ) -> None:
        self.program = program
        self._database = database
        self._api = api
        self._accounts = accounts
        self._audio = transcode(wav(seconds=20.0), AudioLimits(max_seconds=60)).amr
        self._tls = ssl.create_default_context(cafile=program.certificate)
        self._threads = ThreadPoolExecutor(_THREADS)

    async def deposit(self, number: int) -> None:
        path = f"/v1/subscribers/{_msisdn(number)}/messages"
        async with self._api.post(path, data=self._audio, params={"from": "+33698765432"}) as answer:
            answer.raise_for_status()

    async def session(self, number: int) -> None:
        account = self._accounts[_msisdn(number)]
        await asyncio.get_running_loop().run_in_executor(self._threads, self._sync, account)

    def _sync(self, account: Account) -> None:
        """List flags, fetch the newest message, mark it: what a handset does after a SYNC."""
        client = imaplib.IMAP4_SSL("localhost", self.program.imap_tls, ssl_context=self._tls)
        client.login(*account)
        _, (count,) = client.select("INBOX")
        client.uid("FETCH", "1:*", "(FLAGS)")
        newest = (count or b"0").decode()
        if newest != "0":
            client.fetch(newest, "(BODY.PEEK[])")
            client.store(newest, "+FLAGS", r"(\Seen)")
        client.logout()

    async def cost(self, operation: Operation, idle: Busy) -> Busy:
        """Seconds of one core for one of many."""
        return (await self.steady(_ALONE_SECONDS, {operation: _ALONE_RATE})).each(_ALONE_RATE, idle)

    async def idle(self) -> Busy:
        return await self._busy(_SETTLE_SECONDS, asyncio.sleep(_SETTLE_SECONDS))

    async def steady(self, seconds: float, rates: dict[Operation, float]) -> Busy:
        """An open loop, so that a slow answer delays no other."""

        async def play() -> None:
            async with asyncio.TaskGroup() as group:
                for operation, rate in rates.items():
                    group.create_task(_at(rate, int(seconds * rate), operation))

        return await self._busy(seconds, play())

    async def _busy(self, seconds: float, work: Awaitable[None]) -> Busy:
        program, database = self._cpu()
        await work
        after = self._cpu()
        return Busy((after[0] - program) / seconds, (after[1] - database) / seconds)

    def _cpu(self) -> tuple[float, float]:
        return cpu.seconds(self.program.pid), cpu.seconds(self._database) if self._database else 0.0


async def _at(rate: float, count: int, operation: Operation) -> None:
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            group.create_task(operation(number))


def _transcoding() -> float:
    """Seconds of a core for a WAV of 20 s."""
    audio = wav(seconds=20.0)
    started = time.thread_time()
    for _ in range(_TRANSCODED):
        transcode(audio, AudioLimits(max_seconds=60))
    return (time.thread_time() - started) / _TRANSCODED


def _msisdn(number: int) -> str:
    return f"+336{number % _PEOPLE:08}"


async def _run(folder: Path, engine: str, seconds: float, share: float, traffic: Traffic) -> None:
    told: dict[str, Account] = {}
    everybody = asyncio.Event()

    def hear(sms: HandsetSms) -> None:
        heard = parse_system_sms(sms.text or "", "//VVM")
        if heard is not None and "pw" in heard.fields:
            told[sms.recipient] = (heard.fields["u"], heard.fields["pw"])
            if len(told) == _PEOPLE:
                everybody.set()

    smsc = SimulatedSmsc(on_sms=hear)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(smsc.running())
        place = stack.enter_context(databases()) if engine == "postgres" else Files(folder)
        settings = await stack.enter_async_context(place.place("simulate"))
        program = await stack.enter_async_context(
            running(folder / "program", smsc_port=smsc.port, store=settings.url)
        )
        api = await stack.enter_async_context(_api(program))
        await smsc.until(lambda: smsc.bound > 0)
        for number in range(_PEOPLE):
            async with api.put(f"/v1/subscribers/{_msisdn(number)}", json={"max_messages": 10_000}) as answer:
                answer.raise_for_status()
            await smsc.send_mo(_msisdn(number)[1:], "5511", "Activate:pv=11;ct=bench")
        await everybody.wait()
        await _measure(World(program, place.pid, api, told), seconds, share, traffic)


async def _measure(world: World, seconds: float, share: float, traffic: Traffic) -> None:
    report.section("Costs, each operation alone")
    idle = await world.idle()
    deposit, session = await world.cost(world.deposit, idle), await world.cost(world.session, idle)
    costs = Costs(
        deposit=deposit.program,
        session=session.program,
        transcoding=await asyncio.to_thread(_transcoding),
        database_deposit=deposit.database,
        database_session=session.database,
    )
    report.row("to transcode its WAV", f"{costs.transcoding * 1000:.2f} ms of a core")
    for what, cost in (("a deposit of 20 s with its SYNC", deposit), ("a sync session", session)):
        report.row(what, f"{cost.program * 1000:.2f} ms of a core", f"database {cost.database * 1000:.2f} ms")
    both = [cost.program + cost.database for cost in (deposit, session)]
    deposits = share / (both[0] + traffic.sessions_per_deposit * both[1])
    sessions = deposits * traffic.sessions_per_deposit
    report.section(f"A busy hour, {seconds:g} s of it, at {share:.0%} of a core")
    carried = deposits * 3600 / (traffic.deposits_a_day * traffic.busy_hour)
    report.row(
        "that are", f"{carried:,.0f} subscribers", f"{deposits:.1f} deposits, {sessions:.1f} sessions /s"
    )
    predicted = load(costs, deposits=deposits, sessions=sessions, idle=idle.program)
    database = idle.database + deposits * costs.database_deposit + sessions * costs.database_session
    seen = await world.steady(seconds, {world.deposit: deposits, world.session: sessions})
    report.row("predicted", f"{predicted:.2f} cores", f"database {database:.2f}")
    report.row("seen", f"{seen.program:.2f} cores", f"database {seen.database:.2f}")
    report.ratio("seen : predicted", seen.program + seen.database, predicted + database)
    report.section(f"{traffic.subscribers:,} subscribers")
    for name, value in msgspec.structs.asdict(need(traffic, costs, Machines())).items():
        report.row(name, f"{value:,.0f}" if isinstance(value, float) else f"{value}")


def _api(program: Program) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(program.http, headers={"Authorization": f"Bearer {program.token}"})


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/simulate", description=__doc__)
    parser.add_argument(
        "--store", choices=("sqlite", "postgres"), default="sqlite", help="what the program keeps it in"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the busy hour is watched")
    parser.add_argument("--share", type=float, default=0.5, help="how much of a core it is to take")
    parser.add_argument("--subscribers", type=int, default=Traffic().subscribers)
    wanted = parser.parse_args()
    configure("warning", "console")
    print(report.machine())
    with tempfile.TemporaryDirectory(dir=Path(__file__).parents[2], prefix=".bench-") as folder:
        traffic = Traffic(subscribers=wanted.subscribers)
        asyncio.run(_run(Path(folder), wanted.store, wanted.seconds, wanted.share, traffic))


if __name__ == "__main__":
    main()
