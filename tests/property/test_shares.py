# SPDX-License-Identifier: Apache-2.0
"""However many senders come, sleep and go: together they never have more than the whole."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from enum import Enum, auto

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.samples import NOW
from vvm.domain.clock import FixedClock
from vvm.runtime.shares import Shares
from vvm.store.memory import MemoryStore
from vvm.store.port import OutboxStore

SMSC = "north"
EVERY = 1.0
"""How often one that is awake renews its part."""


class Sender:
    """What one process may send."""

    names = (SMSC,)

    def __init__(self) -> None:
        self.part = 0.0
        self.until = 0.0
        self.bound = True

    def connected(self, name: str) -> bool:
        assert name == SMSC
        return self.bound

    def share(self, name: str, part: float, until: float) -> None:
        assert name == SMSC
        self.part, self.until = part, until


class World:
    """One store, one time; senders by number."""

    def __init__(self) -> None:
        self.outbox: OutboxStore = MemoryStore().outbox
        self.clock = FixedClock(NOW)
        self.senders: dict[int, tuple[Sender, Shares]] = {}

    def passed(self) -> float:
        return 1000.0 + (self.clock.now() - NOW).total_seconds()

    async def renew(self, number: int) -> None:
        if number not in self.senders:
            sender = Sender()
            self.senders[number] = (sender, Shares(self.outbox, sender, self.clock, self.passed))
        await self.senders[number][1].renew(f"s{number}")

    def bind(self, number: int, *, up: bool) -> None:
        if number in self.senders:
            self.senders[number][0].bound = up

    def leave(self, number: int) -> None:
        """It ends; who comes again has its name."""
        self.senders.pop(number, None)

    def parts(self) -> list[float]:
        return [sender.part for sender, _ in self.senders.values() if self.passed() < sender.until]


class Do(Enum):
    RENEW = auto()
    LEAVE = auto()
    BIND = auto()
    LOSE_BIND = auto()
    PASS = auto()


class Step(msgspec.Struct, frozen=True):
    do: Do
    number: int = 0
    seconds: float = 0.0


STEPS = st.lists(
    st.builds(Step, st.sampled_from(Do), st.integers(0, 3), st.floats(0, 5, allow_nan=False)), max_size=60
)


@given(STEPS)
@example([Step(Do.RENEW, 0), Step(Do.RENEW, 1), Step(Do.PASS, seconds=2.9), Step(Do.RENEW, 1)])
@example([Step(Do.RENEW, 0), Step(Do.RENEW, 1), Step(Do.LEAVE, 1), Step(Do.RENEW, 1)])
def test_all_parts_together_are_never_more_than_the_whole(steps: list[Step]) -> None:
    async def live() -> None:
        world = World()
        for step in steps:
            match step.do:
                case Do.RENEW:
                    await world.renew(step.number)
                case Do.LEAVE:
                    world.leave(step.number)
                case Do.BIND | Do.LOSE_BIND:
                    world.bind(step.number, up=step.do is Do.BIND)
                case Do.PASS:
                    world.clock.advance(timedelta(seconds=step.seconds))
            assert sum(world.parts()) <= 1 + 1e-9

    asyncio.run(live())


@given(st.integers(1, 5))
def test_senders_that_stay_come_to_have_all_of_it_in_equal_parts(count: int) -> None:
    async def live() -> None:
        world = World()
        for _ in range(6):
            for number in range(count):
                await world.renew(number)
            world.clock.advance(timedelta(seconds=EVERY))
        assert world.parts() == [1 / count] * count

    asyncio.run(live())


def test_who_has_no_bind_leaves_its_part_to_the_others_until_it_has_one_again() -> None:
    async def live() -> None:
        world = World()
        parts: list[list[float]] = []
        for second in range(36):
            world.bind(1, up=not 10 <= second < 25)
            for number in (0, 1):
                await world.renew(number)
            parts.append(world.parts())
            world.clock.advance(timedelta(seconds=EVERY))
        half = [0.5, 0.5]
        assert (parts[9], parts[18], parts[24], parts[35]) == (half, half, [1.0], half)

    asyncio.run(live())


def test_who_is_alone_has_all_of_it_at_once() -> None:
    async def live() -> None:
        world = World()
        await world.renew(0)
        assert world.parts() == [1.0]

    asyncio.run(live())
