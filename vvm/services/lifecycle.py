# SPDX-License-Identifier: Apache-2.0
"""What happens to a subscriber between its creation and its end, beside what its client does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from vvm.domain import provisioning as rules
from vvm.domain.clock import Clock
from vvm.domain.errors import (
    InvalidTransition,
    PreconditionFailed,
    StatusMoved,
    SubscriberClosed,
    SubscriberExists,
    SubscriberHeld,
    UnknownSubscriber,
)
from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Closing, ProvisioningStatus, Subscriber
from vvm.services.credentials import Keyring
from vvm.services.owing import Owing
from vvm.services.own_number import by_own_number
from vvm.services.settings import ServiceSettings
from vvm.store.port import Hints, NumberStore, OutboxStore, Renumbering, SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)


class Lifecycle:
    """Every step is in the audit, with the reason that an operator gave.

    Each takes the subscriber's own number, and raises UnknownSubscriber, or IsAlias for a further one.
    """

    def __init__(
        self,
        subscribers: SubscriberStore,
        numbers: NumberStore,
        outbox: OutboxStore,
        hints: Hints,
        keyring: Keyring,
        *,
        clock: Clock,
        service: ServiceSettings,
        owing: Owing,
    ) -> None:
        self._subscribers = subscribers
        self._numbers = numbers
        self._outbox = outbox
        self._hints = hints
        self._keyring = keyring
        self._clock = clock
        self._service = service
        self._owing = owing

    async def hold(self, msisdn: Msisdn, *, reason: str, decided_at: datetime | None = None) -> Subscriber:
        """From now on nothing of the mailbox is lost, whoever deletes it; may be repeated.

        The subscriber notices nothing.  Raises PreconditionFailed when its last change
        was not at ``decided_at``, as the next three.
        """
        return await self._hold(msisdn, Trigger.HELD, held=True, reason=reason, decided_at=decided_at)

    async def release(self, msisdn: Msisdn, *, reason: str, decided_at: datetime | None = None) -> Subscriber:
        """Lift the hold; what was only kept by it goes with the next purge."""
        return await self._hold(msisdn, Trigger.RELEASED, held=False, reason=reason, decided_at=decided_at)

    async def close(
        self,
        msisdn: Msisdn,
        *,
        reason: str,
        at: datetime | None = None,
        decided_at: datetime | None = None,
    ) -> Subscriber:
        """The mailbox takes no message and lets nobody in, and goes ``at`` then, or when the grace is over.

        Its client is told that it is unknown.  May be repeated: the first end stands where none is
        named.
        """
        grace = timedelta(days=self._service.close_grace_days)
        while True:
            before = await self._subscriber(msisdn)
            now = self._clock.now()
            if before.closing is not None:
                if at in {None, before.closing.at}:
                    return before
                return await self._end(before, msgspec.structs.replace(before.closing, at=at), reason)
            change = SubscriberChange(
                changed_at=now,
                decided_on=before.status,
                decided_at=decided_at,
                status=ProvisioningStatus.UNKNOWN,
                closing=Closing(at=at or now + grace, before=before.status),
                trigger=Trigger.CLOSED,
                reason=reason,
            )
            owed = [self._owing.status(before)] if before.status.active else []
            try:
                after = await self._subscribers.change(msisdn, change, owed)
            except (StatusMoved, SubscriberClosed):
                continue
            break
        self._moved(after)
        log.info("subscriber_closed", msisdn=after.msisdn)
        return after

    async def block_closed(self, msisdn: Msisdn, *, blocked: bool, reason: str) -> Subscriber:
        """Say whether a closed subscriber would be blocked if it were opened again; any other stays as it is.

        Raises PreconditionFailed.
        """
        before = await self._subscriber(msisdn)
        if before.closing is None:
            return before
        status = rules.blocked(before.closing.before) if blocked else rules.unblocked(before.closing.before)
        return await self._end(before, msgspec.structs.replace(before.closing, before=status), reason)

    async def reopen(self, msisdn: Msisdn, *, reason: str, decided_at: datetime | None = None) -> Subscriber:
        """Everything is as it was before ``close``, and an active client is told so.

        Who is not closed stays as it is.
        """
        while True:
            before = await self._subscriber(msisdn)
            if before.closing is None:
                return before
            change = SubscriberChange(
                changed_at=self._clock.now(),
                decided_at=decided_at or before.changed_at,
                status=before.closing.before,
                reopened=True,
                trigger=Trigger.REOPENED,
                reason=reason,
            )
            owed = [self._owing.status(before)] if before.closing.before.active else []
            try:
                after = await self._subscribers.change(msisdn, change, owed)
            except PreconditionFailed:
                if decided_at is not None:
                    raise
                continue
            break
        self._moved(after)
        log.info("subscriber_reopened", msisdn=after.msisdn)
        return after

    async def remove_closed(self, *, before: datetime, limit: int) -> int:
        """Remove for ever those whose grace was over then; how many they were."""
        removed = 0
        for subscriber in await self._subscribers.closed(now=before, limit=limit):
            try:
                await self._subscribers.remove(
                    subscriber.msisdn,
                    at=self._clock.now(),
                    reason="closed",
                    decided_at=subscriber.changed_at,
                )
            except (PreconditionFailed, SubscriberHeld, UnknownSubscriber) as moved:
                log.info("closed_subscriber_stays", msisdn=subscriber.msisdn, reason=moved.code)
                continue
            self._hints.mailbox(subscriber.mailbox)
            removed += 1
            log.info("subscriber_removed", msisdn=subscriber.msisdn)
        return removed

    async def renumber(
        self, msisdn: Msisdn, new: Msisdn, *, reason: str, request: bytes | None = None
    ) -> Subscriber:
        """Another number for the same mailbox.

        Its own login has another name and password, its sessions end, and its client has to activate
        again, as the STATUS to the new number says.  Devices keep their logins.  What is owed to the
        number that it leaves goes to the new one.  ``request`` names the request: repeated, it finds whom
        it gave the number.  Raises SubscriberExists, NumberQuarantined.
        """
        if new == msisdn:
            raise SubscriberExists
        if request is not None:
            moved = await self._subscribers.by_msisdn(new)
            if moved is not None and self._keyring.minted_for(request, moved):
                return moved
        imap_user = self._service.imap_user(new)
        days = self._service.quarantine_days
        while True:
            before = await self._subscriber(msisdn)
            change = self._new_client(before, imap_user, Trigger.RENUMBERED, reason, request)
            until = change.changed_at + timedelta(days=days) if days else None
            owed = [msgspec.structs.replace(status, recipient=new) for status in self._told(before)]
            try:
                after = await self._numbers.renumber(msisdn, Renumbering(new, imap_user, change, until), owed)
            except StatusMoved:
                continue  # activated, say, in this very moment: decide again
            break
        await self._outbox.hasten(msisdn, now=self._clock.now())
        self._moved(after)
        log.info("subscriber_renumbered", msisdn=msisdn, new=new)
        return after

    async def swap_sim(self, msisdn: Msisdn, *, reason: str, request: bytes | None = None) -> Subscriber:
        """Another SIM for the same number: whoever has the old one is out at once.

        The password of its own login is new and the old one ends, without any grace; its sessions end,
        and the client in the new SIM's phone has to activate, as STATUS says.  ``request`` names the
        request: repeated, it changes nothing while the password that it made is there.
        """
        while True:
            before = await self._subscriber(msisdn)
            if self._keyring.minted_for(request, before):
                return before
            change = self._new_client(before, before.imap_user, Trigger.SIM_SWAPPED, reason, request)
            try:
                after = await self._subscribers.change(msisdn, change, self._told(before))
            except StatusMoved:
                continue
            break
        self._moved(after)
        log.info("sim_swapped", msisdn=after.msisdn)
        return after

    async def aliases(self, msisdn: Msisdn) -> Sequence[Msisdn]:
        """Whichever of its numbers is given.  Raises UnknownSubscriber."""
        subscriber = await self._subscribers.by_msisdn(msisdn)
        if subscriber is None:
            raise UnknownSubscriber
        return await self._numbers.aliases(subscriber.id)

    async def add_alias(self, msisdn: Msisdn, alias: Msisdn) -> bool:
        """A second number for the mailbox; False when it had it.

        Raises SubscriberExists, NumberQuarantined, TooManyAliases.
        """
        await self._subscriber(msisdn)
        added = await self._numbers.add_alias(
            msisdn, alias, most=self._service.most_aliases, at=self._clock.now()
        )
        if added:
            log.info("alias_added", msisdn=msisdn, alias=alias)
        return added

    async def remove_alias(self, msisdn: Msisdn, alias: Msisdn) -> None:
        """Raises UnknownAlias."""
        await self._subscriber(msisdn)
        await self._numbers.remove_alias(msisdn, alias, at=self._clock.now())
        log.info("alias_removed", msisdn=msisdn, alias=alias)

    def _new_client(
        self, before: Subscriber, imap_user: str, trigger: Trigger, reason: str, request: bytes | None
    ) -> SubscriberChange:
        """Whatever its client knows is worth nothing any more."""
        minted = self._keyring.mint_for(request, imap_user, replaced=before.password_check)
        now = self._clock.now()
        return SubscriberChange(
            changed_at=now,
            decided_on=before.status,
            status=_without_client(before.status),
            client=msgspec.structs.replace(before.client, number=""),
            password_check=minted.check,
            password_sealed=minted.sealed,
            previous_check=before.password_check,
            previous_until=now,
            trigger=trigger,
            reason=reason,
        )

    def _told(self, before: Subscriber) -> list[Owed]:
        if not before.status.active:
            return []
        own = msgspec.structs.replace(before.client, number="")
        return [self._owing.status(msgspec.structs.replace(before, client=own))]

    def _moved(self, subscriber: Subscriber) -> None:
        self._hints.mailbox(subscriber.mailbox)
        self._hints.outbox()

    async def _end(self, before: Subscriber, closing: Closing, reason: str) -> Subscriber:
        change = SubscriberChange(
            changed_at=self._clock.now(),
            decided_at=before.changed_at,
            closing=closing,
            reason=reason,
            itemized=True,
        )
        return await self._subscribers.change(before.msisdn, change)

    async def _hold(
        self, msisdn: Msisdn, trigger: Trigger, *, held: bool, reason: str, decided_at: datetime | None
    ) -> Subscriber:
        await self._subscriber(msisdn)
        change = SubscriberChange(
            changed_at=self._clock.now(), decided_at=decided_at, held=held, trigger=trigger, reason=reason
        )
        after = await self._subscribers.change(msisdn, change)
        log.info("subscriber_held" if held else "subscriber_released", msisdn=after.msisdn)
        return after

    async def _subscriber(self, msisdn: Msisdn) -> Subscriber:
        return await by_own_number(self._subscribers, msisdn)


def _without_client(status: ProvisioningStatus) -> ProvisioningStatus:
    """Deactivated, and as it was where it was not active."""
    try:
        return rules.deactivated(status)
    except InvalidTransition:
        return status
