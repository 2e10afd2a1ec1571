# SPDX-License-Identifier: Apache-2.0
"""Many subscribers at once: whoever is there already is left alone, or brought to what the import says.

Either way the same import may be repeated, and that is also how one that was interrupted goes on: what is
there was committed whole, and what is already so is not changed again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import structlog

from vvm.domain.cos import UnknownCos
from vvm.domain.errors import IsAlias, Refusal
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile, CosName, Fallback, ProvisioningStatus, Subscriber
from vvm.services.paging import PAGE_LIMIT
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.services.standing import Difference, Standing, Standings, standing_of
from vvm.store.port import CosStore, NewSubscriber, NumberStore, SubscriberStore

log = structlog.get_logger(__name__)

CHUNK = 1000
"""Subscribers a transaction: a deposit that waits behind one waits a tenth of a second."""
REPORTED = 1000
"""Bad lines and changes that are told one by one; those after them are only counted."""
AS_IT_IS = Standing()
_HIDDEN = "…"


class NumberTaken(Refusal):
    code = "subscriber_exists"

    def __init__(self) -> None:
        super().__init__("one of its numbers is somebody else's, or may not be given again yet")


class ClientLine(ClientProfile, frozen=True, forbid_unknown_fields=True):
    """A client as a line says it, in which an unknown field is a slip."""


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
    client: ClientLine | None = None
    pin: str | None = None
    """Taken, and never given out."""
    aliases: tuple[str, ...] | None = None
    """All its further numbers."""
    held: bool | None = None
    """A legal hold lies on it."""
    closed: bool | None = None
    closing_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When it goes, and so that it is closed."""

    def __repr__(self) -> str:
        return f"SubscriberLine(msisdn={self.msisdn!r})"


class BadLine(msgspec.Struct, frozen=True):
    line: int
    """1-based."""
    reason: str
    """Names what is wrong and quotes no secret."""
    msisdn: str = ""
    """Whose line it is, as the line says it, where that can be read."""


class ChangedLine(msgspec.Struct, frozen=True):
    line: int
    msisdn: Msisdn
    changes: Difference
    """By column: what it was, and what it is now."""


class ImportReport(msgspec.Struct, frozen=True):
    read: int
    created: int
    """Or, in a dry run, what would be."""
    updated: int
    """The same."""
    known: int
    """Were there already, and were left alone or are so already."""
    bad: int
    bad_lines: tuple[BadLine, ...]
    """The first of them."""
    changes: tuple[ChangedLine, ...]
    """The first that were updated, or would be."""


class _Tally:
    def __init__(self, refused: Callable[[BadLine], None]) -> None:
        self._refused = refused
        self.read = self.created = self.updated = self.known = self.bad = 0
        self.bad_lines: list[BadLine] = []
        self.changes: list[ChangedLine] = []
        self.promised: dict[Msisdn, Msisdn] = {}
        """In a dry run: whose each number would be, of those that would be created."""

    def update(self, changed: ChangedLine) -> None:
        self.updated += 1
        if len(self.changes) < REPORTED:
            self.changes.append(changed)

    def promise(self, new: NewSubscriber) -> bool:
        """In a dry run; False when one of its numbers would be somebody else's by then."""
        if any(number in self.promised for number in new.numbers):
            return False
        self.promised |= dict.fromkeys(new.numbers, new.msisdn)
        return True

    def why_not(self, msisdn: Msisdn) -> Refusal | None:
        """As Bulk.why_not, of a number that is promised."""
        return None if self.promised[msisdn] == msisdn else IsAlias()

    def refuse(self, bad: BadLine) -> None:
        self.bad += 1
        self._refused(bad)
        if len(self.bad_lines) < REPORTED:
            self.bad_lines.append(bad)

    def report(self) -> ImportReport:
        return ImportReport(
            self.read,
            self.created,
            self.updated,
            self.known,
            self.bad,
            tuple(sorted(self.bad_lines, key=lambda bad: bad.line)),
            tuple(self.changes),
        )


class _Plan(msgspec.Struct, frozen=True):
    """How an import is carried out."""

    update: bool
    dry_run: bool
    reason: str


