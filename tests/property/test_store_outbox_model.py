# SPDX-License-Identifier: Apache-2.0
"""Random histories of an outbox on each adapter, against a naive model of lines.

Whoever is owed anything is told later than its cause: every cause is in the row that waits in its line,
or in one that a worker has, or was closed.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import zip_longest

import msgspec
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

from tests.contract.adapters import STORES, OpenStore, parameters
from tests.contract.blocking import BlockingStore
from tests.contract.samples import NOW, SECOND, new_subscriber, owed_to, owed_to_stranger
from vvm.domain.notification import EVERYBODY, Cause, Family, Lane, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.store.port import Acceptance, Settlement

LEASE = 10 * SECOND
RED = Lane(frozenset({"red"}), others=False)
LANES = st.sampled_from([EVERYBODY, RED, Lane(frozenset({"red"}))])
CARRIERS = st.sampled_from(["", "blue", "red"])
TIMES = st.integers(0, 15).map(lambda seconds: timedelta(seconds=seconds))
ZERO = timedelta()

Line = tuple[Msisdn, Family]


class _Row:
    def __init__(self, line: Line, cause: Cause, due_at: timedelta, carrier: str) -> None:
        self.carrier = carrier
        self.line = line
        self.cause = cause
        self.due_at = due_at
        self.number: int | None = None
        """Its id, known since its first lease."""
        self.attempt = 0
        self.leased = self.closed = self.held = False
        self.taken_at: timedelta | None = None
        self.gate: timedelta | None = None
        self.sent = False
        self.accepted: set[int] = set()
        self.delivered: set[int] = set()

    @property
    def waits(self) -> bool:
        return not (self.closed or self.leased or self.accepted)

    def held_by(self, lease: Leased) -> bool:
        """Only the newest lease may give the row back or close it."""
        same = self.taken_at is not None and lease.taken_at == NOW + self.taken_at
        return self.leased and not self.closed and self.attempt == lease.attempt and same


class OutboxMachine(RuleBasedStateMachine):
    def __init__(self, open_store: OpenStore) -> None:
        super().__init__()
        self.opened = BlockingStore(open_store)
        self.run, self.store = self.opened.run, self.opened.port
        self.alice = self.run(self.store.subscribers.create(new_subscriber()))
        self.now = ZERO
        self.rows: list[_Row] = []
        """In the order in which they were made."""
        self.held: list[Leased] = []
        """Every lease that was ever given, also those that ended."""

    def teardown(self) -> None:
        self.opened.close()

    @rule(
        causes=st.lists(st.sampled_from(Cause), min_size=1, max_size=3),
        spacing=st.sampled_from([ZERO, 3 * SECOND]),
        carrier=CARRIERS,
    )
    def owe_alice(self, causes: list[Cause], spacing: timedelta, carrier: str) -> None:
        at = NOW + self.now
        owed = [
            msgspec.structs.replace(
                owed_to(self.alice, cause=cause, due_at=at), spacing=spacing, carrier=carrier
            )
            for cause in causes
        ]
        self.run(self.store.outbox.owe(owed))
        for item in owed:
            self.model_owes(item)

    @rule(number=st.integers(1, 3), carrier=CARRIERS)
    def owe_a_stranger(self, number: int, carrier: str) -> None:
        owed = msgspec.structs.replace(owed_to_stranger(number, due_at=NOW + self.now), carrier=carrier)
        self.run(self.store.outbox.owe([owed]))
        self.model_owes(owed)

    def model_owes(self, owed: Owed) -> None:
        line = (owed.recipient, owed.cause.family)
        beside = [row for row in self.rows if row.line == line]
        for row in beside:
            if row.waits:
                row.cause, row.attempt, row.carrier = owed.cause.joined, 0, owed.carrier
                return
        made = _Row(line, owed.cause, self.now, owed.carrier)
        for row in beside:
            if row.taken_at is not None:
                made.due_at = max(made.due_at, row.taken_at + owed.spacing)
            if row.gate is not None and row.gate > self.now:
                made.due_at, made.held = max(made.due_at, row.gate), True
        self.rows.append(made)

    @rule(by=TIMES)
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule(limit=st.integers(1, 4), lane=LANES, after=CARRIERS)
    def lease(self, limit: int, lane: Lane, after: str) -> None:
        queues: dict[str, list[_Row]] = {}
        for row in sorted(
            (row for row in self.free(lane) if row.due_at <= self.now),
            key=lambda row: (list(Family).index(row.line[1]), row.due_at),
        ):
            queues.setdefault(row.carrier, []).append(row)
        turns = [queues[carrier] for carrier in sorted(queues, key=lambda name: (name <= after, name))]
        due = [row for turn in zip_longest(*turns) for row in turn if row is not None]
        taken = self.run(
            self.store.outbox.lease(now=NOW + self.now, lease=LEASE, limit=limit, lane=lane, after=after)
        )
        # Rows of a family that are due at the same moment may come in any order.
        found = [self.row(leased) for leased in taken]
        assert [(row.carrier, row.line[1], row.due_at) for row in found] == [
            (row.carrier, row.line[1], row.due_at) for row in due[:limit]
        ]
        for row, leased in zip(found, taken, strict=True):
            row.number = leased.id
            row.due_at, row.taken_at = self.now + LEASE, self.now
            row.attempt += 1
            row.leased, row.held = True, False
            assert (leased.cause, leased.attempt, leased.accepted) == (row.cause, row.attempt, row.accepted)
        self.held += taken

    @precondition(lambda self: self.held)
    @rule(data=st.data(), segment=st.integers(1, 3))
    def accepted(self, data: st.DataObject, segment: int) -> None:
        leased = data.draw(st.sampled_from(self.held))
        self.run(
            self.store.outbox.accepted(
                leased, Acceptance(segment, 3, f"{leased.id}/{segment}"), now=NOW + self.now
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
        if not row.held_by(leased):
            return
        row.due_at, row.leased = due_at, False
        beside = [other for other in self.rows if other is not row and other.waits and other.line == row.line]
        if row.waits and beside:
            row.closed = True
            beside[0].cause = beside[0].cause.joined
            beside[0].due_at = max(beside[0].due_at, due_at)

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        settlement=st.sampled_from(Settlement),
        gate=st.none() | TIMES,
        last=st.none() | st.integers(1, 3),
    )
    def settle(
        self, data: st.DataObject, settlement: Settlement, gate: timedelta | None, last: int | None
    ) -> None:
        leased = data.draw(st.sampled_from(self.held))
        row = self.row(leased)
        gated = None
        if gate is not None and settlement is Settlement.SENT and row.line[1] is Family.SYNC:
            gated = self.now + gate
        until = None if gated is None else NOW + gated
        acceptance = None if last is None else Acceptance(last, 3, f"{leased.id}/{last}")
        self.run(
            self.store.outbox.settle(
                leased, settlement, now=NOW + self.now, gated_until=until, last=acceptance
            )
        )
        if not row.held_by(leased):
            return
        if last is not None:
            row.accepted.add(last)
        row.closed, row.leased, row.gate = True, False, gated
        row.sent = settlement is Settlement.SENT
        for other in self.rows:
            if gated is not None and other.line == row.line and other.waits and other.due_at < gated:
                other.due_at, other.held = gated, True

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        segment=st.integers(1, 3),
        settlement=st.sampled_from([Settlement.DELIVERED, Settlement.FAILED]),
    )
    def receipt(self, data: st.DataObject, segment: int, settlement: Settlement) -> None:
        leased = data.draw(st.sampled_from(self.held))
        message_id = f"{leased.id}/{segment}"
        reported = self.run(self.store.outbox.receipt(message_id, settlement, now=NOW + self.now))
        row = self.row(leased)
        known = segment in row.accepted
        assert (reported is not None) == known
        if known and settlement is Settlement.DELIVERED:
            row.delivered.add(segment)
        if not known or (settlement is Settlement.DELIVERED and row.delivered != {1, 2, 3}):
            return
        closes = row.sent or not row.closed
        assert reported is not None
        assert (reported.closed is not None) == closes
        if not closes:
            return
        row.closed, row.sent, row.leased, row.gate = True, False, False, None
        line = [other for other in self.rows if other.line == row.line]
        if not any(other.gate is not None and other.gate > self.now for other in line):
            for other in line:
                if other.held and not other.closed:
                    other.due_at, other.held = self.now, False

    @invariant()
    def what_is_not_closed_is_owed(self) -> None:
        due = [row.due_at for row in self.owed()]
        oldest = NOW + min(due) if due else None
        counts = self.run(self.store.outbox.counts())
        assert (counts.owed, counts.oldest_due_at) == (len(due), oldest)
        by_carrier = {carrier: count.owed for carrier, count in counts.by_carrier.items()}
        assert by_carrier == Counter(row.carrier for row in self.owed())

    @invariant()
    def what_could_be_leased_next_is_known(self) -> None:
        for lane in (EVERYBODY, RED):
            next_due = min((NOW + row.due_at for row in self.free(lane)), default=None)
            assert self.run(self.store.outbox.next_due(now=NOW + self.now, lane=lane)) == next_due

    @invariant()
    def at_most_one_of_a_line_is_in_hands(self) -> None:
        in_hands = [row.line for row in self.owed() if row.leased and row.due_at > self.now]
        assert len(in_hands) == len(set(in_hands))

    @invariant()
    def at_most_one_waits_in_a_line(self) -> None:
        waiting = [row.line for row in self.rows if row.waits]
        assert len(waiting) == len(set(waiting))

    def owed(self) -> list[_Row]:
        return [row for row in self.rows if not row.closed]

    def free(self, lane: Lane) -> list[_Row]:
        """But for those of whose line one is in hands, or an older one due."""
        owed = self.owed()
        return [
            row
            for place, row in enumerate(owed)
            if row.carrier in lane
            and not any(
                other.line == row.line
                and other is not row
                and (
                    (other.leased and other.due_at > self.now) or (older < place and other.due_at <= self.now)
                )
                for older, other in enumerate(owed)
            )
        ]

    def row(self, leased: Leased) -> _Row:
        """The model's row of a lease; one that was never leased before is the one that waited."""
        for row in self.rows:
            if row.number == leased.id:
                return row
        line = (leased.recipient, leased.cause.family)
        (row,) = [row for row in self.rows if row.line == line and row.waits and row.number is None]
        return row


@pytest.mark.parametrize("adapter", parameters(STORES))
def test_any_history_of_an_outbox_is_that_of_the_model(adapter: str) -> None:
    run_state_machine_as_test(
        partial(OutboxMachine, STORES[adapter]),  # type: ignore[arg-type]  # a factory is documented
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
