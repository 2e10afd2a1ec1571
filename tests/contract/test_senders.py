# SPDX-License-Identifier: Apache-2.0
"""Senders tell one another by which SMSCs they send."""

from __future__ import annotations

import asyncio

from tests.contract.samples import MINUTE, NOW, SECOND
from vvm.store.port import Store
from vvm.store.sms import Share

SOON = NOW + MINUTE


async def test_each_sender_learns_by_how_many_an_smsc_is_shared(store: Store) -> None:
    assert await store.outbox.share("a", ["north", "south"], now=NOW, until=SOON) == {
        "north": Share(1, new=True),
        "south": Share(1, new=True),
    }
    assert await store.outbox.share("b", ["north"], now=NOW, until=SOON) == {"north": Share(2, new=True)}
    assert await store.outbox.share("a", ["north", "south"], now=NOW, until=SOON) == {
        "north": Share(2, new=False),
        "south": Share(1, new=False),
    }


async def test_who_has_not_said_it_again_in_time_is_not_counted_any_more(store: Store) -> None:
    await store.outbox.share("a", ["north"], now=NOW, until=SOON)
    assert await store.outbox.share("b", ["north"], now=SOON - SECOND, until=SOON + MINUTE) == {
        "north": Share(2, new=True)
    }
    assert await store.outbox.share("b", ["north"], now=SOON, until=SOON + MINUTE) == {
        "north": Share(1, new=False)
    }
    assert await store.outbox.share("a", ["north"], now=SOON, until=SOON + MINUTE) == {
        "north": Share(2, new=True)
    }


async def test_of_those_that_come_together_the_last_sees_all(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(store.outbox.share(f"s{number}", ["north"], now=NOW, until=SOON))
            for number in range(6)
        ]
    assert sorted(each.result()["north"].senders for each in asked) == [1, 2, 3, 4, 5, 6]
