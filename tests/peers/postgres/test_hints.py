# SPDX-License-Identifier: Apache-2.0
"""Hints between nodes by PostgreSQL's NOTIFY, and what a lost bus costs: nothing but time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests import postgres
from vvm.domain.subscriber import MailboxId
from vvm.store.hints.shared import SharedHints
from vvm.store.postgres.hints import PostgresBus

pytestmark = pytest.mark.peers

BOX = MailboxId(7)
LONG = timedelta(hours=1)
_SECONDS = 20.0


@asynccontextmanager
async def node(url: str) -> AsyncIterator[SharedHints]:
    """Hints that say and hear; ready when they do."""
    hints = SharedHints(PostgresBus(url, postgres.SETTINGS))
    listening = asyncio.Event()
    stop = hints.watch(BOX, listening.set)  # everybody is woken when the bus is there
    async with asyncio.TaskGroup() as group:
        running = group.create_task(hints.run())
        async with asyncio.timeout(_SECONDS):
            await listening.wait()
        stop()
        yield hints
        running.cancel()


def watched(hints: SharedHints) -> asyncio.Event:
    woken = asyncio.Event()
    hints.watch(BOX, woken.set)
    return woken


async def test_a_mailbox_that_moved_is_heard_on_the_other_node() -> None:
    async with postgres.database() as url, node(url) as one, node(url) as other, asyncio.timeout(_SECONDS):
        woken = watched(other)
        one.mailbox(MailboxId(8))
        one.mailbox(BOX)
        await woken.wait()


@pytest.mark.parametrize("kind", ["outbox", "inbound"])
async def test_work_is_heard_on_the_other_node(kind: str) -> None:
    async with postgres.database() as url, node(url) as one, node(url) as other, asyncio.timeout(_SECONDS):
        moved: Callable[[timedelta], object] = getattr(other, f"{kind}_moved")
        await getattr(other, f"{kind}_moved")(timedelta())
        getattr(one, kind)()
        await moved(LONG)  # type: ignore[misc]  # a coroutine


async def test_everybody_is_woken_when_the_bus_is_back() -> None:
    async with postgres.database() as url, node(url) as hints, asyncio.timeout(_SECONDS):
        woken = watched(hints)
        server = postgres.server()
        server.stop(signal.SIGQUIT)
        hints.mailbox(MailboxId(8))  # is lost
        server.start()
        await woken.wait()
