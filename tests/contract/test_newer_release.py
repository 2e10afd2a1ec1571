# SPDX-License-Identifier: Apache-2.0
"""Beside a newer release: what it has written and we cannot know.

Not over the memory adapter, whose rows are of one program.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest

from tests import postgres
from tests.contract.adapters import parameters
from tests.contract.samples import ALICE, BOB, MINUTE, NOW
from tests.sqlite import ready
from vvm.domain.notification import Cause, Owed
from vvm.store.port import Store
from vvm.store.postgres import open_postgres
from vvm.store.rows import microseconds
from vvm.store.sqlite import open_sqlite

_OWED = """
INSERT INTO outbox (recipient, family, cause, return_code, owed_at, due_at, expires_at)
VALUES ('{recipient}', '{family}', '{cause}', 0, {at}, {at}, {at} + 3600000000)
"""


class Beside(msgspec.Struct):
    """A store, and the newer release that writes into it too."""

    store: Store
    write: Callable[[str], Awaitable[object]]

    async def owe(self, at: datetime, *, family: str = "beam", cause: str = "beam") -> None:
        """To Bob."""
        await self.write(_OWED.format(recipient=BOB, family=family, cause=cause, at=microseconds(at)))


@pytest.fixture(params=parameters(["sqlite", "postgres"]))
async def beside(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Beside]:
    if request.param == "sqlite":
        file = ready(tmp_path / "vvm.db")

        async def write(statement: str) -> None:
            with closing(sqlite3.connect(file)) as database, database:
                database.execute(statement)

        async with open_sqlite(file) as store:
            yield Beside(store, write)
        return
    async with postgres.database() as url, open_postgres(url, postgres.SETTINGS) as store:
        connection = await asyncpg.connect(url)
        try:
            yield Beside(store, connection.execute)
        finally:
            await connection.close()


async def test_what_only_a_newer_release_can_send_is_neither_due_nor_leased(beside: Beside) -> None:
    outbox = beside.store.outbox
    await beside.owe(NOW)
    assert await outbox.next_due(now=NOW + MINUTE) is None
    assert await outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=5) == []
    ours = Owed(ALICE, None, Cause.STATUS, due_at=NOW + MINUTE, expires_at=NOW + 60 * MINUTE)
    await outbox.owe([ours])
    assert await outbox.next_due(now=NOW + MINUTE) == NOW + MINUTE
    leased = await outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=5)
    assert [row.recipient for row in leased] == [ALICE]
    assert (await outbox.counts()).by_carrier[""].owed == 2
