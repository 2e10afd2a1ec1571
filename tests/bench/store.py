# SPDX-License-Identifier: Apache-2.0
"""Deposits and sync sessions on SQLite and PostgreSQL: what they cost as everything else grows.

First on the store alone: one fsync a commit as ground to compare with; with more and more
mailboxes, and with fuller and fuller ones.  Then the program that serves from it (store_program).
Stores that are compared take turns, so that a noisy moment hits all of them; medians count.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from tests.bench import cpu, report, store_program
from tests.bench.store_fill import Crowd, fill, new_message
from tests.bench.store_places import Engine, engines
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause, Owed
from vvm.runtime.stores import open_store
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.store.port import Store

_OCTETS = 30_000
_SMALL = 200
"""Octets of the messages that only have to be there."""
_AT_ONCE = 16
_SEED = 1


class Extent(msgspec.Struct, frozen=True):
    """How much is measured."""

    mailboxes: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    messages: tuple[int, ...] = (10, 100, 1_000, 10_000)
    rounds: int = 5
    operations: int = 1_000
    """Of each kind in a round."""
    program: store_program.Extent = store_program.Extent()


QUICK = Extent(
    mailboxes=(100, 10_000),
    messages=(10, 1_000),
    rounds=3,
    operations=200,
    program=store_program.QUICK,
)

Operation = Callable[[int], Awaitable[None]]
"""On the subscriber at a place of its crowd."""


class Subject(msgspec.Struct, frozen=True):
    """A filled store that is measured."""

    label: str
    store: Store
    crowd: Crowd

    async def deposit(self, place: int) -> None:
        """A message with its owed SYNC."""
        now = datetime.now(UTC)
        owed = Owed(
            recipient=self.crowd.msisdn_of(place),
            subscriber=self.crowd.subscriber_of(place),
            cause=Cause.NEW_MESSAGE,
            due_at=now,
            expires_at=now + timedelta(days=1),
        )
        await self.store.mailboxes.append(self.crowd.mailbox_of(place), INBOX, new_message(_OCTETS), [owed])

    async def session(self, place: int) -> None:
        """What a handset does after a SYNC: log in, list, fetch a message, mark it as heard or not."""
        mailboxes = self.store.mailboxes
        subscriber = await self.store.subscribers.by_imap_user(self.crowd.user_of(place))
        if subscriber is None:
            raise RuntimeError("a subscriber is missing")
        states = await mailboxes.states(subscriber.mailbox, INBOX)
        (message,) = await mailboxes.messages(subscriber.mailbox, INBOX, [states[0].uid])
        await mailboxes.octets(subscriber.mailbox, INBOX, message.uid)
        seen, none = Flags.SEEN, Flags(0)
        add, remove = (none, seen) if message.flags & seen else (seen, none)
        await mailboxes.change_flags(subscriber.mailbox, INBOX, [message.uid], add=add, remove=remove)


class Cost(msgspec.Struct, frozen=True):
    """Of one operation, in seconds."""

    wall: float
    """With so many at once as are measured: 1 / wall is the rate."""
    cpu: float
    """Of this process and of the database server."""


def run(folder: Path, extent: Extent) -> None:
    asyncio.run(_run(folder, extent))


async def _run(folder: Path, extent: Extent) -> None:
    report.section(f"Store: one fsync a commit, {_OCTETS:,} octets: the ground to compare with")
    await asyncio.to_thread(_naive, folder / "naive.db", extent.operations)
    keyring = Keyring(bytes(MASTER_KEY_BYTES))
    with engines(folder) as places:
        for engine in places:
            report.section(
                f"{engine.name}: by the number of mailboxes, each with a message; {_AT_ONCE} at once"
            )
            await _compare(
                engine,
                extent,
                {
                    f"{count:,} mailboxes": partial(
                        fill, keyring=keyring, count=count, messages=1, octets=_SMALL
                    )
                    for count in extent.mailboxes
                },
            )
            report.section(f"{engine.name}: by the messages of a mailbox; {_AT_ONCE} at once")
            await _compare(
                engine,
                # To list 10,000 messages takes a while.
                msgspec.structs.replace(extent, operations=extent.operations // 10),
                {
                    f"{count:,} messages": partial(
                        fill,
                        keyring=keyring,
                        count=max(2, min(100, 100_000 // count)),
                        messages=count,
                        octets=_SMALL,
                    )
                    for count in extent.messages
                },
            )
        await store_program.measure(folder / "program", places, extent.program)


def _naive(path: Path, count: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE blob (octets BLOB)")
    octets = os.urandom(_OCTETS)
    started = time.perf_counter()
    for _ in range(count):
        connection.execute("INSERT INTO blob VALUES (?)", (octets,))
    report.rate("bare SQLite, one INSERT a commit", count, time.perf_counter() - started)
    connection.close()


Fill = Callable[..., Awaitable[Crowd]]


async def _compare(engine: Engine, extent: Extent, fills: Mapping[str, Fill]) -> None:
    """Each operation on each store, in turns; then the last against the first."""
    async with AsyncExitStack() as stack:
        subjects = []
        for label, make in fills.items():
            started = time.perf_counter()
            subject = await stack.enter_async_context(_filled(engine, label, make))
            subjects.append(subject)
            report.row(f"filled with {label}", f"{time.perf_counter() - started:,.0f} s")
        for name in ("deposit", "session"):
            costs: dict[str, list[Cost]] = {subject.label: [] for subject in subjects}
            for number in range(1 + extent.rounds):
                for subject in subjects:
                    places = random.Random(f"{_SEED} {name} {number}").choices(
                        range(subject.crowd.count), k=extent.operations
                    )
                    costs[subject.label].append(await _cost(engine, getattr(subject, name), places))
            # The first round finds nothing prepared.
            _tell(name, {label: _median(found[1:]) for label, found in costs.items()})


@asynccontextmanager
async def _filled(engine: Engine, label: str, make: Fill) -> AsyncIterator[Subject]:
    async with engine.place(label.replace(",", "").replace(" ", "_")) as settings:
        crowd = await make(settings)
        await engine.settled(settings)
        async with open_store(settings) as store:
            yield Subject(label, store, crowd)


async def _cost(engine: Engine, operation: Operation, places: Sequence[int]) -> Cost:
    waiting = iter(places)

    async def lane() -> None:
        for place in waiting:
            await operation(place)

    before, started = _cpu(engine), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(lane())
    wall = time.perf_counter() - started
    return Cost(wall / len(places), (_cpu(engine) - before) / len(places))


def _cpu(engine: Engine) -> float:
    return time.process_time() + (cpu.seconds(engine.pid) if engine.pid else 0.0)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(each.wall for each in costs), statistics.median(each.cpu for each in costs))


def _tell(name: str, costs: Mapping[str, Cost]) -> None:
    for label, cost in costs.items():
        report.row(f"{name}s, {label}", f"{1 / cost.wall:,.0f} /s", f"CPU {cost.cpu * 1000:.2f} ms")
    (first, few), *_, (last, many) = costs.items()
    report.ratio(f"  time of a {name}, {last} : {first}", many.wall, few.wall)
    report.ratio(f"  CPU of a {name}, {last} : {first}", many.cpu, few.cpu)
