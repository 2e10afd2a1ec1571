# SPDX-License-Identifier: Apache-2.0
"""What is old enough is forgotten, counted by kind, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from tests.contract.samples import NOW, new_message
from tests.unit.services_world import ALICE, World
from vvm.domain.clock import FixedClock
from vvm.domain.message import INBOX
from vvm.runtime.metrics import RetentionMetrics
from vvm.services.retention import KINDS, Retention
from vvm.services.settings import NotificationSettings, RetentionSettings
from vvm.store.port import SubscriberChange


class Counting:
    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}

    def forgotten(self, what: str, rows: int) -> None:
        self.rows.setdefault(what, []).append(rows)


def retention(world: World, *, later: timedelta, settings: RetentionSettings) -> Retention:
    """At a moment after now, by the clock that the memory store has too."""
    return Retention(
        world.store.outbox,
        world.store.inbound,
        world.store.visits,
        world.store.recovery,
        world.store.history,
        numbers=world.store.numbers,
        repeats=world.store.repeats,
        lifecycle=world.lifecycle,
        clock=FixedClock(datetime.now(UTC) + later),
        settings=NotificationSettings(),
        history_settings=settings,
    )


async def test_each_kind_goes_in_its_own_time_and_in_batches() -> None:
    world, counted = World(), Counting()
    alice = await world.subscriber()
    await world.store.subscribers.change(ALICE, SubscriberChange(changed_at=NOW, max_messages=600))
    for number in range(600):
        await world.store.mailboxes.append(alice.mailbox, INBOX, new_message(key=f"call-{number}"))
    settings = RetentionSettings(journal_days=10, deposit_key_days=20, audit_days=3650)
    await retention(world, later=timedelta(days=9), settings=settings)(counted)
    assert "changes" not in counted.rows
    await retention(world, later=timedelta(days=11), settings=settings)(counted)
    assert counted.rows["changes"] == [500, 100]
    assert "deposit_keys" not in counted.rows
    await retention(world, later=timedelta(days=21), settings=settings)(counted)
    assert counted.rows["deposit_keys"] == [500, 100]
    assert "audit" not in counted.rows


async def test_the_audit_may_be_kept_for_ever() -> None:
    world = World()
    await world.subscriber()
    for_ever = RetentionSettings(audit_days=0)
    await retention(world, later=timedelta(days=36_500), settings=for_ever)()
    assert await world.store.subscribers.audit(ALICE, limit=10)
    await retention(world, later=timedelta(days=36_500), settings=RetentionSettings())()
    assert not await world.store.subscribers.audit(ALICE, limit=10)


async def test_what_is_shown_is_what_is_forgotten() -> None:
    rules = retention(World(), later=timedelta(0), settings=RetentionSettings())._rules()
    assert [what for what, _, _ in rules] == list(KINDS)


def test_every_kind_is_shown_before_the_first_was_forgotten() -> None:
    registry = CollectorRegistry()
    metrics = RetentionMetrics(registry)
    assert registry.get_sample_value("vvm_forgotten_rows_total", {"what": "changes"}) == 0
    metrics.forgotten("changes", 7)
    assert registry.get_sample_value("vvm_forgotten_rows_total", {"what": "changes"}) == 7
