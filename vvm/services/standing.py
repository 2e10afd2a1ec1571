# SPDX-License-Identifier: Apache-2.0
"""How a subscriber stands, as bulk changes say it: further numbers, a legal hold, an end.

A standing says how it shall be and not what to do, so it may be brought about again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from vvm.domain.clock import Clock
from vvm.domain.errors import InvalidNumber, TooManyAliases
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.domain.subscriber import Closing, ProvisioningStatus, Subscriber
from vvm.services.lifecycle import Lifecycle
from vvm.services.provisioning import SubscriberOptions
from vvm.services.settings import ServiceSettings
from vvm.store.port import NewSubscriber

Difference = Mapping[str, tuple[object, object]]
"""What a thing is and what it shall be, by the names of an import's columns."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """None: as a new subscriber has it, or as it is."""

    aliases: tuple[Msisdn, ...] | None = None
    """All of its further numbers."""
    held: bool | None = None
    closed: bool | None = None
    closing_at: datetime | None = None
    """When it goes if it is closed; None: when the grace is over, or as it is."""


def standing_of(
    aliases: Iterable[str] | None, *, held: bool | None, closed: bool | None, closing_at: datetime | None
) -> Standing:
    """As an import or a request says it: who has an end is closed.  Raises InvalidNumber."""
    return Standing(
        aliases=None if aliases is None else tuple(map(parse_msisdn, aliases)),
        held=held,
        closed=True if closed is None and closing_at is not None else closed,
        closing_at=closing_at,
    )


class Standings:
    def __init__(self, lifecycle: Lifecycle, *, clock: Clock, service: ServiceSettings) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._service = service

    def of_new(self, new: NewSubscriber, wanted: Standing, *, reason: str) -> NewSubscriber:
        """A subscriber that is to be, and stands so from its beginning.

        Raises TooManyAliases, InvalidNumber.
        """
        aliases = self._aliases(new.msisdn, wanted)
        closing = None
        if wanted.closed:
            grace = timedelta(days=self._service.close_grace_days)
            closing = Closing(wanted.closing_at or self._clock.now() + grace, new.status)
        return msgspec.structs.replace(
            new,
            aliases=aliases or (),
            held=bool(wanted.held),
            closing=closing,
            status=new.status if closing is None else ProvisioningStatus.UNKNOWN,
            reason=reason,
        )

    async def difference(self, subscriber: Subscriber, wanted: Standing) -> Difference:
        """What ``bring`` would change.  Raises TooManyAliases, InvalidNumber."""
        found: dict[str, tuple[object, object]] = {}
        aliases, closing = self._aliases(subscriber.msisdn, wanted), subscriber.closing
        if aliases is not None:
            known = tuple(await self._lifecycle.aliases(subscriber.msisdn))
            if known != aliases:
                found["aliases"] = (known, aliases)
        if wanted.held not in {None, subscriber.held}:
            found["held"] = (subscriber.held, wanted.held)
        if wanted.closed not in {None, closing is not None}:
            found["closed"] = (closing is not None, wanted.closed)
        if wanted.closed and closing is not None and wanted.closing_at not in {None, closing.at}:
            found["closing_at"] = (closing.at, wanted.closing_at)
        return found

    async def opened(
        self, subscriber: Subscriber, options: SubscriberOptions, wanted: Standing, *, reason: str
    ) -> SubscriberOptions:
        """The first step, of whoever is closed: to be opened again, if that is wanted.

        Answers what is still to change: who stays closed takes no block, but is blocked when it is opened.
        """
        if subscriber.closing is None:
            return options
        if wanted.closed is False:
            await self._lifecycle.reopen(subscriber.msisdn, reason=reason)
            return options
        if options.blocked is not None:
            await self._lifecycle.block_closed(subscriber.msisdn, blocked=options.blocked, reason=reason)
        return msgspec.structs.replace(options, blocked=None)

    async def bring(self, subscriber: Subscriber, wanted: Standing, *, reason: str) -> None:
        """Every other step that is missing, each a transaction; interrupted, the same call goes on.

        Raises what Lifecycle raises.
        """
        msisdn, differs = subscriber.msisdn, await self.difference(subscriber, wanted)
        if "held" in differs:
            step = self._lifecycle.hold if wanted.held else self._lifecycle.release
            await step(msisdn, reason=reason)
        if "aliases" in differs:
            known, aliases = set(await self._lifecycle.aliases(msisdn)), set(wanted.aliases or ())
            for alias in sorted(known - aliases):
                await self._lifecycle.remove_alias(msisdn, alias)
            for alias in sorted(aliases - known):
                await self._lifecycle.add_alias(msisdn, alias)
        if wanted.closed and differs.keys() & {"closed", "closing_at"}:
            await self._lifecycle.close(msisdn, reason=reason, at=wanted.closing_at)

    def _aliases(self, msisdn: Msisdn, wanted: Standing) -> tuple[Msisdn, ...] | None:
        if wanted.aliases is None:
            return None
        aliases = tuple(sorted(set(wanted.aliases)))
        if msisdn in aliases:
            raise InvalidNumber("an alias must be another number than the subscriber's own")
        if len(aliases) > self._service.most_aliases:
            raise TooManyAliases(most=self._service.most_aliases)
        return aliases
