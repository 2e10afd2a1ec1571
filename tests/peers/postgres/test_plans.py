# SPDX-License-Identifier: Apache-2.0
"""Plans are made once a connection, and serve whatever comes; what would suffer from that is planned anew."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests import postgres
from tests.contract.samples import MINUTE, NOW, new_subscriber, owed_to
from tests.peers.postgres.test_partitions import NOTHING, OnePool, explained, populate
from vvm.domain.message import INBOX, Flags
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.store.metrics import NoCommitMetrics
from vvm.store.port import SubscriberFilter
from vvm.store.postgres import PostgresStore, open_postgres
from vvm.store.postgres.engine import PLANS, Database

pytestmark = pytest.mark.peers

GONE = Msisdn("+33612999999")
MANY = 20_000
GROWN = f"""
INSERT INTO directory (name, kind, id)
SELECT n::text, 'imap_user', n FROM generate_series(1000, {MANY}) AS n;
INSERT INTO subscriber (id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at)
SELECT n, n, n::text, 'R', '{{}}', 'eng', true, 100, n::text, '', '', 1, 1
  FROM generate_series(1000, {MANY}) AS n;
INSERT INTO mailbox (id, status, msisdn) SELECT n, 'R', n::text FROM generate_series(1000, {MANY}) AS n;
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
SELECT n, 1, 'INBOX', 1, 100 FROM generate_series(1000, {MANY}) AS n;
INSERT INTO content (mailbox_id, id, layout, octets, blob)
SELECT n, n, '', '', n::text FROM generate_series(1000, {MANY}) AS n;
INSERT INTO message (mailbox_id, folder_id, uid, modseq, kind, received_at, utc_offset, seconds, size,
                     content_id)
SELECT n, 1, 1, 1, 'voice', 1, 0, 7, 3000, n FROM generate_series(1000, {MANY}) AS n;
INSERT INTO outbox (recipient, subscriber_id, family, cause, return_code, owed_at, due_at, expires_at)
SELECT n::text, n, 'sync', 'new_message', 0, 1, n, 9000000000000000
  FROM generate_series(1000, {MANY}) AS n;
INSERT INTO receipt (message_id, outbox_id, segment, recipient)
SELECT n::text, n, 1, n::text FROM generate_series(1000, {MANY}) AS n
"""
"""Twenty thousand others, and each is owed a SYNC."""


async def use(store: PostgresStore, alice: Subscriber) -> None:
    """What a sync session and an SMS ask of the store, the sweeper of blobs, and the end of a subscriber."""
    boxes = store.mailboxes
    found = await store.subscribers.by_imap_user(alice.imap_user)
    assert found is not None
    await boxes.snapshot(alice.mailbox, INBOX)
    await boxes.changes(alice.mailbox, INBOX, 1)
    await boxes.messages(alice.mailbox, INBOX, [1, 2])
    await boxes.octets(alice.mailbox, INBOX, 1)
    await boxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING)
    await boxes.change_flags(alice.mailbox, INBOX, [1], add=NOTHING, remove=Flags.SEEN)
    await store.outbox.history(alice.msisdn, limit=5)
    await store.outbox.lease(now=NOW + MINUTE, lease=timedelta(0), limit=5)
    await store.outbox.next_due(now=NOW)
    await store.outbox.fetched({alice.msisdn: NOW})
    await store.blobs.condemn(["a", "b"], at=NOW)
    gone = await store.subscribers.create(new_subscriber(GONE))
    await store.outbox.owe([owed_to(gone)])
    await store.subscribers.remove(gone.msisdn, at=NOW)


async def test_plans_from_before_a_table_grew_read_no_table() -> None:
    async with explained() as (store, plans):
        alice = await populate(store)
        connection = store._database._durable._connection
        await connection.execute("VACUUM ANALYZE")  # each table has one page now, and the planner knows
        await use(store, alice)
        await connection.execute(GROWN)
        await asyncio.sleep(0)  # the driver calls its listeners soon
        plans.taken()
        plans.rows = 0
        await use(store, alice)
        await asyncio.sleep(0)
        assert 0 < plans.rows < MANY / 16


FULL = """
INSERT INTO content (mailbox_id, id, layout, octets)
SELECT $1, 1000 + n, '', '' FROM generate_series(1, 1000) AS n
"""
FILED = """
INSERT INTO message (mailbox_id, folder_id, uid, modseq, kind, received_at, utc_offset, seconds, size,
                     content_id)
SELECT $1, 1, 1000 + n, 1, 'voice', 1, 0, 7, 3000, 1000 + n FROM generate_series(1, 1000) AS n
"""


async def arrays_known(store: PostgresStore, alice: Subscriber) -> None:
    """The driver asks once what arrays of numbers are."""
    await store.mailboxes.change_flags(alice.mailbox, INBOX, [2], add=Flags.SEEN, remove=NOTHING)


async def test_one_message_of_a_thousand_is_looked_up_alone() -> None:
    async with explained() as (store, plans):
        alice = await populate(store)
        connection = store._database._durable._connection
        for statement in (FULL, FILED):
            await connection.execute(statement, alice.mailbox)
        await connection.execute("VACUUM ANALYZE")
        await arrays_known(store, alice)
        await asyncio.sleep(0)
        plans.rows = 0
        boxes = store.mailboxes
        await boxes.messages(alice.mailbox, INBOX, [1])
        await boxes.octets(alice.mailbox, INBOX, 1)
        await boxes.change_flags(alice.mailbox, INBOX, [1], add=Flags.SEEN, remove=NOTHING)
        await asyncio.sleep(0)
        assert 0 < plans.rows < 200


async def test_statements_for_one_subscriber_are_planned_once_and_lists_anew() -> None:
    async with postgres.database() as url:
        connection: Any = await asyncpg.connect(url, server_settings=dict(PLANS))
        try:
            pool = OnePool(connection)
            store = PostgresStore(Database(pool, pool, postgres.SETTINGS, NoCommitMetrics()))
            alice = await store.subscribers.create(new_subscriber())
            for _ in range(3):
                await store.subscribers.by_imap_user(alice.imap_user)
                await store.lists.subscribers(SubscriberFilter(), after=None, limit=9)
            plans = await connection.fetch(
                "SELECT statement LIKE '%LIMIT%', generic_plans, custom_plans"
                "  FROM pg_prepared_statements WHERE generic_plans + custom_plans = 3"
            )
        finally:
            await connection.close()
    assert sorted(map(tuple, plans)) == [(False, 3, 0), (True, 0, 3)]


async def test_a_connection_goes_back_to_its_pool_without_a_word() -> None:
    async with postgres.database() as url, open_postgres(url, postgres.SETTINGS) as store:
        await store.subscribers.by_imap_user("nobody")
        connection: Any = await asyncpg.connect(url)
        try:
            said = await connection.fetch(
                "SELECT query FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'vvm' AND state = 'idle'"
            )
        finally:
            await connection.close()
    assert [query for (query,) in said if "RESET ALL" in query] == []
    assert [query for (query,) in said if "imap_user" in query] != []
