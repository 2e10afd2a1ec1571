# SPDX-License-Identifier: Apache-2.0
"""Hints by LISTEN and NOTIFY, on a connection of their own.

Never inside a writing transaction: a NOTIFY there takes a lock that all commits of the database wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from vvm.domain.errors import Outage
from vvm.store.postgres.engine import OUTAGES, connect, outage
from vvm.store.settings import PostgresSettings

_CHANNEL = "vvm_hints"


class PostgresBus:
    """vvm.store.hints.shared.Bus."""

    def __init__(self, url: str, settings: PostgresSettings) -> None:
        self._url = url
        self._settings = settings
        self._connection: Any = None
        self._speaking = asyncio.Lock()  # the connection takes one statement at a time

    async def say(self, text: str) -> None:
        try:
            if self._connection is not None:
                await self._notify(self._connection, text)
                return
            connection = await connect(self._url, self._settings)  # a command that only says
            try:
                await self._notify(connection, text)
            finally:
                connection.terminate()
        except OUTAGES as error:
            raise outage(error) from error

    async def _notify(self, connection: Any, text: str) -> None:
        async with self._speaking:
            await connection.execute(
                "SELECT pg_notify($1, $2)", _CHANNEL, text, timeout=self._settings.statement_seconds
            )

    async def close(self) -> None: ...

    async def listen(self, hear: Callable[[str], None], ready: Callable[[], None]) -> None:
        ended = asyncio.Event()
        try:
            connection = await connect(self._url, self._settings)
        except OUTAGES as error:
            raise outage(error) from error
        try:
            connection.add_termination_listener(lambda _: ended.set())
            own = connection.get_server_pid()

            def heard(_: Any, speaker: int, channel: str, text: str) -> None:
                del channel
                if speaker != own:  # this process knows what it says, and would look at everything twice
                    hear(text)

            await connection.add_listener(_CHANNEL, heard)
            self._connection = connection
            ready()
            await self._until(ended, connection)
            raise Outage("the hint bus has ended its connection")
        except OUTAGES as error:
            raise outage(error) from error
        finally:
            self._connection = None
            connection.terminate()

    async def _until(self, ended: asyncio.Event, connection: Any) -> None:
        """A network that swallows everything ends no connection: a silent one is asked for a sign."""
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.statement_seconds):
                    await ended.wait()
                    return
            async with self._speaking:
                await connection.fetchval("SELECT 1", timeout=self._settings.statement_seconds)
