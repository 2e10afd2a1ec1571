# SPDX-License-Identifier: Apache-2.0
"""A page of a list with filters reads an index and no table, as the server's own planner tells."""

from __future__ import annotations

import asyncpg
import pytest

from tests import postgres
from tests.contract.listings import listings
from vvm.store.postgres import cos, events, outbox, recovery
from vvm.store.postgres.lists import statement

pytestmark = pytest.mark.peers

POPULATED = """
INSERT INTO subscriber (id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at, cos)
SELECT n, n, '+33612' || lpad(n::text, 6, '0'), CASE WHEN n % 100 = 0 THEN 'B' ELSE 'R' END,
       '{"client_type":"' || CASE WHEN n % 50 = 0 THEN 'vvm.apple' ELSE '' END || '"}',
       CASE WHEN n % 20 = 0 THEN 'deu' ELSE 'eng' END, true, 100, n::text, '', '', n, n::bigint * 1000000,
       CASE WHEN n % 10 = 0 THEN 'gold' END
  FROM generate_series(1, 20000) AS n;
INSERT INTO audit (msisdn, at, trigger, actor)
SELECT '+33612' || lpad((n % 5000)::text, 6, '0'), n::bigint * 1000000,
       CASE WHEN n % 1000 = 0 THEN 'closed' ELSE 'activate' END,
       CASE WHEN n % 500 = 0 THEN 'api:crm' ELSE '' END
  FROM generate_series(1, 20000) AS n;
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
SELECT n, f, CASE f WHEN 1 THEN 'INBOX' ELSE 'Work' END, 1, 100
  FROM generate_series(1, 5000) AS n, generate_series(1, 2) AS f;
INSERT INTO message (mailbox_id, folder_id, uid, modseq, kind, received_at, utc_offset, seconds, size,
                     content_id)
SELECT n, f, u, 1, 'voice', u, 0, 7, 3000, n FROM generate_series(1, 1000) AS n, generate_series(1, 2) AS f,
       generate_series(1, 10) AS u;
INSERT INTO content (mailbox_id, id, layout, octets) SELECT n, n, '', '' FROM generate_series(1, 20000) AS n;
ANALYZE
"""
FIXED = {
    "dead letters": outbox._SQL["dead_letters"],
    "events": events._SQL["events_after"],
    "events of a subscriber": events._SQL["events_of_subscriber"],
    "events of a time": events._SQL["events_between"],
    "events of a subscriber and a time": events._SQL["events_of_subscriber_between"],
    "dead events": events._SQL["dead_events"],
    "deleted messages": recovery._SQL["deleted"],
    "classes": cos._SQL["cos_after"],
}


async def test_no_page_of_a_list_reads_a_whole_table() -> None:
    async with postgres.database() as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(POPULATED)
            for name, listing in listings().items():
                asked = statement(listing.head, listing.looked_up + listing.compared, listing.order)
                plan = await connection.fetch(f"EXPLAIN {asked.text}", *asked.arguments(listing.values))
                assert [line for (line,) in plan if "Seq Scan" in line] == [], name
        finally:
            await connection.close()


async def test_each_list_without_filters_has_its_index() -> None:
    async with postgres.database() as url:
        connection = await asyncpg.connect(url)
        try:
            # Of an empty table reading all is the cheapest: that there is another way is what counts.
            await connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
            for name, asked in FIXED.items():
                await connection.execute(f"PREPARE p AS {asked.text}")
                nothing = ", ".join(["NULL"] * len(asked.names))
                plan = await connection.fetch(f"EXPLAIN EXECUTE p ({nothing})")
                await connection.execute("DEALLOCATE p")
                assert [line for (line,) in plan if "Seq Scan" in line] == [], name
        finally:
            await connection.close()
