# SPDX-License-Identifier: Apache-2.0
"""What RepeatStore promises."""

from __future__ import annotations

import asyncio

import msgspec

from tests.contract.samples import MINUTE, NOW
from vvm.store.port import Store
from vvm.store.repeats import Attempt, Remembered

HOUR = 60 * MINUTE
FIRST = Attempt(key=b"\x01" * 32, request=b"\x02" * 32, busy_until=NOW + MINUTE, expires_at=NOW + HOUR)
OTHER = msgspec.structs.replace(FIRST, request=b"\x03" * 32)


async def test_a_key_is_claimed_once_and_tells_what_became_of_it(store: Store) -> None:
    assert await store.repeats.begin(FIRST, now=NOW, again=True) is None
    assert await store.repeats.begin(FIRST, now=NOW, again=True) == Remembered(
        FIRST.request, None, FIRST.busy_until
    )
    await store.repeats.finish(FIRST.key, b"the answer")
    later = NOW + 2 * MINUTE
    for attempt in (FIRST, OTHER):
        assert await store.repeats.begin(attempt, now=later, again=True) == Remembered(
            FIRST.request, b"the answer", FIRST.busy_until
        )


async def test_of_several_at_once_one_has_the_key(store: Store) -> None:
    begun = await asyncio.gather(*(store.repeats.begin(FIRST, now=NOW, again=True) for _ in range(8)))
    assert begun.count(None) == 1


async def test_a_key_that_was_released_is_free_and_an_answer_stays(store: Store) -> None:
    await store.repeats.begin(FIRST, now=NOW, again=False)
    await store.repeats.release(FIRST.key)
    assert await store.repeats.begin(OTHER, now=NOW, again=False) is None
    await store.repeats.finish(OTHER.key, b"kept")
    await store.repeats.release(OTHER.key)
    known = await store.repeats.begin(OTHER, now=NOW, again=False)
    assert known is not None
    assert known.answer == b"kept"


async def test_a_request_without_an_end_is_begun_again_only_where_that_does_no_harm(store: Store) -> None:
    await store.repeats.begin(FIRST, now=NOW, again=True)
    late = NOW + MINUTE
    again = msgspec.structs.replace(FIRST, busy_until=late + MINUTE)
    assert await store.repeats.begin(again, now=late, again=False) == Remembered(FIRST.request, None, late)
    assert await store.repeats.begin(OTHER, now=late, again=True) == Remembered(FIRST.request, None, late)
    assert await store.repeats.begin(again, now=late, again=True) is None
    assert await store.repeats.begin(again, now=late, again=True) == Remembered(
        FIRST.request, None, again.busy_until
    )


async def test_an_expired_key_is_free_and_is_forgotten(store: Store) -> None:
    await store.repeats.begin(FIRST, now=NOW, again=False)
    await store.repeats.finish(FIRST.key, b"the answer")
    assert await store.repeats.begin(OTHER, now=NOW + HOUR, again=False) is None
    assert await store.repeats.forget(before=FIRST.expires_at, limit=10) == 0
    await store.repeats.begin(msgspec.structs.replace(FIRST, key=b"\x04" * 32), now=NOW, again=False)
    past = FIRST.expires_at + MINUTE
    assert await store.repeats.forget(before=past, limit=1) == 1
    assert await store.repeats.forget(before=past, limit=10) == 1
    assert await store.repeats.forget(before=past, limit=10) == 0