class Bulk:
    def __init__(
        self,
        provisioning: Provisioning,
        standings: Standings,
        subscribers: SubscriberStore,
        numbers: NumberStore,
        classes: CosStore,
    ) -> None:
        self._provisioning = provisioning
        self._standings = standings
        self._subscribers = subscribers
        self._numbers = numbers
        self._classes = classes

    async def load(
        self,
        lines: Iterable[tuple[int, SubscriberLine | BadLine]],
        *,
        dry_run: bool,
        progress: Callable[[int], None],
        update: bool = False,
        reason: str = "",
        refused: Callable[[BadLine], None] = lambda _: None,
    ) -> ImportReport:
        """Create whom ``lines`` name, chunk by chunk; a bad line costs only itself.

        Whoever is there is left alone, or, with ``update``, brought to what its line says.  A number that
        stands twice counts once.  ``progress`` hears how many lines a chunk had, ``refused`` of each bad
        line, chunk by chunk.
        """
        tally, plan = _Tally(refused), _Plan(update, dry_run, reason)
        chunk: dict[Msisdn, tuple[int, NewSubscriber]] = {}
        waiting = 0
        for number, line in lines:
            tally.read += 1
            waiting += 1
            await self._take(number, line, chunk, tally, plan)
            if waiting == CHUNK:
                await self._commit(chunk, tally, plan)
                progress(waiting)
                chunk, waiting = {}, 0
        await self._commit(chunk, tally, plan)
        progress(waiting)
        report = tally.report()
        log.info(
            "subscribers_imported",
            dry_run=dry_run,
            created=report.created,
            updated=report.updated,
            known=report.known,
        )
        return report

    async def dump(self) -> AsyncIterator[SubscriberLine]:
        """Every subscriber by number, as ``load`` takes it; no password and no PIN."""
        after: Msisdn | None = None
        while page := await self._subscribers.page(after=after, limit=PAGE_LIMIT):
            aliases = await self._numbers.aliases_of([subscriber.id for subscriber in page])
            for subscriber in page:
                yield _line(subscriber, aliases.get(subscriber.id, ()))
            after = page[-1].msisdn

    async def prepared(
        self, msisdn: Msisdn, options: SubscriberOptions, standing: Standing = AS_IT_IS, *, reason: str = ""
    ) -> NewSubscriber:
        """A subscriber for ``add``.

        Raises UnknownCos, TooManyAliases, InvalidNumber, and what Provisioning.prepared raises.
        """
        if options.cos and await self._classes.by_name(options.cos) is None:
            raise UnknownCos
        new = await self._provisioning.prepared(msisdn, options)
        return self._standings.of_new(new, standing, reason=reason)

    async def add(self, new: Sequence[NewSubscriber], *, dry_run: bool) -> Sequence[Msisdn]:
        """Add those who are not there yet, in one transaction; who they are, or in a dry run would be."""
        if not dry_run:
            return await self._subscribers.create_many(new)
        return [one.msisdn for one in new if not await self._is_taken(one)]

    async def why_not(self, new: NewSubscriber) -> Refusal | None:
        """Why ``add`` left somebody out; None: who is there already was left alone."""
        found = await self._subscribers.by_msisdn(new.msisdn)
        if found is None:
            return NumberTaken()
        return None if found.msisdn == new.msisdn else IsAlias()

    async def bring(
        self, msisdn: Msisdn, options: SubscriberOptions, standing: Standing, *, reason: str
    ) -> None:
        """Change a subscriber step by step, each a transaction.

        Raises UnknownSubscriber, and what Provisioning.change and Lifecycle raise.
        """
        before = await self._provisioning.show(msisdn)
        options = await self._standings.opened(before, options, standing, reason=reason)
        if options != SubscriberOptions():
            await self._provisioning.change(msisdn, options, reason=reason)
        await self._standings.bring(await self._provisioning.show(msisdn), standing, reason=reason)

    async def check(self, before: Subscriber, options: SubscriberOptions, standing: Standing) -> Difference:
        """What ``bring`` would refuse, and else what it would change of the standing.

        Raises UnknownCos, TooManyAliases, InvalidNumber, and what Provisioning.check raises.
        """
        if options.cos and await self._classes.by_name(options.cos) is None:
            raise UnknownCos
        await self._provisioning.check(before, options)
        return await self._standings.difference(before, standing)

    async def _take(
        self,
        number: int,
        line: SubscriberLine | BadLine,
        chunk: dict[Msisdn, tuple[int, NewSubscriber]],
        tally: _Tally,
        plan: _Plan,
    ) -> None:
        if isinstance(line, BadLine):
            tally.refuse(line)
            return
        try:
            msisdn, standing = parse_msisdn(line.msisdn), _standing(line)
            found = await self._subscribers.by_msisdn(msisdn) if plan.update else None
            if msisdn in chunk:
                tally.known += 1
            elif found is not None:
                await self._update(number, found, line, tally, plan)
            else:
                new = await self.prepared(msisdn, self._options(line), standing, reason=plan.reason)
                chunk[msisdn] = number, new
        except Refusal as refusal:
            tally.refuse(BadLine(number, str(refusal), line.msisdn))

    async def _update(
        self, number: int, before: Subscriber, line: SubscriberLine, tally: _Tally, plan: _Plan
    ) -> None:
        """Raises Refusal."""
        if before.msisdn != line.msisdn:
            raise IsAlias
        options, standing = self._options(line), _standing(line)
        stands = await self.check(before, options, standing)
        changes, missing = difference(before, options)
        changes |= stands
        if not changes:
            tally.known += 1
            return
        if not plan.dry_run:
            await self.bring(before.msisdn, missing, standing, reason=plan.reason)
        tally.update(ChangedLine(number, before.msisdn, changes))

    def _options(self, line: SubscriberLine) -> SubscriberOptions:
        """Raises UnknownCarrier."""
        client = self._provisioning.client_of(line.carrier) if line.carrier else None
        if line.client is not None:
            client = ClientProfile(**msgspec.structs.asdict(line.client))
        return SubscriberOptions(
            language=line.language,
            max_messages=line.max_messages,
            setup_done=line.setup_done,
            blocked=line.blocked,
            fallback=line.fallback,
            cos=line.cos,
            client=client,
            pin=None if line.pin is None else Secret(line.pin),
        )

    async def _is_taken(self, new: NewSubscriber) -> bool:
        for number in new.numbers:
            if await self._subscribers.by_msisdn(number) is not None:
                return True
        return False

    async def _commit(
        self, chunk: dict[Msisdn, tuple[int, NewSubscriber]], tally: _Tally, plan: _Plan
    ) -> None:
        if not chunk:
            return
        created = set(await self.add([new for _, new in chunk.values()], dry_run=plan.dry_run))
        if plan.dry_run:
            created = {
                msisdn for msisdn, (_, new) in chunk.items() if msisdn in created and tally.promise(new)
            }
        tally.created += len(created)
        for msisdn in chunk.keys() - created:
            number, new = chunk[msisdn]
            refusal = tally.why_not(msisdn) if msisdn in tally.promised else await self.why_not(new)
            if refusal is None:
                tally.known += 1
            else:
                tally.refuse(BadLine(number, str(refusal), msisdn))


