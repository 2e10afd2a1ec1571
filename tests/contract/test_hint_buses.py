# SPDX-License-Identifier: Apache-2.0
"""Hints between nodes, over every bus: what they spare is time, and what they lose is nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.contract.buses import LOSABLE, NETS, PEERS, Net
from tests.contract.samples import new_message, new_subscriber
from vvm.domain.message import INBOX
from vvm.domain.subscriber import MailboxId
from vvm.store.hints.shared import SharedHints
from vvm.store.memory import MemoryStore

BOX, OTHER = MailboxId(7), MailboxId(8)
LONG = timedelta(hours=1)
_SECONDS = 30.0


def named(names: object) -> list[ParameterSet]:
    return [
        pytest.param(name, marks=[pytest.mark.peers] if name in PEERS else [])
        for name in names  # type: ignore[attr-defined]  # of a dict, or a tuple
    ]


@pytest.fixture(params=named(NETS))
async def net(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Net]:
    async with NETS[request.param](tmp_path) as opened:
        yield opened


@asynccontextmanager
async def node(net: Net) -> AsyncIterator[SharedHints]:
    """Hints that say and hear; ready when they do."""
    hints = SharedHints(net.bus())
    listening = asyncio.Event()
    stop = hints.watch(BOX, listening.set)  # everybody is woken when the bus is there
    async with asyncio.TaskGroup() as group:
        running = group.create_task(hints.run())
        async with asyncio.timeout(_SECONDS):
            await listening.wait()
        stop()
        yield hints
        running.cancel()
        await asyncio.wait([running])
        await hints.close()


def watched(hints: SharedHints) -> asyncio.Event:
    woken = asyncio.Event()
    hints.watch(BOX, woken.set)
    return woken


class Reader:
    """Whoever has a mailbox open: reads its journal at a hint, and from time to time without."""

    def __init__(self, store: MemoryStore, mailbox: MailboxId, hints: SharedHints, poll: timedelta) -> None:
        self._store = store
        self._mailbox = mailbox
        self._woken = asyncio.Event()
        self._poll = poll.total_seconds()
        self.stop = hints.watch(mailbox, self._woken.set)
        self.seen: list[int] = []

    async def until(self, count: int) -> None:
        since = 0
        while len(self.seen) < count:
            self._woken.clear()
            changes = await self._store.mailboxes.changes(self._mailbox, INBOX, since)
            assert changes is not None
            since = changes.folder.highest_modseq
            self.seen += [message.uid for message in changes.changed]
            if len(self.seen) < count:
                try:
                    async with asyncio.timeout(self._poll):
                        await self._woken.wait()
                except TimeoutError:
                    pass


async def test_a_reader_on_another_node_sees_every_change_once_and_in_order(net: Net) -> None:
    """Without its own look only where the bus delivers."""
    store = MemoryStore()
    alice = await store.subscribers.create(new_subscriber())
    poll = LONG if net.delivers else timedelta(milliseconds=20)
    async with node(net) as here, node(net) as there, asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
        reader = Reader(store, alice.mailbox, there, poll)
        reading = group.create_task(reader.until(30))
        for number in range(30):
            await store.mailboxes.append(alice.mailbox, INBOX, new_message(key=f"k{number}"))
            here.mailbox(alice.mailbox)
            await asyncio.sleep(0.002 * (number % 5))
        await reading
        reader.stop()
    assert reader.seen == sorted(reader.seen)
    assert len(set(reader.seen)) == 30


async def test_what_is_said_at_the_same_time_is_all_heard(net: Net) -> None:
    if not net.delivers:
        return
    said = {f"{number}" for number in range(20)}
    heard: set[str] = set()
    listening, enough = asyncio.Event(), asyncio.Event()

    def hear(text: str) -> None:
        heard.add(text)
        if heard == said:
            enough.set()

    here, there = net.bus(), net.bus()
    async with asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
        ears = []
        for bus in (here, there):  # who listens speaks on the same connection, where there are any
            listening.clear()
            ears.append(group.create_task(bus.listen(hear, listening.set)))
            await listening.wait()
        await asyncio.gather(*(here.say(text) for text in said))
        await enough.wait()
        for ear in ears:
            ear.cancel()
    for bus in (here, there):
        await bus.close()


async def test_who_reads_on_the_node_of_the_change_needs_no_bus(net: Net) -> None:
    async with node(net) as here:
        woken = watched(here)
        here.mailbox(BOX)
        assert woken.is_set()


async def test_another_mailbox_wakes_nobody(net: Net) -> None:
    if not net.delivers:
        return
    async with node(net) as here, node(net) as there, asyncio.timeout(_SECONDS):
        woken, last = watched(there), asyncio.Event()
        there.watch(OTHER, last.set)
        here.mailbox(OTHER)
        await last.wait()
        assert not woken.is_set()


@pytest.mark.parametrize("kind", ["outbox", "inbound"])
async def test_work_is_heard_on_the_other_node(net: Net, kind: str) -> None:
    async with node(net) as here, node(net) as there, asyncio.timeout(_SECONDS):
        moved = getattr(there, f"{kind}_moved")
        await moved(timedelta())  # what rang when the bus came
        getattr(here, kind)()
        await moved(LONG if net.delivers else timedelta(milliseconds=1))


@pytest.mark.parametrize("name", named(LOSABLE))
async def test_everybody_is_woken_when_the_bus_is_back(name: str, tmp_path: Path) -> None:
    async with NETS[name](tmp_path) as net, node(net) as hints, asyncio.timeout(_SECONDS):
        woken = watched(hints)
        await net.lose()
        await woken.wait()


async def test_what_a_node_says_last_is_heard_before_it_ends(net: Net) -> None:
    """As a command does, which opens the store, says something and ends."""
    if not net.delivers:
        return
    async with node(net) as there, asyncio.timeout(_SECONDS):
        woken = watched(there)
        brief = SharedHints(net.bus())
        brief.mailbox(BOX)
        await brief.close()
        await woken.wait()
