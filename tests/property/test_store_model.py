# SPDX-License-Identifier: Apache-2.0
"""Random histories of a mailbox on each adapter, beside a model that is too simple to be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.contract.adapters import STORES, OpenStore, parameters
from tests.contract.blocking import BlockingStore
from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_message, new_subscriber, owed_to
from vvm.domain.errors import MailboxFull
from vvm.domain.message import INBOX, Flags
from vvm.store.port import Changes, FolderState, MessageState, SubscriberChange

MOST_UIDS = 12
UIDS = st.lists(st.integers(1, MOST_UIDS), max_size=6)
FLAGS = st.builds(Flags, st.integers(0, sum(Flags)))
KEYS = st.none() | st.sampled_from(["call-1", "call-2", "call-3"])


class _Snapshot(msgspec.Struct, frozen=True):
    """What a client that looked once knows."""

    highest_modseq: int
    flags: dict[int, Flags]


class MailboxMachine(RuleBasedStateMachine):
    """The model is a dict of flags by UID and a dict of octets by UID; MODSEQ is the store's own affair,
    and is judged by what changes() makes of it."""

    def __init__(self, open_store: OpenStore) -> None:
        super().__init__()
        self.opened = BlockingStore(open_store)
        self.run, self.store = self.opened.run, self.opened.port
        self.alice = self.run(self.store.subscribers.create(new_subscriber(max_messages=4)))
        self.bob = self.run(self.store.subscribers.create(new_subscriber(BOB)))
        self.run(self.store.mailboxes.append(self.bob.mailbox, INBOX, new_message(b"for bob")))
        self.for_bob = self.folder(self.bob.mailbox)
        self.flags: dict[int, Flags] = {}
        self.octets: dict[int, bytes] = {}
        self.keys: dict[str, int] = {}
        self.uid_next = 1
        self.limit = 4
        self.owed = 0
        self.uid_validity = self.folder(self.alice.mailbox).uid_validity
        self.seen = [self.snapshot()]

    def teardown(self) -> None:
        self.opened.close()

    @rule(size=st.integers(0, 50), key=KEYS)
    def append(self, size: int, key: str | None) -> None:
        message = new_message(bytes([size]) * size, key=key)
        owed = [owed_to(self.alice)]
        appending = self.store.mailboxes.append(self.alice.mailbox, INBOX, message, owed)
        if key in self.keys:
            stored = self.run(appending)
            assert (stored.uid, stored.created) == (self.keys[key], False)
        elif len(self.flags) >= self.limit:
            with pytest.raises(MailboxFull):
                self.run(appending)
        else:
            stored = self.run(appending)
            assert (stored.uid, stored.created) == (self.uid_next, True)
            self.flags[stored.uid] = Flags(0)
            self.octets[stored.uid] = message.octets
            self.uid_next += 1
            self.owed = 1  # what waits for the same phone joins
            if key is not None:
                self.keys[key] = stored.uid

    @rule(uids=UIDS, add=FLAGS, remove=FLAGS)
    def change_flags(self, uids: list[int], add: Flags, remove: Flags) -> None:
        changing = self.store.mailboxes.change_flags(self.alice.mailbox, INBOX, uids, add=add, remove=remove)
        named = self.flags.keys() & uids
        for uid in named:
            self.flags[uid] = (self.flags[uid] & ~remove) | add
        if named and Flags.GREETING_ON in add:
            for uid in self.flags.keys() - {max(named)}:
                self.flags[uid] &= ~Flags.GREETING_ON
        states = self.run(changing)
        assert [state.uid for state in states] == sorted(self.flags.keys() & uids)
        assert set(states) <= set(self.states())

    @rule(uids=st.none() | UIDS)
    def expunge(self, uids: list[int] | None) -> None:
        going = [
            uid
            for uid, flags in sorted(self.flags.items())
            if Flags.DELETED in flags and (uids is None or uid in uids)
        ]
        for uid in going:
            del self.flags[uid], self.octets[uid]
        assert self.run(self.store.mailboxes.expunge(self.alice.mailbox, INBOX, uids)) == going

    @rule(limit=st.integers(1, 3))
    def forget_the_oldest_changes(self, limit: int) -> None:
        later = datetime.now(UTC) + timedelta(days=1)
        assert self.run(self.store.history.forget_changes(before=later, limit=limit)) <= limit

    @rule(limit=st.integers(1, MOST_UIDS))
    def change_limit(self, limit: int) -> None:
        change = SubscriberChange(changed_at=NOW + MINUTE, max_messages=limit)
        self.run(self.store.subscribers.change(ALICE, change))
        self.limit = limit

    @invariant()
    def the_folder_is_what_the_model_says(self) -> None:
        folder = self.folder(self.alice.mailbox)
        assert folder == FolderState(
            uid_validity=self.uid_validity,
            uid_next=self.uid_next,
            highest_modseq=folder.highest_modseq,
            messages=len(self.flags),
            unseen=sum(Flags.SEEN not in flags for flags in self.flags.values()),
            octets=sum(map(len, self.octets.values())),
            max_messages=self.limit,
            admits_clients=False,
        )
        assert {state.uid: state.flags for state in self.states()} == self.flags
        assert self.run(self.store.outbox.counts()).owed == self.owed

    @invariant()
    def every_message_reads_as_it_was_deposited(self) -> None:
        uids = range(1, self.uid_next + 1)
        records = self.run(self.store.mailboxes.messages(self.alice.mailbox, INBOX, list(uids)))
        assert [record.uid for record in records] == sorted(self.flags)
        for uid in uids:
            octets = self.run(self.store.mailboxes.octets(self.alice.mailbox, INBOX, uid))
            assert octets == self.octets.get(uid)

    @invariant()
    def whoever_looked_before_can_follow(self) -> None:
        now = self.snapshot()
        for then in self.seen:
            changes = self.changes(then.highest_modseq)
            known = {uid: flags for uid, flags in then.flags.items() if uid not in changes.expunged}
            known |= {state.uid: state.flags for state in changes.changed}
            assert known == now.flags
            assert not set(changes.expunged) & now.flags.keys()
            assert then.highest_modseq <= now.highest_modseq
            if then.flags != now.flags:
                assert then.highest_modseq < now.highest_modseq
        self.seen.append(now)

    @invariant()
    def the_neighbour_notices_nothing(self) -> None:
        assert self.folder(self.bob.mailbox) == self.for_bob
        assert self.run(self.store.mailboxes.octets(self.bob.mailbox, INBOX, 1)) == b"for bob"

    def snapshot(self) -> _Snapshot:
        changes = self.changes(0)
        return _Snapshot(
            highest_modseq=changes.folder.highest_modseq,
            flags={state.uid: state.flags for state in changes.changed},
        )

    def changes(self, since: int) -> Changes:
        changes = self.run(self.store.mailboxes.changes(self.alice.mailbox, INBOX, since))
        assert changes is not None
        assert all(state.modseq > since for state in changes.changed)
        assert all(state.modseq <= changes.folder.highest_modseq for state in changes.changed)
        return changes

    def states(self) -> list[MessageState]:
        return list(self.run(self.store.mailboxes.states(self.alice.mailbox, INBOX)))

    def folder(self, mailbox: int) -> FolderState:
        folder = self.run(self.store.mailboxes.folder(type(self.alice.mailbox)(mailbox), INBOX))
        assert folder is not None
        return folder


@pytest.mark.parametrize("adapter", parameters(STORES))
def test_any_history_of_a_mailbox_is_that_of_the_model(adapter: str) -> None:
    run_state_machine_as_test(
        partial(MailboxMachine, STORES[adapter]),  # type: ignore[arg-type]  # a factory is documented
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
