# SPDX-License-Identifier: Apache-2.0
"""Who shares a store shares its clock, and a node whose own is wrong goes by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.contract.samples import NOW, SECOND
from vvm.store.clock import StoreClock
from vvm.store.port import Store
from vvm.store.postgres import PostgresStore

LITTLE = timedelta(minutes=5)
"""More than a test takes, and less than a year."""


class Elsewhere:
    """A store on a machine with a clock of its own, whose answers take as long as we say."""

    def __init__(self) -> None:
        self.passed = 100.0
        self.answers_in = 0.0
        self.says: datetime | None = NOW

    async def time(self) -> datetime | None:
        self.passed += self.answers_in
        return self.says


async def test_a_store_that_machines_share_says_what_time_it_is(store: Store) -> None:
    before = await store.time()
    if not isinstance(store, PostgresStore):
        assert before is None
        return
    assert before is not None
    after = await store.time()
    assert after is not None
    assert datetime.now(UTC) - LITTLE < before <= after < datetime.now(UTC) + LITTLE


async def test_the_clock_goes_by_what_the_store_said_and_what_has_passed_since() -> None:
    elsewhere = Elsewhere()
    clock = StoreClock(elsewhere, lambda: elsewhere.passed)
    await clock.look()
    assert clock.now() == NOW
    elsewhere.passed += 90
    assert clock.now() == NOW + 90 * SECOND
    elsewhere.says = NOW + 100 * SECOND
    await clock.look()
    assert clock.now() == NOW + 100 * SECOND


async def test_half_of_what_an_answer_took_is_behind_it() -> None:
    elsewhere = Elsewhere()
    elsewhere.answers_in = 0.5
    clock = StoreClock(elsewhere, lambda: elsewhere.passed)
    await clock.look()
    assert clock.now() == NOW + timedelta(seconds=0.25)


async def test_an_answer_that_took_long_is_taken_only_when_there_is_no_better() -> None:
    elsewhere = Elsewhere()
    elsewhere.answers_in = 4.0
    clock = StoreClock(elsewhere, lambda: elsewhere.passed)
    await clock.look()
    assert clock.now() == NOW + 2 * SECOND
    await clock.look()
    assert clock.now() == NOW + 6 * SECOND


async def test_a_store_of_one_machine_has_no_other_clock_than_that_one() -> None:
    elsewhere = Elsewhere()
    elsewhere.says = None
    clock = StoreClock(elsewhere, lambda: elsewhere.passed)
    await clock.look()
    assert abs(clock.now() - datetime.now(UTC)) < LITTLE
