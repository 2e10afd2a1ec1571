# SPDX-License-Identifier: Apache-2.0
"""How many statements a method of the port sends: each is a round trip, and holds what the one before locked.

The driver tells of each, BEGIN and COMMIT included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from tests import postgres
from tests.contract.samples import ALICE, BOB, MINUTE, NOW, new_inbound, new_message, new_subscriber, owed_to
from tests.peers.postgres.test_partitions import NOTHING, OnePool, populate
from vvm.domain.message import INBOX, Flags
from vvm.domain.notification import Cause
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.store.keywords import KeywordChange
from vvm.store.metrics import NoCommitMetrics
from vvm.store.port import Acceptance, Ages, Settlement
from vvm.store.postgres import PostgresStore
from vvm.store.postgres.engine import Database

pytestmark = pytest.mark.peers

WORK = frozenset({"$Work"})
MANY = [new_subscriber(Msisdn(f"+3361{number:07}")) for number in range(100)]
LABELLED = msgspec.structs.replace(new_message(), keywords=WORK)
HOUR = timedelta(hours=1)

Step = Callable[[PostgresStore, Subscriber], Awaitable[object]]


def steps() -> dict[str, Step]:
    """In an order in which each finds something to do."""

    async def lease(store: PostgresStore, alice: Subscriber) -> None:
        rows = await store.outbox.lease(now=NOW + HOUR, lease=MINUTE, limit=50, holder="node")
        leased.extend(row for row in rows if row.subscriber == alice.id)

    leased: list[Any] = []
    return {
        "create": lambda store, _: store.subscribers.create(new_subscriber(BOB)),
        "create_many": lambda store, _: store.subscribers.create_many(MANY),
        "deposit": lambda store, alice: store.mailboxes.append(
            alice.mailbox, INBOX, new_message(key="new"), [owed_to(alice, cause=Cause.NEW_MESSAGE)]
        ),
        "deposit with a keyword": lambda store, alice: store.mailboxes.append(alice.mailbox, INBOX, LABELLED),
        "login": lambda store, alice: store.subscribers.by_imap_user(alice.imap_user),
        "answered": lambda store, alice: store.subscribers.answered(alice.id),
        "LIST": lambda store, alice: store.folders.all(alice.mailbox),
        "SELECT": lambda store, alice: store.mailboxes.snapshot(alice.mailbox, INBOX),
        "NOOP": lambda store, alice: store.mailboxes.changes(alice.mailbox, INBOX, 2),
        "FETCH": lambda store, alice: store.mailboxes.messages(alice.mailbox, INBOX, [1, 2, 3]),
        "BODY": lambda store, alice: store.mailboxes.octets(alice.mailbox, INBOX, 1),
        "STORE": lambda store, alice: store.mailboxes.change_flags(
            alice.mailbox,
            INBOX,
            [1, 2],
            add=Flags.SEEN | Flags.DELETED,
            remove=NOTHING,
            keywords=KeywordChange(WORK),
            owed=[owed_to(alice)],
        ),
        "COPY": lambda store, alice: store.folders.copy(
            alice.mailbox, INBOX, [1, 3], "Work", [owed_to(alice)]
        ),
        "MOVE": lambda store, alice: store.folders.move(alice.mailbox, INBOX, [3, 4], "Work"),
        "EXPUNGE": lambda store, alice: store.mailboxes.expunge(alice.mailbox, INBOX, None, [owed_to(alice)]),
        "restore": lambda store, alice: store.recovery.restore(alice.mailbox, 1, [owed_to(alice)]),
        "expiry": lambda store, alice: store.expiry.expire(
            alice.mailbox, Ages(heard_expired=NOW), [owed_to(alice)]
        ),
        "SMS of a handset": lambda store, _: store.inbound.save(new_inbound("first")),
        "lease": lease,
        "retry": lambda store, _: store.outbox.retry(leased.pop(), due_at=NOW, status=8, counted=True),
        "lease again": lease,
        "take back": lambda store, _: store.outbox.take_back("node"),
        "lease once more": lease,
        "accepted": lambda store, _: store.outbox.accepted(leased[-1], Acceptance(1, 1, "m1"), now=NOW),
        "settle": lambda store, _: store.outbox.settle(
            leased[-1], Settlement.SENT, now=NOW, gated_until=NOW + MINUTE
        ),
        "receipt": lambda store, _: store.outbox.receipt("m1", Settlement.DELIVERED, now=NOW),
        "first fetch": lambda store, _: store.outbox.fetched({ALICE: NOW + HOUR}),
    }


async def test_a_method_that_a_subscriber_waits_for_is_one_round_trip() -> None:
    sent: list[str] = []
    async with postgres.database() as url:
        connection: Any = await asyncpg.connect(url)
        try:
            pool = OnePool(connection)
            store = PostgresStore(Database(pool, pool, postgres.SETTINGS, NoCommitMetrics()))
            alice = await populate(store)
            await connection.fetch(
                "SELECT NULL::bigint[], NULL::text[], NULL::bytea[]"
            )  # asks once what these are
            connection.add_query_logger(lambda query: sent.append(query.query))
            for name, step in steps().items():
                await step(store, alice)
                await asyncio.sleep(0)  # the driver calls its listeners soon
                assert len(sent) == 1, f"{name} sends {sent}"
                sent.clear()
            (settled,) = [row for row in await store.outbox.history(ALICE, limit=9) if row.accepted_at]
            assert settled.state is Settlement.DELIVERED, "the last step found nothing to do"
        finally:
            await connection.close()
