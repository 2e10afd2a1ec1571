# SPDX-License-Identifier: Apache-2.0
"""A feed of weeks, asked for some of them: no event is missed where places and moments do not quite agree."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests import postgres
from tests.contract.adapters import parameters
from tests.contract.samples import ALICE, BOB
from tests.sqlite import ready
from vvm.domain.event import Event, EventKind
from vvm.store.events import BEGINNING, SLACK, EventStore
from vvm.store.port import Store
from vvm.store.postgres import open_postgres
from vvm.store.sqlite import open_sqlite

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_KINDS = (EventKind.MESSAGE_DEPOSITED, EventKind.MESSAGE_EXPUNGED)
_Row = tuple[int, int, int, str, str]
"""Place, transaction, moment, number and kind."""


def _feed() -> list[_Row]:
    """With holes, quiet days, crowds, and neighbours out of order."""
    chance = random.Random(4711)
    place, transaction, moment, rows = 1, 1, _START, []
    for _ in range(400):
        place += chance.choice((1, 1, 1, 2, 500))
        seconds = chance.choice((0, 0.001, 1, 30, 3600, 86_400))
        transaction += seconds > 0
        moment += timedelta(seconds=seconds)
        at = moment + SLACK / 3 * chance.choice((-1, 0, 0, 1))
        microseconds = (at - _EPOCH) // timedelta(microseconds=1)
        kind = chance.choice(_KINDS).value
        rows.append((place, transaction, microseconds, chance.choice((ALICE, BOB)), kind))
    return rows


_COPIED = 250
"""Events, of 400, that another store had: they stand before the first transaction of this one."""


@pytest.fixture(params=[*parameters(["sqlite", "postgres"]), pytest.param("copied", marks=pytest.mark.peers)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        file = ready(tmp_path / "vvm.db")
        with closing(sqlite3.connect(file)) as database, database:
            insert = "INSERT INTO event (id, at, msisdn, kind, detail) VALUES (?, ?, ?, ?, '{}')"
            database.executemany(insert, [(place, *row) for place, _, *row in _feed()])
        async with open_sqlite(file) as opened:
            yield opened
        return
    url = await postgres.make(f"event_times_{request.param}")
    before = _COPIED if request.param == "copied" else 0
    connection = await asyncpg.connect(url)
    try:
        insert = "INSERT INTO event (xid, at, msisdn, kind, detail) VALUES ($1, $2, $3, $4, '{}')"
        # Two of each transaction.
        feed = [(0 if at < before else row[1], *row[2:]) for at, row in enumerate(_feed())]
        await connection.executemany(insert, feed)
    finally:
        await connection.close()
    async with open_postgres(url, postgres.SETTINGS) as opened:
        yield opened


async def _all(events: EventStore, **filters: Any) -> Sequence[Event]:
    """Page by page."""
    seen: list[Event] = []
    cursor = BEGINNING
    while page := await events.page(cursor, limit=37, **filters):
        seen += page
        cursor = page[-1].cursor
    return seen


async def test_no_event_of_a_time_is_missed_and_no_other_is_told(store: Store) -> None:
    everything = await _all(store.events)
    assert len(everything) == 400
    moments = [event.at for event in everything[::57]] + [_START - timedelta(days=9), datetime.now(UTC)]
    for since in moments:
        for until in moments:
            wanted = [event for event in everything if since <= event.at < until]
            assert await _all(store.events, since=since, until=until) == wanted
            of_bob = await _all(store.events, since=since, until=until, msisdn=BOB, kinds=_KINDS[:1])
            assert of_bob == [one for one in wanted if (one.msisdn, one.kind) == (BOB, _KINDS[0])]


async def test_an_empty_feed_has_no_event_of_any_time(tmp_path: Path) -> None:
    async with open_sqlite(ready(tmp_path / "vvm.db")) as empty:
        assert await _all(empty.events, since=_START, until=datetime.now(UTC)) == []
