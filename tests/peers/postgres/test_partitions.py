# SPDX-License-Identifier: Apache-2.0
"""What a subscriber, a deposit or an SMS costs touches one partition of a table, however many there are.

With the plans that the program asks for, which are made once for whatever parameters, and with those that
are made for each call.  The server itself tells: auto_explain reports the plan of every statement that ran,
those inside of our functions included, with what was executed of it.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from tests import postgres
from tests.contract.samples import (
    ALICE,
    BOB,
    MINUTE,
    NOW,
    new_inbound,
    new_message,
    new_subscriber,
    owed_to,
)
from vvm.domain.cos import Cos, Limits
from vvm.domain.device import DeviceId
from vvm.domain.message import GREETINGS, INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName, Subscriber
from vvm.store.metrics import NoCommitMetrics
from vvm.store.port import (
    Acceptance,
    Ages,
    AuditFilter,
    MessageFilter,
    NewDevice,
    Settlement,
    SubscriberChange,
)
from vvm.store.postgres import PostgresStore
from vvm.store.postgres.engine import PLANS, Database

pytestmark = pytest.mark.peers

_PARTITION = re.compile(r"(\w+)_(\d+)\Z")
NOTHING = Flags(0)
CLASS = CosName("gold")
ALIAS = Msisdn("+33612000002")


class Plans:
    """Hears of every plan; knows which partitions were read or written since it was asked last."""

    def __init__(self) -> None:
        self._touched: defaultdict[str, set[str]] = defaultdict(set)
        self.heard = 0
        self.rows = 0
        """That were looked at."""

    def hear(self, connection: Any, message: Any) -> None:
        del connection
        _, found, plan = message.message.partition("plan:\n")
        if found:
            self.heard += 1
            for relation, rows in _executed(msgspec.json.decode(plan)["Plan"]):
                self.rows += rows
                if (match := _PARTITION.match(relation)) is not None:
                    self._touched[match[1]].add(relation)

    def taken(self) -> dict[str, set[str]]:
        touched, self._touched = self._touched, defaultdict(set)
        return dict(touched)


def _executed(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Each table that was read or written, and how many of its rows were looked at."""
    if node["Actual Loops"] and "Relation Name" in node:
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield node["Relation Name"], int(rows * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _executed(child)


class OnePool:
    """One connection for all: that of a real pool would have to give its listener up at each release."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @asynccontextmanager
    async def acquire(self, **_: object) -> AsyncIterator[Any]:
        yield self._connection


@asynccontextmanager
async def explained(**more: str) -> AsyncIterator[tuple[PostgresStore, Plans]]:
    """An empty store whose every plan is heard; ``more`` are settings of the session."""
    plans = Plans()
    told = {
        "session_preload_libraries": "auto_explain",
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_timing": "off",
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_format": "json",
        "auto_explain.log_level": "notice",
        **PLANS,
        **more,
    }

    async with postgres.database() as url:
        connection = await asyncpg.connect(url, server_settings=told)
        connection.add_log_listener(plans.hear)
        pool = OnePool(connection)
        try:
            yield PostgresStore(Database(pool, pool, postgres.SETTINGS, NoCommitMetrics())), plans
        finally:
            await connection.close()


async def populate(store: PostgresStore) -> Subscriber:
    """Alice with messages, a folder, a device and rows in the outbox, beside others of whom nobody asks."""
    await store.cos.put(Cos(CLASS, Limits(warn_percent=1, message_days=30, deleted_days=3), NOW))
    alice = await store.subscribers.create(new_subscriber(cos=CLASS))
    await store.numbers.add_alias(ALICE, ALIAS, most=1, at=NOW)
    for number in range(12):
        other = await store.subscribers.create(new_subscriber(BOB[:-2] + f"{number:02}"))  # type: ignore[arg-type]
        await store.mailboxes.append(other.mailbox, INBOX, new_message(key=f"k{number}"), [owed_to(other)])
    for number in range(6):
        await store.mailboxes.append(alice.mailbox, INBOX, new_message(key=f"k{number}"))
    await store.mailboxes.append(alice.mailbox, GREETINGS, new_message())
    await store.folders.create(alice.mailbox, "Work", at=NOW, most=9)
    device = NewDevice(alice.id, "d", "tablet", "", b"check", b"sealed", NOW)
    await store.devices.add(device, most=3)
    return alice


Step = Callable[[PostgresStore, Subscriber], Awaitable[object]]


def steps() -> dict[str, Step]:
    seen, deleted = Flags.SEEN, Flags.DELETED

    async def notify(store: PostgresStore, alice: Subscriber) -> None:
        """All that one SYNC costs but its lease."""
        row = _leased[alice.id]
        await store.outbox.accepted(row, Acceptance(1, 1, "m1"), now=NOW)
        await store.outbox.settle(row, Settlement.SENT, now=NOW, gated_until=NOW + MINUTE)
        await store.outbox.receipt("m1", Settlement.DELIVERED, now=NOW)

    async def activate(store: PostgresStore, alice: Subscriber) -> None:
        change = SubscriberChange(changed_at=NOW, language="fra")
        await store.inbound.settle(1, msisdn=ALICE, change=change, owed=[owed_to(alice)])

    return {
        "deposit": lambda store, alice: store.mailboxes.append(
            alice.mailbox, INBOX, new_message(key="new"), [owed_to(alice, cause=Cause.NEW_MESSAGE)]
        ),
        "login": lambda store, alice: store.subscribers.by_imap_user(alice.imap_user),
        "by number": lambda store, alice: store.subscribers.by_msisdn(alice.msisdn),
        "by alias": lambda store, _: store.subscribers.by_msisdn(ALIAS),
        "aliases": lambda store, alice: store.numbers.aliases(alice.id),
        "by id": lambda store, alice: store.subscribers.by_id(alice.id),
        "answered": lambda store, alice: store.subscribers.answered(alice.id),
        "PIN": lambda store, alice: store.subscribers.take_pin_try(
            alice.id, now=NOW, most=3, lockout=timedelta(hours=1)
        ),
        "STATUS of IMAP": lambda store, alice: store.mailboxes.folder(alice.mailbox, INBOX),
        "LIST": lambda store, alice: store.folders.all(alice.mailbox),
        "SELECT": lambda store, alice: store.mailboxes.snapshot(alice.mailbox, INBOX),
        "NOOP": lambda store, alice: store.mailboxes.changes(alice.mailbox, INBOX, 2),
        "FETCH": lambda store, alice: store.mailboxes.messages(alice.mailbox, INBOX, [1, 2, 3]),
        "BODY": lambda store, alice: store.mailboxes.octets(alice.mailbox, INBOX, 1),
        "STORE": lambda store, alice: store.mailboxes.change_flags(
            alice.mailbox, INBOX, [1, 2], add=seen | deleted, remove=NOTHING, owed=[owed_to(alice)]
        ),
        "EXPUNGE": lambda store, alice: store.mailboxes.expunge(
            alice.mailbox, INBOX, None, [owed_to(alice, cause=Cause.MAILBOX_UPDATE)]
        ),
        "deposit into a mailbox that gets full": lambda store, alice: store.mailboxes.append(
            alice.mailbox, INBOX, new_message(), nearly_full=[owed_to(alice, cause=Cause.NEARLY_FULL)]
        ),
        "deleted": lambda store, alice: store.recovery.deleted(alice.mailbox, after=0, limit=9),
        "restore": lambda store, alice: store.recovery.restore(alice.mailbox, 1, [owed_to(alice)]),
        "COPY": lambda store, alice: store.folders.copy(alice.mailbox, INBOX, [3, 4], "Work"),
        "MOVE": lambda store, alice: store.folders.move(alice.mailbox, INBOX, [3, 4], "Work"),
        "expiry": lambda store, alice: store.expiry.expire(
            alice.mailbox, Ages(heard_expired=NOW), [owed_to(alice, cause=Cause.MAILBOX_UPDATE)]
        ),
        "change": lambda store, alice: store.subscribers.change(
            alice.msisdn, SubscriberChange(changed_at=NOW, max_messages=7), [owed_to(alice)]
        ),
        "SMS of a handset": lambda store, _: store.inbound.save(new_inbound("first")),
        "activation": activate,
        "device": lambda store, _: store.devices.by_login("d"),
        "device is admitted": lambda store, _: store.devices.admits(DeviceId(1)),
        "notification": notify,
        "timeline": lambda store, alice: store.outbox.history(alice.msisdn, limit=9),
        "audit": lambda store, alice: store.subscribers.audit(alice.msisdn, limit=9),
        "list of the audit": lambda store, alice: store.lists.audit(
            AuditFilter(msisdn=alice.msisdn), after=None, limit=9
        ),
        "list of messages": lambda store, alice: store.lists.messages(
            alice.mailbox, MessageFilter(seen=False), after=0, limit=9
        ),
    }


_leased: dict[int, Any] = {}


@pytest.mark.parametrize("mode", [PLANS["plan_cache_mode"], "force_custom_plan"])
async def test_what_concerns_one_subscriber_touches_one_partition_of_each_table(mode: str) -> None:
    async with explained(plan_cache_mode=mode) as (store, plans):
        alice = await populate(store)
        await store.outbox.owe([owed_to(alice, cause=Cause.MAILBOX_UPDATE)])
        for row in await store.outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=50):
            if row.subscriber == alice.id:
                _leased[alice.id] = row
        await asyncio.sleep(0)
        plans.taken()
        for name, step in steps().items():
            plans.heard = 0
            await step(store, alice)
            touched = plans.taken()
            assert plans.heard, f"{name}: the server told no plan"
            crossed = {table: sorted(found) for table, found in touched.items() if len(found) > 1}
            assert not crossed, f"{name} looks into several partitions: {crossed}"
