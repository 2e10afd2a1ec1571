# SPDX-License-Identifier: Apache-2.0
"""A task that walks through a class of service reads the mailboxes of its page, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import postgres
from tests.contract.samples import NOW, new_subscriber
from vvm.domain.cos import Cos, Limits
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName
from vvm.store import rows
from vvm.store.port import Ages
from vvm.store.postgres.engine import Statement
from vvm.store.postgres.expiry import _SQL

pytestmark = pytest.mark.peers

MESSAGES = """
INSERT INTO message (mailbox_id, folder_id, uid, modseq, kind, received_at, utc_offset, seconds, size,
                     content_id)
SELECT id, 1, uid, 1, 'voice', 1, 0, 7, 3000, 0 FROM mailbox, generate_series(1, 5) AS uid
"""


async def test_a_page_of_a_class_costs_its_own_mailboxes() -> None:
    gold = Cos(CosName("gold"), Limits(message_days=30), NOW)
    people = [new_subscriber(Msisdn(f"+33610{number:06}"), cos=gold.name) for number in range(2000)]
    async with postgres.new_store() as store:
        await store.cos.put(gold)
        await store.subscribers.create_many(people)
        for statement in (MESSAGES, "ANALYZE"):
            await store._database.all(Statement(statement, ()))
        page = _SQL["of_class"]
        ages = Ages(expired=NOW - timedelta(days=30), announced=NOW)
        where = rows.ages(ages) | {"cos": gold.name, "after": people[1000].msisdn, "limit": 50}
        plan = await store._database.all(Statement(f"EXPLAIN {page.text}", page.names), where)
    assert [line for (line,) in plan if "Seq Scan" in line] == []
