# SPDX-License-Identifier: Apache-2.0
"""Each adapter with tables against the memory one: the same calls, the same answers, no content left over."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.contract.adapters import STORES, parameters
from tests.contract.blocking import BlockingStore
from tests.contract.samples import ALICE, NOW, new_message, new_subscriber
from vvm.domain.cos import Cos, Limits
from vvm.domain.errors import Refusal
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store.port import Ages, KeywordChange, Store, SubscriberChange
from vvm.store.postgres import PostgresStore
from vvm.store.postgres.engine import Statement

DAY = timedelta(days=1)
KEEPING = Cos(CosName("keeping"), Limits(deleted_days=2), NOW)
NAMES = st.sampled_from([INBOX, GREETINGS, "A", "A/B", "A/B/C", "B"])
UIDS = st.lists(st.integers(1, 6), max_size=4)
WORDS = st.frozensets(st.sampled_from(["x", "X", "$Work"]))
SOME = st.sampled_from([Flags(0), Flags.SEEN, Flags.DELETED, Flags.GREETING_ON])


class Folders(RuleBasedStateMachine):
    def __init__(self, adapter: str) -> None:
        super().__init__()
        self.stores = [BlockingStore(STORES[name]) for name in ("memory", adapter)]
        self.boxes: list[MailboxId] = []
        for each in self.stores:
            each.run(each.port.cos.put(KEEPING))
            alice = new_subscriber(max_messages=6, cos=KEEPING.name)
            self.boxes.append(each.run(each.port.subscribers.create(alice)).mailbox)

    def teardown(self) -> None:
        contents = {row[0] for row in self.rows("SELECT id FROM content")}
        used = [
            row[0]
            for table in ("message", "deleted_message")
            for row in self.rows(f"SELECT content_id FROM {table}")
        ]
        shared = {row[0]: row[1] for row in self.rows("SELECT content_id, messages FROM shared_content")}
        for each in self.stores:
            each.close()
        assert contents == set(used)
        assert shared == {content: used.count(content) for content in used if used.count(content) > 1}

    def rows(self, statement: str) -> Sequence[Any]:
        """What stands in the tables of the adapter."""
        tested = self.stores[1]
        if isinstance(tested.port, PostgresStore):
            return tested.run(tested.port._database.all(Statement(statement, ())))
        with closing(sqlite3.connect(tested.directory / "vvm.db")) as file:
            return file.execute(statement).fetchall()

    def both(self, call: str, *arguments: object, part: str = "folders", **named: object) -> None:
        """The same call on both; both answer the same but for UIDVALIDITY, or refuse alike."""
        answers = []
        for store, box in zip(self.stores, self.boxes, strict=True):
            method = getattr(getattr(store.port, part), call)
            try:
                answers.append(_plain(store.run(method(box, *arguments, **named))))
            except Refusal as refusal:
                answers.append(refusal.code)
        assert answers[0] == answers[1]

    def on_each(self, call: Callable[[Store], Coroutine[Any, Any, object]]) -> None:
        for store in self.stores:
            store.run(call(store.port))

    @rule(name=NAMES, octets=st.binary(min_size=1, max_size=9))
    def append(self, name: str, octets: bytes) -> None:
        self.both("append", name, new_message(octets), part="mailboxes")

    @rule(name=NAMES, uids=UIDS, into=NAMES)
    def copy(self, name: str, uids: list[int], into: str) -> None:
        self.both("copy", name, uids, into)

    @rule(name=NAMES, uids=UIDS, into=NAMES)
    def move(self, name: str, uids: list[int], into: str) -> None:
        self.both("move", name, uids, into)

    @rule(name=NAMES, uids=UIDS, add=SOME, remove=SOME, words=WORDS, unwanted=st.none() | WORDS)
    def mark(  # noqa: PLR0917 - what is drawn
        self,
        name: str,
        uids: list[int],
        add: Flags,
        remove: Flags,
        words: frozenset[str],
        unwanted: frozenset[str] | None,
    ) -> None:
        change = KeywordChange(words, unwanted)
        self.both("change_flags", name, uids, part="mailboxes", add=add, remove=remove, keywords=change)

    @rule(name=NAMES)
    def expunge(self, name: str) -> None:
        self.both("expunge", name, None, part="mailboxes")

    @rule(deleted=st.integers(1, 12))
    def restore(self, deleted: int) -> None:
        self.both("restore", deleted, part="recovery")

    @rule(days=st.sampled_from([1, 3]))
    def purge(self, days: int) -> None:
        """After what was deleted until now is due, or before."""
        self.on_each(lambda store: store.recovery.purge(now=datetime.now(UTC) + days * DAY, limit=1000))

    @rule(held=st.booleans())
    def hold(self, *, held: bool) -> None:
        change = SubscriberChange(changed_at=NOW, held=held)
        self.on_each(lambda store: store.subscribers.change(ALICE, change))

    @rule(heard=st.booleans())
    def expire(self, *, heard: bool) -> None:
        ages = Ages(heard_expired=NOW + DAY) if heard else Ages(expired=NOW + DAY)
        self.both("expire", ages, part="expiry")

    @rule(days=st.sampled_from([None, 2]))
    def keep(self, days: int | None) -> None:
        """The class keeps what is deleted, or not any more."""
        cos = msgspec.structs.replace(KEEPING, limits=Limits(deleted_days=days))
        self.on_each(lambda store: store.cos.put(cos))

    @rule(name=NAMES)
    def create(self, name: str) -> None:
        self.both("create", name, at=NOW, most=3)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.both("delete", name)

    @rule(name=NAMES, other=NAMES)
    def rename(self, name: str, other: str) -> None:
        self.both("rename", name, other, at=NOW, most=3)

    @invariant()
    def they_hold_the_same(self) -> None:
        seen = [store.run(_look(store.port, box)) for store, box in zip(self.stores, self.boxes, strict=True)]
        assert seen[0] == seen[1]


def _plain(answer: object) -> object:
    """Without UIDVALIDITY, which each adapter gives in its own way."""
    sources, uids = getattr(answer, "sources", None), getattr(answer, "uids", None)
    return (sources, uids) if sources is not None else answer


async def _look(store: Store, box: MailboxId) -> dict[str, object]:
    deleted = await store.recovery.deleted(box, after=0, limit=100)
    seen: dict[str, object] = {
        "used": await store.folders.used(box),
        "deleted": [(one.id, one.folder, one.uid, one.flags, one.size) for one in deleted],
    }
    for entry in await store.folders.all(box):
        found = await store.mailboxes.snapshot(box, entry.name)
        changes = await store.mailboxes.changes(box, entry.name, 3)
        assert found is not None
        assert changes is not None
        state = found.folder
        seen[entry.name] = (
            (
                state.uid_next,
                state.highest_modseq,
                state.messages,
                state.unseen,
                state.octets,
                state.keywords,
            ),
            list(found.messages),
            (list(changes.changed), list(changes.expunged)),
            [await store.mailboxes.octets(box, entry.name, each.uid) for each in found.messages],
        )
    return seen


@pytest.mark.parametrize("adapter", parameters(["postgres", "sqlite"]))
def test_any_history_of_folders_is_that_in_memory(adapter: str) -> None:
    run_state_machine_as_test(
        partial(Folders, adapter),  # type: ignore[arg-type]  # a factory is documented
        settings=settings(max_examples=30, stateful_step_count=25),
    )
