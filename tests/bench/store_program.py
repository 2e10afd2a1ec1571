# SPDX-License-Identifier: Apache-2.0
"""The program on a store: by workers, by nodes, and with thousands of connections that wait.

Deposits come over HTTP and owe a SYNC over SMPP; sessions come over TLS with a handshake each.  The
load generators have their share of the machine's cores in every figure.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from pathlib import Path

import aiohttp
import msgspec

from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import cpu, report
from tests.bench.imap_load import Result
from tests.bench.program import Program, running
from tests.bench.store_fill import Account, Crowd, fill
from tests.bench.store_places import Engine
from tests.unit.audio_samples import wav
from vvm.config.sections import StoreSettings
from vvm.message.audio.transcode import AudioLimits, transcode
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring

_KEY = bytes(MASTER_KEY_BYTES)
_OCTETS = 30_000
_AT_ONCE = 32
_LISTENERS = 10_000
"""Connections of one generator: it has a descriptor for each."""


class Extent(msgspec.Struct, frozen=True):
    callers: int = 2_000
    """Mailboxes that get deposits."""
    phones: int = 200
    """Mailboxes that are listed and fetched from."""
    deposits: int = 1_000
    sessions: int = 1_600
    idle: int = 10_000
    """Connections for each worker."""


QUICK = Extent(callers=100, phones=20, deposits=100, sessions=100, idle=100)


class Layout(msgspec.Struct, frozen=True):
    """How the program runs."""

    nodes: int
    workers: int

    @property
    def label(self) -> str:
        return f"{self.nodes} node{'s' * (self.nodes > 1)}, {self.workers} worker{'s' * (self.workers > 1)}"


class Crowds(msgspec.Struct, frozen=True):
    callers: Crowd
    phones: Crowd
    idlers: Crowd


async def measure(folder: Path, places: Sequence[Engine], extent: Extent) -> None:
    report.section(f"The program; {_AT_ONCE} deposits, or sessions, at once; then with connections in IDLE")
    for engine in places:
        layouts = [Layout(1, 1), Layout(1, 2)]
        if engine.pid:
            layouts.append(Layout(2, 1))
        async with engine.place("program") as settings:
            crowds = await _crowds(settings, extent, most=max(each.nodes * each.workers for each in layouts))
            await engine.settled(settings)
            for layout in layouts:
                place = folder / f"{engine.name}-{layout.nodes}-{layout.workers}"
                async with _nodes(place, settings, layout) as nodes:
                    await _both(engine, layout, nodes, crowds, extent)


async def _crowds(settings: StoreSettings, extent: Extent, *, most: int) -> Crowds:
    keyring = Keyring(_KEY)
    idle = extent.idle * most
    return Crowds(
        callers=await fill(settings, keyring, count=extent.callers, messages=0, octets=0),
        phones=await fill(
            settings,
            keyring,
            first=1_000_000,
            count=extent.phones,
            messages=20,
            octets=_OCTETS,
            accounts=extent.phones,
        ),
        idlers=await fill(
            settings, keyring, first=2_000_000, count=idle, messages=0, octets=0, accounts=idle
        ),
    )


@asynccontextmanager
async def _nodes(folder: Path, settings: StoreSettings, layout: Layout) -> AsyncIterator[list[Program]]:
    """The first of them alone sends SMS."""
    smsc = SimulatedSmsc()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(smsc.running())
        nodes = []
        for number in range(layout.nodes):
            node = running(
                folder / str(number),
                smsc_port=smsc.port,
                workers=layout.workers,
                store=settings.url,
                master_key=_KEY,
                roles="" if number == 0 else "imap,http",
            )
            nodes.append(await stack.enter_async_context(node))
        await smsc.until(lambda: smsc.bound > 0)
        yield nodes


async def _both(
    engine: Engine, layout: Layout, nodes: Sequence[Program], crowds: Crowds, extent: Extent
) -> None:
    """Deposits and sessions, without others and then among connections that wait."""
    # Connections to the store, prepared statements, processes of the pool: not what is compared.
    await _deposits(nodes, crowds.callers, extent.deposits)
    await _sessions(nodes, crowds.phones.accounts, extent.sessions)
    alone = await _rates(engine, layout.label, nodes, crowds, extent)
    count = extent.idle * layout.workers
    accounts = iter(crowds.idlers.accounts)
    shares = [
        (node, first, [next(accounts) for _ in range(min(_LISTENERS, count - first))])
        for node in nodes
        for first in range(0, count, _LISTENERS)
    ]
    async with _idling(shares):
        label = f"{layout.label}, {extent.idle:,} idle a worker"
        among = await _rates(engine, label, nodes, crowds, extent)
    for what, before, after in zip(("deposit", "session"), alone, among, strict=True):
        report.ratio(f"  CPU of a {what} among idle ones : without", after, before)


async def _rates(
    engine: Engine, label: str, nodes: Sequence[Program], crowds: Crowds, extent: Extent
) -> tuple[float, float]:
    """CPU seconds of a deposit and of a session."""
    costs = []
    for what, count, work in (
        ("deposits", extent.deposits, _deposits(nodes, crowds.callers, extent.deposits)),
        ("sessions", extent.sessions, _sessions(nodes, crowds.phones.accounts, extent.sessions)),
    ):
        before = _cpu(engine, nodes)
        seconds = await work
        cost = (_cpu(engine, nodes) - before) / count
        report.rate(f"{engine.name}, {label}: {what}", count, seconds, f"CPU {cost * 1000:.2f} ms")
        costs.append(cost)
    return costs[0], costs[1]


def _cpu(engine: Engine, nodes: Sequence[Program]) -> float:
    """Of the programs and of the database server."""
    return sum(cpu.seconds(pid) for pid in [*(node.pid for node in nodes), *filter(None, [engine.pid])])


async def _deposits(nodes: Sequence[Program], crowd: Crowd, count: int) -> float:
    """Seconds until all are acknowledged, by all nodes in turn."""
    audio = transcode(wav(seconds=20.0), AudioLimits(max_seconds=60)).amr
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(
                aiohttp.ClientSession(node.http, headers={"Authorization": f"Bearer {node.token}"})
            )
            for node in nodes
        ]
        waiting = iter(zip(range(count), cycle(sessions), strict=False))

        async def caller() -> None:
            for place, session in waiting:
                path = f"/v1/subscribers/{crowd.msisdn_of(place % crowd.count)}/messages"
                async with session.post(path, data=audio, params={"from": "+33698765432"}) as answer:
                    answer.raise_for_status()

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(caller())
        return time.perf_counter() - started


async def _sessions(nodes: Sequence[Program], accounts: Sequence[Account], count: int) -> float:
    """Seconds of the slowest generator; each node has one, and its share of the sessions."""
    each = len(nodes)
    results = await asyncio.gather(
        *(_generator(node, accounts[at::each], count // each) for at, node in enumerate(nodes))
    )
    return max(result.seconds for result in results)


async def _generator(node: Program, accounts: Sequence[Account], count: int) -> Result:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.imap_load", "sync"),
        *map(str, (node.imap_tls, _AT_ONCE, count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    lines = "\n".join(f"{account.user} {account.password}" for account in accounts)
    output, _ = await process.communicate(lines.encode())
    if process.returncode:
        raise RuntimeError("the load generator failed")
    return msgspec.json.decode(output, type=Result)


@asynccontextmanager
async def _idling(shares: Sequence[tuple[Program, int, Sequence[Account]]]) -> AsyncIterator[None]:
    """A generator for each share, all of which come in side by side: its node, how many it follows, who."""
    started = [await _idlers(node, first, accounts) for node, first, accounts in shares]
    for process in started:
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise RuntimeError("the idlers did not all come in")
    yield
    for process in started:
        await process.communicate(b"go\n")


async def _idlers(node: Program, first: int, accounts: Sequence[Account]) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.imap_idle", str(node.imap_tls), str(first)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None
    lines = ";".join(f"{account.user} {account.password}" for account in accounts)
    process.stdin.write(lines.encode() + b"\n")
    return process