def difference(
    before: Subscriber, wanted: SubscriberOptions
) -> tuple[dict[str, tuple[object, object]], SubscriberOptions]:
    """What options would change of a subscriber, and the options for only that.

    Nobody can tell whether a PIN is another one: it counts as new.
    """
    was_blocked = (before.closing.before if before.closing else before.status) is ProvisioningStatus.BLOCKED
    own = msgspec.structs.replace(before.client, number="")
    client = None if wanted.client is None else msgspec.structs.replace(wanted.client, number="")
    now: dict[str, object] = {
        "language": before.language,
        "max_messages": before.max_messages,
        "setup_done": before.setup_done,
        "blocked": was_blocked,
        "fallback": before.fallback,
        "cos": before.cos,
        "client": own,
    }
    said: dict[str, object] = msgspec.structs.asdict(wanted) | {"client": client}
    changes = {name: (was, said[name]) for name, was in now.items() if said[name] not in (None, was)}
    missing = {name: said[name] for name in changes}
    if client is not None and "client" in changes:
        missing["client"] = msgspec.structs.replace(client, number=before.client.number)
    if wanted.pin is not None:
        changes["pin"], missing["pin"] = (_HIDDEN, _HIDDEN), wanted.pin
    return changes, SubscriberOptions(**missing)  # type: ignore[arg-type]  # of the fields' own types


def _standing(line: SubscriberLine) -> Standing:
    """Raises InvalidNumber."""
    return standing_of(line.aliases, held=line.held, closed=line.closed, closing_at=line.closing_at)


def _line(subscriber: Subscriber, aliases: Sequence[Msisdn]) -> SubscriberLine:
    """Its status is not in it, but for the block: in another store its client has to activate again."""
    closing = subscriber.closing
    status = subscriber.status if closing is None else closing.before
    said = msgspec.structs.asdict(subscriber.client)
    return SubscriberLine(
        msisdn=subscriber.msisdn,
        language=subscriber.language,
        max_messages=subscriber.max_messages,
        setup_done=subscriber.setup_done,
        blocked=status is ProvisioningStatus.BLOCKED,
        fallback=subscriber.fallback,
        cos=subscriber.cos,
        client=ClientLine(**said | {"number": ""}),  # so does an alias that activated it
        aliases=tuple(aliases),
        held=subscriber.held,
        closed=closing is not None,
        closing_at=None if closing is None else closing.at,
    )
