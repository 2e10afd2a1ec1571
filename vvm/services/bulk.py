# SPDX-License-Identifier: Apache-2.0
"""Many subscribers at once: whoever is there already is left alone, so the same import may be repeated.

That is also how an import that was interrupted goes on: what is there was committed whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import msgspec
import structlog

from vvm.domain.cos import UnknownCos
from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile, CosName, Fallback, ProvisioningStatus, Subscriber
from vvm.services.paging import PAGE_LIMIT
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.store.port import CosStore, NewSubscriber, SubscriberStore

log = structlog.get_logger(__name__)

CHUNK = 1000
"""Subscribers a transaction: a deposit that waits behind one waits a tenth of a second."""
REPORTED = 1000
"""Bad lines that are told one by one; those after them are only counted."""


class SubscriberLine(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One subscriber of an import or export; what is left out has its default."""

    msisdn: str
    language: str | None = None
    max_messages: int | None = None
    setup_done: bool | None = None
    blocked: bool | None = None
    fallback: Fallback | None = None
    cos: CosName | None = None
    carrier: str | None = None
    """A carrier profile; ``client`` says all of one."""
    client: ClientProfile | None = None
    pin: str | None = None
    """Taken, and never given out."""

    def __repr__(self) -> str:
        return f"SubscriberLine(msisdn={self.msisdn!r})"


class BadLine(msgspec.Struct, frozen=True):
    line: int
    """1-based."""
    reason: str
    """Names what is wrong and quotes no secret."""


class ImportReport(msgspec.Struct, frozen=True):
    read: int
    created: int
    """Or, in a dry run, what would be."""
    known: int
    """Were there already, and were left alone."""
    bad: int
    bad_lines: tuple[BadLine, ...]
    """The first of them."""


class _Tally:
    def __init__(self) -> None:
        self.read = self.created = self.known = self.bad = 0
        self.bad_lines: list[BadLine] = []

    def refuse(self, bad: BadLine) -> None:
        self.bad += 1
        if len(self.bad_lines) < REPORTED:
            self.bad_lines.append(bad)

    def report(self) -> ImportReport:
        return ImportReport(self.read, self.created, self.known, self.bad, tuple(self.bad_lines))


class Bulk:
    def __init__(self, provisioning: Provisioning, subscribers: SubscriberStore, classes: CosStore) -> None:
        self._provisioning = provisioning
        self._subscribers = subscribers
        self._classes = classes

    async def load(
        self,
        lines: Iterable[tuple[int, SubscriberLine | BadLine]],
        *,
        dry_run: bool,
        progress: Callable[[int], None],
    ) -> ImportReport:
        """Create whom ``lines`` name, chunk by chunk; a bad line costs only itself.

        A number that stands twice is created once.  ``progress`` hears how many lines a chunk had.
        """
        tally = _Tally()
        chunk: dict[Msisdn, NewSubscriber] = {}
        waiting = 0
        for number, line in lines:
            tally.read += 1
            waiting += 1
            await self._take(number, line, chunk, tally)
            if waiting == CHUNK:
                await self._commit(chunk, tally, dry_run=dry_run)
                progress(waiting)
                chunk, waiting = {}, 0
        await self._commit(chunk, tally, dry_run=dry_run)
        progress(waiting)
        report = tally.report()
        log.info("subscribers_imported", dry_run=dry_run, created=report.created, known=report.known)
        return report

    async def dump(self) -> AsyncIterator[SubscriberLine]:
        """Every subscriber by number, as ``load`` takes it; no password and no PIN."""
        after: Msisdn | None = None
        while page := await self._subscribers.page(after=after, limit=PAGE_LIMIT):
            for subscriber in page:
                yield _line(subscriber)
            after = page[-1].msisdn

    async def _take(
        self, number: int, line: SubscriberLine | BadLine, chunk: dict[Msisdn, NewSubscriber], tally: _Tally
    ) -> None:
        if isinstance(line, BadLine):
            tally.refuse(line)
            return
        try:
            msisdn = parse_msisdn(line.msisdn)
            if msisdn in chunk:
                tally.known += 1
            else:
                chunk[msisdn] = await self._new(msisdn, line)
        except Refusal as refusal:
            tally.refuse(BadLine(number, str(refusal)))

    async def prepared(self, msisdn: Msisdn, options: SubscriberOptions) -> NewSubscriber:
        """A subscriber for ``add``.  Raises UnknownCos, and what Provisioning.prepared raises."""
        if options.cos and await self._classes.by_name(options.cos) is None:
            raise UnknownCos
        return await self._provisioning.prepared(msisdn, options)

    async def add(self, new: Sequence[NewSubscriber], *, dry_run: bool) -> Sequence[Msisdn]:
        """Add those who are not there yet, in one transaction; who they are, or in a dry run would be."""
        if not dry_run:
            return await self._subscribers.create_many(new)
        return [one.msisdn for one in new if await self._subscribers.by_msisdn(one.msisdn) is None]

    async def _new(self, msisdn: Msisdn, line: SubscriberLine) -> NewSubscriber:
        carrier = self._provisioning.client_of(line.carrier) if line.carrier else None
        return await self.prepared(
            msisdn,
            SubscriberOptions(
                language=line.language,
                max_messages=line.max_messages,
                setup_done=line.setup_done,
                blocked=line.blocked,
                fallback=line.fallback,
                cos=line.cos,
                client=line.client or carrier,
                pin=None if line.pin is None else Secret(line.pin),
            ),
        )

    async def _commit(self, chunk: dict[Msisdn, NewSubscriber], tally: _Tally, *, dry_run: bool) -> None:
        if not chunk:
            return
        created = len(await self.add(list(chunk.values()), dry_run=dry_run))
        tally.created += created
        tally.known += len(chunk) - created


def _line(subscriber: Subscriber) -> SubscriberLine:
    return SubscriberLine(
        msisdn=subscriber.msisdn,
        language=subscriber.language,
        max_messages=subscriber.max_messages,
        setup_done=subscriber.setup_done,
        blocked=subscriber.status is ProvisioningStatus.BLOCKED,
        fallback=subscriber.fallback,
        cos=subscriber.cos or None,
        client=msgspec.structs.replace(subscriber.client, number=""),  # its alias does not come along
    )
