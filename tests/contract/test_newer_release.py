# SPDX-License-Identifier: Apache-2.0
"""Beside a newer release: what it has written and we cannot know.

Not over the memory adapter, whose rows are of one program.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import asyncpg
import msgspec
import pytest

from tests import postgres
from tests.contract.adapters import parameters
from tests.contract.samples import ALICE, BOB, MINUTE, NOW
from tests.sqlite import ready
from vvm.domain.access import Role, Scope, Token
from vvm.domain.notification import Cause, Family, Owed, of_family
from vvm.store.port import Acceptance, Audited, AuditFilter, Settlement, Store
from vvm.store.postgres import open_postgres
from vvm.store.rows import microseconds
from vvm.store.sqlite import open_sqlite

_OWED = """
INSERT INTO outbox (recipient, family, cause, return_code, owed_at, due_at, expires_at)
VALUES ('{recipient}', 'beam', 'beam', 0, {at}, {at}, {at} + 3600000000)
"""


_TO_BOB = Owed(BOB, None, Cause.NEW_MESSAGE, due_at=NOW, expires_at=NOW + 60 * MINUTE)


class Beside(msgspec.Struct):
    """A store, and the newer release that writes into it too."""

    store: Store
    write: Callable[[str], Awaitable[object]]


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
    await beside.write(_OWED.format(recipient=BOB, at=microseconds(NOW)))
    assert await outbox.next_due(now=NOW + MINUTE) is None
    assert await outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=5) == []
    ours = Owed(ALICE, None, Cause.STATUS, due_at=NOW + MINUTE, expires_at=NOW + 60 * MINUTE)
    await outbox.owe([ours])
    assert await outbox.next_due(now=NOW + MINUTE) == NOW + MINUTE
    leased = await outbox.lease(now=NOW + MINUTE, lease=MINUTE, limit=5)
    assert [row.recipient for row in leased] == [ALICE]
    assert (await outbox.counts()).by_carrier[""].owed == 2


async def test_why_a_newer_release_told_somebody_is_listed_as_it_says(beside: Beside) -> None:
    outbox = beside.store.outbox
    assert not await outbox.has_dead_letters()
    await outbox.owe([_TO_BOB])
    (row,) = await outbox.lease(now=NOW, lease=MINUTE, limit=5)
    await outbox.accepted(row, Acceptance(1, 1, "x"), now=NOW)
    await outbox.settle(row, Settlement.EXPIRED, now=NOW)
    await beside.write("UPDATE outbox SET cause = 'second_look'")
    assert await outbox.has_dead_letters()
    (dead,) = await outbox.dead_letters(after=0, limit=5)
    assert (dead.id, dead.cause) == (row.id, "second_look")
    assert not of_family(dead.cause, Family.SYNC)
    assert await outbox.history(BOB, limit=5) == [dead]
    assert await outbox.missed(since=NOW, before=NOW + MINUTE, after=0, limit=5) == [dead]
    assert not await outbox.resend(row.id, now=NOW, expires_at=NOW + MINUTE)
    assert await outbox.dead_letters(after=0, limit=5) == [dead]


async def test_what_a_newer_release_sent_has_its_receipt(beside: Beside) -> None:
    outbox = beside.store.outbox
    await outbox.owe([_TO_BOB])
    (row,) = await outbox.lease(now=NOW, lease=MINUTE, limit=5)
    await outbox.settle(row, Settlement.SENT, now=NOW, last=Acceptance(1, 1, "x"))
    await beside.write("UPDATE outbox SET cause = 'beam', family = 'beam'")
    reported = await outbox.receipt("x", Settlement.DELIVERED, now=NOW + MINUTE)
    assert reported is not None
    assert reported.closed is not None
    assert reported.closed.cause == "beam"


async def test_what_a_newer_release_did_is_in_the_audit_as_it_says(beside: Beside) -> None:
    await beside.write(
        "INSERT INTO audit (msisdn, at, trigger, actor) "
        f"VALUES ('{ALICE}', {microseconds(NOW)}, 'beamed', 'cli:root')"
    )
    (entry,) = await beside.store.subscribers.audit(ALICE, limit=5)
    assert entry == Audited(ALICE, NOW, "beamed", None, None, "", "cli:root")
    (record,) = await beside.store.lists.audit(AuditFilter(), after=None, limit=5)
    assert record.entry == entry


async def test_a_scope_of_a_newer_release_is_no_right_and_not_all_of_them(beside: Beside) -> None:
    tokens = beside.store.tokens
    token = Token(
        name="crm",
        role=Role.SUPPORT,
        digest=b"\x07" * 32,
        scopes=frozenset({Scope.AUDIT_READ}),
        created_at=NOW,
    )
    await tokens.add(token)
    for written, allowed in (("audit:read beam:write", {Scope.AUDIT_READ}), ("beam:write", set())):
        await beside.write(f"UPDATE token SET scopes = '{written}'")
        found = await tokens.by_digest(token.digest)
        assert found is not None
        assert found.allowed == allowed
        assert found.scopes == set(written.split())
        assert await tokens.all() == [found]
