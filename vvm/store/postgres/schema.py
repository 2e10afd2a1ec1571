# SPDX-License-Identifier: Apache-2.0
"""Brings a database's schema up to date, and refuses one that is too new."""

from __future__ import annotations

import asyncio
import hashlib
import random
from importlib.resources import files
from typing import Any

import asyncpg
import structlog

from vvm.domain.errors import Outage
from vvm.store.handover import HandedOver
from vvm.store.migration import Migrated, When, steps
from vvm.store.postgres.engine import connect, outage
from vvm.store.settings import PostgresSettings

VERSION = 15
"""The schema that this release writes; it grows with each change of functions/ too, if by an empty step."""
FUNCTIONS = "4d8027953ad06bf7b195af62ea7237bbaf9793fe82f61c516bf3e1d938f73294"
"""SHA-256 of functions/ at this VERSION.  Of two programs with one VERSION each would put its own in place
of the other's; one of a lower VERSION leaves them alone."""
COMPATIBLE = 3
"""The oldest release, by its VERSION, that can work beside this one.

Not for ever with 3: it would tell no client that a journal begins later, which with 4 happens a
retention time after the upgrade.  ``vvm store migrate --post`` shuts it out.
"""
_STEPS = "vvm.store.postgres.migrations"

log = structlog.get_logger(__name__)

_LOCK = 0x76766D
"""Of one who migrates, among all who start at the same time: "vvm"."""
_TRIES = 50
_LOCK_MILLISECONDS = 1000
"""How long a step waits for a table that others use, while everybody else waits behind it."""
_AGAIN_SECONDS = 0.2
_MET = (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""Nodes of an older release go on working meanwhile; a step that met them has changed nothing."""
_FIRST = """
CREATE TABLE IF NOT EXISTS schema_version (
    version    integer NOT NULL,  -- the last step that ran
    compatible integer NOT NULL,  -- the oldest release, by its own version, that may use this database
    partitions integer NOT NULL,
    functions  text    NOT NULL   -- which text of functions/ is installed
)
"""


async def prepare(
    url: str, settings: PostgresSettings, *, finish: bool = False, handing_over: bool = False
) -> Migrated:
    """Run the missing steps and install the functions, in one transaction, beside nodes that work.

    ``finish``: no program of an older release will come any more; what waits for that is done now.
    ``handing_over``: it may be marked as a store that becomes another one.  Raises HandedOver, and Outage
    when the database cannot be reached, or was made by a release that this one is too old for.
    """
    try:
        connection = await connect(url, settings)
    except (OSError, TimeoutError, ValueError) as error:
        raise outage(error) from error
    except Exception as error:
        if getattr(error, "sqlstate", None) is None:
            raise
        raise outage(error) from error
    try:
        migrated = await _patiently(connection, settings, finish=finish)
        marked = await connection.fetchrow("SELECT role, place FROM handover")
    finally:
        await connection.close()
    if marked and not handing_over:
        raise HandedOver(*marked)
    return migrated


async def _patiently(connection: Any, settings: PostgresSettings, *, finish: bool) -> Migrated:
    """Raises Outage when others are in the way for too long."""
    for left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                return await _migrate(connection, settings, finish=finish)
        except _MET as met:
            log.info("migration_repeated", error=type(met).__name__)
            if not left:
                raise outage(met) from met
            await asyncio.sleep(_AGAIN_SECONDS * (1 + random.random()))  # noqa: S311 - no secret
    raise AssertionError("unreachable")


async def _migrate(connection: Any, settings: PostgresSettings, *, finish: bool) -> Migrated:
    await connection.execute(_FIRST)
    found = await connection.fetchrow("SELECT version, compatible, functions FROM schema_version")
    if found is None:
        await connection.execute("INSERT INTO schema_version VALUES (0, 0, $1, '')", settings.partitions)
        found = (0, 0, "")
    version, compatible, installed = found
    if compatible > VERSION:
        raise Outage(f"the database needs schema {compatible}, this release knows {VERSION}: upgrade it")
    for _, text in steps(_STEPS, after=version):
        await connection.execute(text)
    functions = _functions()
    digest = hashlib.sha256(functions.encode()).hexdigest()
    if version <= VERSION and installed != digest:  # a newer release has installed its own
        await connection.execute(functions)
        await connection.execute("UPDATE schema_version SET functions = $1", digest)
    if version == 0:
        log.warning("store_made", place=await connection.fetchval("SELECT current_database()"))
    oldest = VERSION if finish or version == 0 else max(compatible, COMPATIBLE)
    return await _finish(connection, Migrated(max(version, VERSION), oldest, 0))


async def _finish(connection: Any, reached: Migrated) -> Migrated:
    """Note where the schema stands, and run the steps that no older release is in the way of."""
    done = await connection.fetchval("SELECT post FROM schema_version")
    for _, text in steps(_STEPS, When.POST, after=done, upto=reached.compatible):
        await connection.execute(text)
    reached = Migrated(reached.version, reached.compatible, max(done, reached.compatible))
    await connection.execute(
        "UPDATE schema_version SET version = $1, compatible = $2, post = $3",
        reached.version,
        reached.compatible,
        reached.post,
    )
    return reached


def _functions() -> str:
    folder = files("vvm.store.postgres.functions")
    found = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name
    )
    # A function of SQL is read when it is made, and those it calls may stand behind it.
    texts = [item.read_text(encoding="utf-8") for item in found]
    return "\n".join(["SET LOCAL check_function_bodies = off;", *texts])
