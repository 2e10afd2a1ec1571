# SPDX-License-Identifier: Apache-2.0
"""One store becomes another one while it serves: SQLite a PostgreSQL, or the other way round.

Passes copy what differs until little does.  Then nobody else may write in the source: one more pass
and a look that finds nothing, the source is sealed for ever, every view of every mailbox is compared
octet by octet, and the target is opened.  Killed at any moment and called again, it goes on.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from urllib.parse import urlsplit

import msgspec

from vvm.config.sections import StoreSettings
from vvm.domain.errors import Outage, Refusal
from vvm.runtime.digests import digests
from vvm.runtime.stores import migrate_store, open_store
from vvm.store.blobs.shelf import MakeShelf
from vvm.store.copying import TABLES, Side, synchronise
from vvm.store.postgres.copy import postgres_side
from vvm.store.sqlite.copy import SqliteSide

_BATCH = 200
"""Rows a transaction; with their octets some megabytes."""
_FEW = 1000
"""So many differences are copied while writers wait."""

Progress = Callable[[str, int, int], None]
"""Hears of a table, or of "mailboxes", how much of it was compared and how much differed."""


class CannotCopy(Refusal):
    code = "cannot_copy"


class Copied(msgspec.Struct, frozen=True):
    """What was done; counts of this run."""

    source: str
    target: str
    passes: int
    differences: tuple[int, ...]
    """Rows that differed, by pass; the last pass ran while nobody could write."""
    waited_seconds: float
    """How long nobody could write."""
    rows: int
    mailboxes: int
    messages: int
    octets: int


async def copy(source: StoreSettings, target: StoreSettings, shelf: MakeShelf, progress: Progress) -> Copied:
    """Raises CannotCopy, Outage.  ``shelf`` reads the octets of both."""
    async with AsyncExitStack() as stack:
        left = await stack.enter_async_context(_side(source, source_side=True))
        right = await stack.enter_async_context(_side(target, source_side=False))
        sealed = await _begin(left, right)
        run = _Run(left, right, progress)
        if sealed:
            await run.settle()
        else:
            await run.approach()
            started = time.monotonic()
            async with left.frozen():
                await run.settle()
                await left.seal(right.place)
            run.waited = time.monotonic() - started
        await right.finish(await left.last_ids())
        compared = await _compare(source, target, shelf, progress)
        await right.unseal()
        return Copied(
            source=left.place,
            target=right.place,
            passes=len(run.differences),
            differences=tuple(run.differences),
            waited_seconds=round(run.waited, 3),
            rows=run.rows,
            mailboxes=compared[0],
            messages=compared[1],
            octets=compared[2],
        )


async def reopen(settings: StoreSettings) -> None:
    """Make a store that was moved, or a target that is given up, a store like any other.  Raises Outage."""
    async with _side(settings, source_side=False) as side:
        await side.unseal()


async def _begin(left: Side, right: Side) -> bool:
    """Mark the target; True when the source is sealed already.  Raises CannotCopy."""
    from_left, from_right = await left.handover(), await right.handover()
    if from_left is not None and (from_left.role == "target" or from_left.place != right.place):
        raise CannotCopy(f"{left.place} is handed over: {from_left.role}, {from_left.place}")
    if from_right is None:
        if from_left is not None:
            raise CannotCopy(f"{left.place} was moved to {right.place} already")
        async for some in right.rows(TABLES_BY_NAME["subscriber"]):
            if some:
                raise CannotCopy(f"{right.place} holds subscribers: a copy needs a store of its own")
        await right.mark_target(left.place)
    elif from_right.role != "target" or from_right.place != left.place:
        raise CannotCopy(f"{right.place} is handed over: {from_right.role}, {from_right.place}")
    return from_left is not None


TABLES_BY_NAME = {table.name: table for table in TABLES}


class _Run:
    def __init__(self, left: Side, right: Side, progress: Progress) -> None:
        self._left = left
        self._right = right
        self._progress = progress
        self.differences: list[int] = []
        self.rows = 0
        self.waited = 0.0

    async def approach(self) -> None:
        """Copy beside whoever writes, until little differs, or one more pass would not make it less.

        Raises Outage.
        """
        before = await self._pass()
        while before > _FEW and (now := await self._pass()) < before / 2:
            before = now

    async def settle(self) -> None:
        """Nobody writes: copy the rest, and see that nothing differs.  Raises Outage."""
        await self._pass()
        if await self._pass():
            raise Outage("the two stores still differ: somebody else writes into the target")

    async def _pass(self) -> int:
        differed = self.rows = 0
        for table in TABLES:
            found = await synchronise(table, self._left, self._right, batch=_BATCH, report=self._progress)
            differed += found.differed
            self.rows += found.compared
        self.differences.append(differed)
        return differed


async def _compare(
    source: StoreSettings, target: StoreSettings, shelf: MakeShelf, progress: Progress
) -> tuple[int, int, int]:
    """Every view of every mailbox, as a client sees it: how many mailboxes, messages, octets.

    Raises CannotCopy, which names the first one that differs; the source is still sealed then.
    """
    mailboxes = messages = octets = 0
    async with (
        open_store(source, shelf=shelf, handing_over=True) as left,
        open_store(target, shelf=shelf, handing_over=True) as right,
    ):
        others = digests(right, octets=True)
        async for one in digests(left, octets=True):
            other = await anext(others, None)
            if one != other:
                raise CannotCopy(
                    f"the mailbox of {one.msisdn} differs there; the source is sealed, see vvm store reopen"
                )
            mailboxes, messages, octets = mailboxes + 1, messages + one.messages, octets + one.octets
            progress("mailboxes", mailboxes, 0)
    return mailboxes, messages, octets


@asynccontextmanager
async def _side(settings: StoreSettings, *, source_side: bool) -> AsyncIterator[Side]:
    """Raises CannotCopy, Outage."""
    if source_side and settings.path is not None and not settings.path.exists():
        raise CannotCopy(f"there is no store at {settings.path}")
    await migrate_store(settings, handing_over=True)
    place = _place(settings.url)
    if settings.path is not None:
        with closing(SqliteSide(settings.path, place)) as side:
            yield side
    else:
        async with postgres_side(settings.url, settings.postgres, place=place, source=source_side) as server:
            yield server


def _place(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", "@", 1)
