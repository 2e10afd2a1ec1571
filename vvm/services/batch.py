# SPDX-License-Identifier: Apache-2.0
"""A batch of the API: subscribers are created, changed and removed in the order of the items.

Each item has a result of its own, and a refused one costs only itself.  Creations that follow each other
are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
import structlog

from vvm.domain.errors import Refusal
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile
from vvm.services.bulk import AS_IT_IS, Bulk
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.services.standing import Standing
from vvm.store.port import NewSubscriber

log = structlog.get_logger(__name__)

LIMIT = 1000
"""Items of a batch."""


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Outcome(StrEnum):
    CREATED = "created"
    KNOWN = "known"
    """Was there already, and was left alone."""
    UPDATED = "updated"
    DELETED = "deleted"
    REFUSED = "refused"


class Item(msgspec.Struct, frozen=True):
    verb: Verb
    msisdn: Msisdn
    options: Callable[[ClientProfile], SubscriberOptions]
    """What is wanted, from what the client is now, or else is taken to be."""
    standing: Standing = AS_IT_IS
    reason: str = ""
    """For the audit."""


class Result(msgspec.Struct, frozen=True):
    outcome: Outcome
    refusal: Refusal | None = None


class Batch:
    def __init__(self, bulk: Bulk, provisioning: Provisioning, *, default_client: ClientProfile) -> None:
        self._bulk = bulk
        self._provisioning = provisioning
        self._default_client = default_client

    async def __call__(self, items: Sequence[Item], *, dry_run: bool) -> Sequence[Result]:
        """A result for each item.  A dry run changes nothing, and looks at each item by itself.

        Raises Outage: the items before were carried out, and the batch may be repeated.
        """
        results: dict[int, Result] = {}
        waiting: dict[int, NewSubscriber] = {}
        for place, item in enumerate(items):
            try:
                if item.verb is Verb.CREATE:
                    options = item.options(self._default_client)
                    waiting[place] = await self._bulk.prepared(
                        item.msisdn, options, item.standing, reason=item.reason
                    )
                else:
                    await self._create(waiting, results, dry_run=dry_run)
                    results[place] = Result(await self._changed(item, dry_run=dry_run))
            except Refusal as refusal:
                results[place] = Result(Outcome.REFUSED, refusal)
        await self._create(waiting, results, dry_run=dry_run)
        outcomes = [results[place].outcome for place in range(len(items))]
        log.info("batch_done", dry_run=dry_run, items=len(items), refused=outcomes.count(Outcome.REFUSED))
        return [results[place] for place in range(len(items))]

    async def _create(
        self, waiting: dict[int, NewSubscriber], results: dict[int, Result], *, dry_run: bool
    ) -> None:
        """Empties ``waiting``.  Of a number that stands there twice, the first counts."""
        if not waiting:
            return
        first = {new.msisdn: place for place, new in reversed(waiting.items())}
        new = [waiting[place] for place in sorted(first.values())]
        added = set(await self._bulk.add(new, dry_run=dry_run))
        for place, one in waiting.items():
            if one.msisdn in added:
                results[place] = Result(Outcome.CREATED if first[one.msisdn] == place else Outcome.KNOWN)
            else:
                refusal = await self._bulk.why_not(one)
                results[place] = Result(Outcome.REFUSED if refusal else Outcome.KNOWN, refusal)
        waiting.clear()

    async def _changed(self, item: Item, *, dry_run: bool) -> Outcome:
        before = await self._provisioning.own(item.msisdn)
        if item.verb is Verb.DELETE:
            if not dry_run:
                await self._provisioning.remove(item.msisdn)
            return Outcome.DELETED
        options = item.options(before.client)
        if dry_run:
            await self._bulk.check(before, options, item.standing)
        else:
            await self._bulk.bring(item.msisdn, options, item.standing, reason=item.reason)
        return Outcome.UPDATED
