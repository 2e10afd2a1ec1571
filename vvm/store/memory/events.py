# SPDX-License-Identifier: Apache-2.0
"""The event feed and its webhooks in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import msgspec

from vvm.domain.errors import BadCursor, TooManyWebhooks
from vvm.domain.event import Event, EventKind
from vvm.domain.numbers import Msisdn
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import MailboxId
from vvm.store.events import BEGINNING, NewWebhook, Parked, Round, Webhook
from vvm.store.port import Audited

_OF_SUBSCRIBER: Mapping[str, EventKind] = {
    Trigger.CREATED: EventKind.SUBSCRIBER_CREATED,
    Trigger.REMOVED: EventKind.SUBSCRIBER_REMOVED,
}


class MemoryEvents:
    """vvm.store.events.EventStore and WebhookStore; the other views record into it."""

    def __init__(self) -> None:
        self.owners: dict[MailboxId, Msisdn] = {}
        """Of mailboxes: whose messages those are."""
        self._events: list[Event] = []
        self._numbers = count(1)
        self._last = 0
        self._webhooks: dict[int, Webhook] = {}
        self._webhook_ids = count(1)
        self._parked: dict[int, Parked] = {}
        self._parked_ids = count(1)

    def message(self, mailbox: MailboxId, kind: EventKind, **fields: object) -> None:
        """Record what happened to a message, as part of the method that did it."""
        self.add(self.owners[mailbox], kind, **fields)

    def transition(self, entry: Audited) -> None:
        kind = _OF_SUBSCRIBER.get(entry.trigger, EventKind.SUBSCRIBER_CHANGED)
        self.add(
            entry.msisdn,
            kind,
            trigger=str(entry.trigger),
            before=entry.before or "",
            after=entry.after or "",
        )

    def add(self, msisdn: Msisdn, kind: EventKind, **fields: object) -> None:
        said = {name: value for name, value in fields.items() if value is not None}
        self._last = next(self._numbers)
        cursor = str(self._last)
        event = Event(cursor=cursor, at=datetime.now(UTC), msisdn=msisdn, kind=kind)
        self._events.append(msgspec.structs.replace(event, **said))

    async def page(
        self,
        after: str,
        *,
        limit: int,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Event]:
        place = _place(after)
        found = (
            event
            for event in self._events
            if int(event.cursor) > place
            and (not kinds or event.kind in kinds)
            and (msisdn is None or event.msisdn == msisdn)
            and (since is None or event.at >= since)
            and (until is None or event.at < until)
        )
        return list(islice(found, limit))

    async def newest(self) -> str:
        return self._events[-1].cursor if self._events else BEGINNING

    async def reaches(self, cursor: str) -> bool:
        return _place(cursor) <= self._last

    async def forget_events(self, *, before: datetime, limit: int) -> int:
        going = [event for event in self._events[:limit] if event.at < before]
        self._events = self._events[len(going) :]
        return len(going)

    async def add_webhook(self, new: NewWebhook, *, most: int) -> Webhook:
        _place(new.cursor)
        if len(self._webhooks) >= most:
            raise TooManyWebhooks(limit=most)
        number = next(self._webhook_ids)
        self._webhooks[number] = Webhook(id=number, due_at=new.created_at, **msgspec.structs.asdict(new))
        return self._webhooks[number]

    async def webhooks(self) -> Sequence[Webhook]:
        return list(self._webhooks.values())

    async def set_webhook(
        self,
        webhook: int,
        *,
        now: datetime,
        url: str | None = None,
        kinds: tuple[EventKind, ...] | None = None,
        secret_sealed: bytes | None = None,
        paused: bool | None = None,
        cursor: str | None = None,
        as_read: Webhook | None = None,
    ) -> Webhook | None:
        if cursor is not None:
            _place(cursor)
        if webhook not in self._webhooks:
            return None
        self._webhooks[webhook].require(as_read)
        said = {
            "url": url,
            "kinds": kinds,
            "secret_sealed": secret_sealed,
            "paused": paused,
            "cursor": cursor,
        }
        changes = {name: value for name, value in said.items() if value is not None}
        changed = msgspec.structs.replace(self._webhooks[webhook], failures=0, due_at=now, **changes)
        self._webhooks[webhook] = changed
        if cursor is not None:
            self._drop_parked(webhook)
        return changed

    async def remove_webhook(self, webhook: int, *, as_read: Webhook | None = None) -> bool:
        if webhook not in self._webhooks:
            return False
        self._webhooks[webhook].require(as_read)
        self._drop_parked(webhook)
        del self._webhooks[webhook]
        return True

    async def take_webhook(self, *, now: datetime, lease: timedelta) -> Webhook | None:
        newest = int(await self.newest() or 0)
        due = [
            webhook
            for webhook in self._webhooks.values()
            if not webhook.paused
            and webhook.due_at <= now
            and (int(webhook.cursor or 0) < newest or await self.parked(webhook.id, now=now, limit=1))
        ]
        if not due:
            return None
        first = min(due, key=lambda webhook: webhook.due_at)
        taken = self._webhooks[first.id] = msgspec.structs.replace(first, due_at=now + lease)
        return taken

    async def settle_webhook(self, taken: Webhook, outcome: Round) -> None:
        found = self._webhooks.get(taken.id)
        if found is None or found.due_at != taken.due_at:
            return
        self._webhooks[taken.id] = msgspec.structs.replace(
            found,
            cursor=outcome.cursor,
            failures=outcome.failures,
            due_at=outcome.due_at,
            paused=found.paused or outcome.pause,
        )
        for event, due_at, error in outcome.park:
            number = next(self._parked_ids)
            self._parked[number] = Parked(
                id=number, webhook=taken.id, event=event, attempts=1, due_at=due_at, error=error
            )
        for number in outcome.delivered:
            self._parked.pop(number, None)
        for number, due_at, error in outcome.again:
            if (one := self._parked.get(number)) is not None:
                again = msgspec.structs.replace(one, attempts=one.attempts + 1, due_at=due_at, error=error)
                self._parked[number] = again

    async def parked(self, webhook: int, *, now: datetime, limit: int) -> Sequence[Parked]:
        oldest: dict[Msisdn, Parked] = {}
        for one in self._of(webhook):
            if one.due_at is not None:
                oldest.setdefault(one.event.msisdn, one)
        due = [(one.due_at, one.id, one) for one in oldest.values() if one.due_at and one.due_at <= now]
        return [one for _, _, one in sorted(due)[:limit]]

    async def parked_subscribers(self, webhook: int, among: Collection[Msisdn]) -> Collection[Msisdn]:
        waiting = {one.event.msisdn for one in self._of(webhook) if one.due_at is not None}
        return waiting & set(among)

    async def dead_events(
        self,
        webhook: int,
        *,
        after: int,
        limit: int,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
    ) -> Sequence[Parked]:
        dead = (
            one
            for one in self._of(webhook)
            if one.due_at is None
            and one.id > after
            and (not kinds or one.event.kind in kinds)
            and msisdn in {None, one.event.msisdn}
        )
        return list(islice(dead, limit))

    async def revive(self, webhook: int, parked: int, *, now: datetime) -> bool:
        one = self._parked.get(parked)
        if one is None or one.webhook != webhook or one.due_at is not None:
            return False
        self._parked[parked] = msgspec.structs.replace(one, due_at=now, attempts=0)
        return True

    def _of(self, webhook: int) -> list[Parked]:
        return [one for one in self._parked.values() if one.webhook == webhook]

    def _drop_parked(self, webhook: int) -> None:
        for one in self._of(webhook):
            del self._parked[one.id]


def _place(cursor: str) -> int:
    """Raises BadCursor."""
    if cursor == BEGINNING:
        return 0
    if not (cursor.isascii() and cursor.isdigit()):
        raise BadCursor
    return int(cursor)
