# SPDX-License-Identifier: Apache-2.0
"""Where the stores of a measurement lie: files, and databases of a PostgreSQL that waits for its disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from tests.postgres import Server
from vvm.config.sections import StoreSettings
from vvm.store.settings import PostgresSettings

_TUNED = {
    # As in production, where tests turn it off.
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "lz4",
}
SETTINGS = PostgresSettings(connections=16)


class Engine(Protocol):
    name: str
    pid: int
    """Of its server; 0 where it is a library."""

    def place(self, name: str) -> AbstractAsyncContextManager[StoreSettings]:
        """The settings of a new store, which goes in the end."""
        ...

    async def settled(self, settings: StoreSettings) -> None:
        """What was filled is as it would be after some hours."""
        ...


class Files:
    name = "SQLite"
    pid = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[StoreSettings]:
        path = self._folder / f"{name}.db"
        yield StoreSettings(f"sqlite:///{path}")
        for each in self._folder.glob(f"{name}.db*"):
            each.unlink()

    async def settled(self, settings: StoreSettings) -> None:
        """A file needs no care."""


class Databases:
    name = "PostgreSQL"

    def __init__(self, server: Server) -> None:
        self._server = server
        self.pid = server.pid

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[StoreSettings]:
        name = f"vvm_{name}"
        await _run(self._server.url("postgres"), f"CREATE DATABASE {name}")
        yield StoreSettings(self._server.url(name), SETTINGS)
        await _run(self._server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")

    async def settled(self, settings: StoreSettings) -> None:
        await _run(settings.url, "VACUUM ANALYZE")
        await _run(settings.url, "CHECKPOINT")


@contextmanager
def engines(folder: Path) -> Iterator[list[Engine]]:
    with databases() as server:
        yield [Files(folder), server]


@contextmanager
def databases() -> Iterator[Databases]:
    server = Server()
    server.start(**_TUNED)
    try:
        yield Databases(server)
    finally:
        server.remove()


async def _run(url: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
