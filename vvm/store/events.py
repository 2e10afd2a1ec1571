# SPDX-License-Identifier: Apache-2.0
"""What the services ask of the event feed and of the webhooks that it is delivered to.

An event is written in the transaction of its fact, by whatever method of whatever store commits
that: the journal, the audit and the outbox bring it with them (docs/adr/0014-events.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from vvm.domain.errors import PreconditionFailed
from vvm.domain.event import Event, EventKind
from vvm.domain.numbers import Msisdn

SLACK = timedelta(minutes=1)
"""By how much events may be out of the order of their moments: in a long transaction, say."""
BEGINNING = ""
"""The cursor before the oldest event that is still kept."""


class EventStore(Protocol):
    """Events in an order in which nothing appears later before a cursor that was handed out."""

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
        """The next events behind a cursor, of all kinds when none is named, ``since`` then, before ``until``.

        Those of one subscriber stand in the order of their commits.  Raises BadCursor.
        """
        ...

    async def newest(self) -> str:
        """The cursor of the newest event; BEGINNING when there is none."""
        ...

    async def reaches(self, cursor: str) -> bool:
        """Whether events have come as far as this cursor: behind any other one nothing would be missed yet.

        Also when they are all forgotten by now.  Raises BadCursor.
        """
        ...

    async def forget_events(self, *, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` of the oldest, written before that; how many went."""
        ...


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where events are posted to."""

    id: int
    url: str
    kinds: tuple[EventKind, ...]
    """Empty: all of them."""
    secret_sealed: bytes
    """Signs every request (services.credentials)."""
    cursor: str
    """Everything up to it was delivered, parked or not wanted."""
    created_at: datetime
    paused: bool = False
    failures: int = 0
    """Rounds in a row in which nothing was accepted."""
    due_at: datetime
    """Not before then; a lease moves it to the lease's end."""

    @property
    def terms(self) -> tuple[object, ...]:
        """What somebody set, and not how far it is."""
        return self.id, self.url, self.kinds, self.paused, self.secret_sealed

    def require(self, as_read: Webhook | None) -> None:
        """Raises PreconditionFailed unless it is set as it was read; None: that does not matter."""
        if as_read is not None and as_read.terms != self.terms:
            raise PreconditionFailed


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    kinds: tuple[EventKind, ...]
    secret_sealed: bytes
    cursor: str
    created_at: datetime


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """One event that an endpoint did not accept while it accepted others."""

    id: int
    webhook: int
    event: Event
    attempts: int
    due_at: datetime | None
    """None: a dead letter, which waits for an operator."""
    error: str


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn with a webhook came to."""

    cursor: str
    failures: int
    due_at: datetime
    park: tuple[tuple[Event, datetime | None, str], ...] = ()
    """Events with their next try (None: dead) and what was wrong."""
    delivered: tuple[int, ...] = ()
    """Parked ones that are through."""
    again: tuple[tuple[int, datetime | None, str], ...] = ()
    """Parked ones that are not."""
    pause: bool = False


class WebhookStore(Protocol):
    async def add_webhook(self, new: NewWebhook, *, most: int) -> Webhook:
        """Raises TooManyWebhooks when there are ``most`` already."""
        ...

    async def webhooks(self) -> Sequence[Webhook]:
        """All of them, oldest first."""
        ...

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
        """Change what is not None, and have it due at once.  A new cursor also drops what is parked.

        None: no such webhook.  Raises BadCursor; PreconditionFailed where it is not set as in ``as_read``.
        """
        ...

    async def remove_webhook(self, webhook: int, *, as_read: Webhook | None = None) -> bool:
        """False: no such webhook.  Raises PreconditionFailed where it is not set as in ``as_read``."""
        ...

    async def take_webhook(self, *, now: datetime, lease: timedelta) -> Webhook | None:
        """The one that has been due longest and has something to do, for one worker, until the lease ends."""
        ...

    async def settle_webhook(self, taken: Webhook, outcome: Round) -> None:
        """Write down a round.  Nothing happens when the lease was lost or the webhook is gone."""
        ...

    async def parked(self, webhook: int, *, now: datetime, limit: int) -> Sequence[Parked]:
        """Those whose time has come, only the oldest of each subscriber, longest due first."""
        ...

    async def parked_subscribers(self, webhook: int, among: Collection[Msisdn]) -> Collection[Msisdn]:
        """Of these, who has something parked that is tried again: what follows waits behind it."""
        ...

    async def dead_events(
        self,
        webhook: int,
        *,
        after: int,
        limit: int,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
    ) -> Sequence[Parked]:
        """Dead letters in the order of their numbers, of all kinds when none is named."""
        ...

    async def revive(self, webhook: int, parked: int, *, now: datetime) -> bool:
        """Try a dead letter again.  False: there is none of that number."""
        ...
