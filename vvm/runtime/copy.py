# SPDX-License-Identifier: Apache-2.0
"""One store becomes another one while it serves: SQLite a PostgreSQL, or the other way round.

Passes copy what differs until little does, and every view of every mailbox is compared octet by octet,
beside whoever writes.  Then nobody else may write in the source: one more pass and a look that finds
nothing, the source is sealed for ever, the mailboxes that have changed since they were compared are
compared again, and the target is opened.  Killed at any moment and called again, it goes on.

That the others need no second look: their rows are the same, the last pass says so, and octets never
change under the key of their row.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, closing
from urllib.parse import urlsplit

import msgspec

from vvm.config.sections import StoreSettings
from vvm.domain.errors import Outage, Refusal
from vvm.domain.subscriber import Subscriber
from vvm.runtime.digests import MailboxDigest, everybody, mailbox_digest
from vvm.runtime.stores import migrate_store, open_store
from vvm.store.blobs.shelf import MakeShelf
from vvm.store.copying import TABLES, Key, Side, Table, synchronise
from vvm.store.port import Store
from vvm.store.postgres.copy import postgres_side
from vvm.store.sqlite.copy import SqliteSide

_BATCH = 200
"""Rows a transaction; with their octets some megabytes."""
_FEW = 1000
"""So many differences are copied while writers wait."""
_FEW_MAILBOXES = 100
"""So many are compared while nobody can write."""

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
    """Rows that differed, by pass; the last two ran while nobody could write."""
    waited_seconds: float
    """How long nobody could write, up to the moment from which the target takes it."""
    rows: int
    mailboxes: int
    messages: int
    octets: int
    """Of messages that were read from both and compared, some twice."""
    compared_again: int
    """Mailboxes that were compared while nobody could write."""


async def copy(source: StoreSettings, target: StoreSettings, shelf: MakeShelf, progress: Progress) -> Copied:
    """Raises CannotCopy, Outage.  ``shelf`` reads the octets of both."""
    async with AsyncExitStack() as stack:
        left = await stack.enter_async_context(_side(source, source_side=True))
        right = await stack.enter_async_context(_side(target, source_side=False))
        sealed = await _begin(left, right)
        views = _Views(source, target, shelf, progress)
        run = _Run(left, right, views, progress)
        if not sealed:
            await run.approach()
        started = time.monotonic()
        if sealed:
            await run.settle()
        else:
            async with left.frozen():
                await run.settle()
                await left.seal(right.place)
        await right.finish(await left.last_ids())
        again = None if sealed else run.changed
        compared_before = views.compared
        if differing := await views.differing(again):
            raise CannotCopy(
                f"mailbox {min(differing)} differs there; the source is sealed, see vvm store reopen"
            )
        await right.unseal()
        return Copied(
            source=left.place,
            target=right.place,
            passes=len(run.differences),
            differences=tuple(run.differences),
            waited_seconds=round(time.monotonic() - started, 3),
            rows=sum(run.rows.values()),
            mailboxes=run.rows["mailbox"],
            messages=run.rows["message"],
            octets=views.octets,
            compared_again=views.compared - compared_before,
        )


async def reopen(settings: StoreSettings) -> None:
    """Make a store that was moved, or a target that is given up, a store like any other.  Raises Outage."""
    _require(settings)
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
    def __init__(self, left: Side, right: Side, views: _Views, progress: Progress) -> None:
        self._left = left
        self._right = right
        self._views = views
        self._progress = progress
        self.differences: list[int] = []
        self.rows: dict[str, int] = {}
        """By table, as the last pass found them."""
        self.changed: set[int] = set()
        """Mailboxes of which a row was copied since they were compared, or that differed then."""

    async def approach(self) -> None:
        """Copy and compare beside whoever writes, until little differs, or one more round would not make it
        less.  Raises Outage.
        """
        before = await self._pass()
        while before > _FEW and (now := await self._pass()) < before / 2:
            before = now
        compared: int | None = None
        while compared is None or _FEW_MAILBOXES < len(self.changed) < compared / 2:
            await self._right.finish(await self._left.last_ids())
            which = None if compared is None else self.changed
            self.changed = set()
            self.changed |= await self._views.differing(which)
            compared = self.rows["mailbox"] if which is None else len(which)
            await self._pass()

    async def settle(self) -> None:
        """Nobody writes: copy the rest, and see that nothing differs.  Raises Outage."""
        await self._pass()
        if await self._pass():
            raise Outage("the two stores still differ: somebody else writes into the target")

    async def _pass(self) -> int:
        differed = 0
        for table in TABLES:
            found = await synchronise(
                table,
                self._left,
                self._right,
                batch=_BATCH,
                report=self._progress,
                differing=self._note if table.by_mailbox else _nothing,
            )
            differed += found.differed
            self.rows[table.name] = found.compared
        self.differences.append(differed)
        return differed

    def _note(self, table: Table, key: Key) -> None:
        del table
        self.changed.add(key[0])


def _nothing(table: Table, key: Key) -> None:
    """No mailbox has a view of it."""


class _Views:
    """What clients see of the two stores."""

    def __init__(
        self, source: StoreSettings, target: StoreSettings, shelf: MakeShelf, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._shelf = shelf
        self._progress = progress
        self.compared = 0
        """Mailboxes, counted each time."""
        self.octets = 0

    async def differing(self, which: Collection[int] | None) -> set[int]:
        """Compare every view of these mailboxes, or of all, octet by octet; those that are not the same.

        Raises Outage.
        """
        differing: set[int] = set()
        if which is not None and not which:
            return differing
        async with (
            open_store(self._source, shelf=self._shelf, handing_over=True) as left,
            open_store(self._target, shelf=self._shelf, handing_over=True) as right,
        ):
            async for subscriber in everybody(left):
                if which is None or subscriber.mailbox in which:
                    one = await mailbox_digest(left, subscriber, octets=True)
                    if one != await _there(right, subscriber):
                        differing.add(subscriber.mailbox)
                    self.compared += 1
                    self.octets += one.octets
                    self._progress("mailboxes", self.compared, len(differing))
        return differing


async def _there(right: Store, subscriber: Subscriber) -> MailboxDigest | None:
    """As clients find it in the target: by the number.  None: nobody has it."""
    found = await right.subscribers.by_msisdn(subscriber.msisdn)
    return None if found is None else await mailbox_digest(right, found, octets=True)


@asynccontextmanager
async def _side(settings: StoreSettings, *, source_side: bool) -> AsyncIterator[Side]:
    """Raises CannotCopy, Outage."""
    if source_side:
        _require(settings)
    await migrate_store(settings, handing_over=True)
    place = _place(settings.url)
    if settings.path is not None:
        with closing(SqliteSide(settings.path, place)) as side:
            yield side
    else:
        async with postgres_side(settings.url, settings.postgres, place=place, source=source_side) as server:
            yield server


def _require(settings: StoreSettings) -> None:
    """Who means a store that is there is not given an empty one.  Raises CannotCopy."""
    if settings.path is not None and not settings.path.exists():
        raise CannotCopy(f"there is no store at {settings.path}")


def _place(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", "@", 1)
