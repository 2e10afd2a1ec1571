# SPDX-License-Identifier: Apache-2.0
"""Random histories of an outbox on each adapter: what is owed is leased, in order, until it is closed."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.contract.adapters import STORES, OpenStore
from tests.contract.blocking import BlockingStore
from tests.contract.samples import NOW, SECOND, new_subscriber, owed_to
from vvm.domain.notification import Leased
from vvm.store.port import Settlement

LEASE = 10 * SECOND
TIMES = st.integers(0, 15).map(lambda seconds: timedelta(seconds=seconds))


class _Row:
    """A row of the model; the return code of a notification is its name here."""

    def __init__(self, due_at: timedelta) -> None:
        self.due_at = due_at
        self.attempt = 0
        self.accepted: set[int] = set()
        self.delivered: set[int] = set()
        self.closed = False


class OutboxMachine(RuleBasedStateMachine):
    def __init__(self, open_store: OpenStore) -> None:
        super().__init__()
        self.opened = BlockingStore(open_store)
        self.run, self.store = self.opened.run, self.opened.port
        self.alice = self.run(self.store.subscribers.create(new_subscriber()))
        self.now = timedelta()
        self.rows: dict[int, _Row] = {}
        self.held: list[Leased] = []
        """Every lease that was ever given, also those that ended."""

    def teardown(self) -> None:
        self.opened.close()

    @rule(after=st.lists(TIMES, max_size=3))
    def owe(self, after: list[timedelta]) -> None:
        owed = []
        for delay in after:
            name = len(self.rows)
            self.rows[name] = _Row(self.now + delay)
            owed.append(owed_to(self.alice, due_at=NOW + self.now + delay, return_code=name))
        self.run(self.store.outbox.owe(owed))

    @rule(by=TIMES)
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(limit=st.integers(1, 4))
    def lease(self, limit: int) -> None:
        due = sorted(row.due_at for row in self.owed() if row.due_at <= self.now)[:limit]
        taken = self.run(self.store.outbox.lease(now=NOW + self.now, lease=LEASE, limit=limit))
        # Rows that are due at the same moment may come in any order.
        assert [self.row(leased).due_at for leased in taken] == due
        for leased in taken:
            row = self.row(leased)
            assert not row.closed
            row.due_at = self.now + LEASE
            row.attempt += 1
            assert leased.attempt == row.attempt
            assert leased.accepted == row.accepted
        self.held += taken

    @precondition(lambda self: self.held)
    @rule(data=st.data(), segment=st.integers(1, 3))
    def accepted(self, data: st.DataObject, segment: int) -> None:
        leased = data.draw(st.sampled_from(self.held))
        self.run(
            self.store.outbox.accepted(
                leased, segment=segment, total=3, message_id=f"{leased.id}/{segment}", now=NOW + self.now
            )
        )
        self.row(leased).accepted.add(segment)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), after=TIMES)
    def retry(self, data: st.DataObject, after: timedelta) -> None:
        leased = data.draw(st.sampled_from(self.held))
        due_at = self.now + after
        self.run(self.store.outbox.retry(leased, due_at=NOW + due_at, status=0x58, counted=True))
        row = self.row(leased)
        if not row.closed and row.attempt == leased.attempt:
            row.due_at = due_at

    @precondition(lambda self: self.held)
    @rule(data=st.data(), settlement=st.sampled_from(Settlement))
    def settle(self, data: st.DataObject, settlement: Settlement) -> None:
        leased = data.draw(st.sampled_from(self.held))
        self.run(self.store.outbox.settle(leased, settlement, now=NOW + self.now))
        self.row(leased).closed = True

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        segment=st.integers(1, 3),
        settlement=st.sampled_from([Settlement.DELIVERED, Settlement.FAILED]),
    )
    def receipt(self, data: st.DataObject, segment: int, settlement: Settlement) -> None:
        leased = data.draw(st.sampled_from(self.held))
        known = self.run(self.store.outbox.receipt(f"{leased.id}/{segment}", settlement, now=NOW + self.now))
        row = self.row(leased)
        assert known is (segment in row.accepted)
        if known and settlement is Settlement.DELIVERED:
            row.delivered.add(segment)
        if known:
            row.closed |= settlement is Settlement.FAILED or row.delivered == {1, 2, 3}

    @invariant()
    def what_is_not_closed_is_owed(self) -> None:
        due = [row.due_at for row in self.owed()]
        oldest = NOW + min(due) if due else None
        counts = self.run(self.store.outbox.counts())
        assert (counts.owed, counts.oldest_due_at) == (len(due), oldest)
        assert self.run(self.store.outbox.next_due()) == oldest

    def owed(self) -> list[_Row]:
        return [row for row in self.rows.values() if not row.closed]

    def row(self, leased: Leased) -> _Row:
        return self.rows[leased.return_code]


@pytest.mark.parametrize("adapter", sorted(STORES))
def test_any_history_of_an_outbox_is_that_of_the_model(adapter: str) -> None:
    run_state_machine_as_test(
        partial(OutboxMachine, STORES[adapter]),  # type: ignore[arg-type]  # a factory is documented
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
