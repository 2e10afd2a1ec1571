# SPDX-License-Identifier: Apache-2.0
"""The NumberStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from vvm.domain.errors import IsAlias, SubscriberExists, TooManyAliases, UnknownAlias, UnknownSubscriber
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Subscriber, SubscriberId
from vvm.store.memory.outbox import MemoryOutbox
from vvm.store.memory.subscribers import MemorySubscribers
from vvm.store.numbers import Renumbering, no_more_by_alias
from vvm.store.port import Audited


class MemoryNumbers:
    def __init__(self, subscribers: MemorySubscribers, outbox: MemoryOutbox) -> None:
        self._subscribers = subscribers
        self._outbox = outbox

    async def aliases(self, subscriber: SubscriberId) -> Sequence[Msisdn]:
        return sorted(alias for alias, owner in self._subscribers.aliases.items() if owner == subscriber)

    async def aliases_of(
        self, subscribers: Collection[SubscriberId]
    ) -> Mapping[SubscriberId, Sequence[Msisdn]]:
        owners = set(self._subscribers.aliases.values()).intersection(subscribers)
        return {owner: await self.aliases(owner) for owner in owners}

    async def add_alias(
        self, msisdn: Msisdn, alias: Msisdn, *, most: int, at: datetime, reason: str = ""
    ) -> bool:
        owner = await self._owner(msisdn)
        known = await self.aliases(owner.id)
        if alias in known:
            return False
        self._subscribers.require_free(alias, at=at, subscriber=owner.id)
        if len(known) >= most:
            raise TooManyAliases(most=most)
        if await self._subscribers.by_msisdn(alias) is not None:
            raise SubscriberExists
        self._subscribers.aliases[alias] = owner.id
        self._subscribers.old_numbers.pop(alias, None)
        self._note(owner, at, Trigger.ALIAS_ADDED, f"{alias} {reason}")
        return True

    async def remove_alias(self, msisdn: Msisdn, alias: Msisdn, *, at: datetime, reason: str = "") -> None:
        owner = await self._owner(msisdn)
        if self._subscribers.aliases.get(alias) != owner.id:
            raise UnknownAlias
        if owner.handset == alias:
            await self._subscribers.change(msisdn, no_more_by_alias(owner, at=at))
        del self._subscribers.aliases[alias]
        self._note(owner, at, Trigger.ALIAS_REMOVED, f"{alias} {reason}")

    async def renumber(
        self, msisdn: Msisdn, renumbering: Renumbering, owed: Sequence[Owed] = ()
    ) -> Subscriber:
        before = await self._owner(msisdn)
        if before.msisdn != msisdn:
            raise IsAlias
        new, change = renumbering.msisdn, renumbering.change
        self._subscribers.require_free(new, at=change.changed_at, subscriber=before.id)
        holders = [
            await self._subscribers.by_msisdn(new),
            await self._subscribers.by_imap_user(renumbering.imap_user),
        ]
        if any(holder is not None and holder.id != before.id for holder in holders):
            raise SubscriberExists
        moved = await self._subscribers.change(msisdn, change, owed)
        self._subscribers.aliases.pop(new, None)
        self._subscribers.old_numbers.pop(new, None)
        after = msgspec.structs.replace(moved, msisdn=new, imap_user=renumbering.imap_user)
        self._subscribers.renumber(moved, after)
        if renumbering.quarantine_until is not None:
            self._subscribers.old_numbers[msisdn] = before.id, renumbering.quarantine_until
        why = change.trigger, before.status, after.status, change.reason
        self._subscribers.note(Audited(new, change.changed_at, *why))
        return after

    async def formerly(self, msisdn: Msisdn, *, now: datetime) -> Subscriber | None:
        former, until = self._subscribers.old_numbers.get(msisdn, (None, now))
        return await self._subscribers.by_id(former) if former is not None and until > now else None

    async def end_quarantines(self, *, now: datetime, limit: int) -> int:
        old = self._subscribers.old_numbers
        over = sorted((until, number) for number, (_, until) in old.items() if until <= now)[:limit]
        for _, number in over:
            del old[number]
        return len(over)

    def _note(self, owner: Subscriber, at: datetime, trigger: Trigger, reason: str) -> None:
        entry = Audited(owner.msisdn, at, trigger, owner.status, owner.status, reason.strip())
        self._subscribers.note(entry)

    async def _owner(self, msisdn: Msisdn) -> Subscriber:
        owner = await self._subscribers.by_msisdn(msisdn)
        if owner is None:
            raise UnknownSubscriber
        return owner
