# SPDX-License-Identifier: Apache-2.0
"""Brings events to webhooks: signed, in the order of each subscriber, at least once.

A turn with a webhook posts a page of events.  Those of one subscriber go one after another, different
subscribers side by side.  Who is at fault when one is not accepted?

* Nothing of the page was accepted: the endpoint.  The cursor stays, the webhook waits longer each time.
* Others were: the event.  It is parked and tried again, what follows for its subscriber is parked behind
  it, and the cursor goes on.  After the last try, or a refusal that repeating cannot change, it is a dead
  letter.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import Outage
from vvm.domain.event import Event
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.services.credentials import Keyring
from vvm.services.settings import WebhookSettings
from vvm.services.webhooks import opened
from vvm.store.events import EventStore, Parked, Round, Webhook, WebhookStore

log = structlog.get_logger(__name__)

_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=10)
_DOUBLINGS = 12


class Verdict(Enum):
    """What an endpoint's answer means."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    REFUSED = "refused"
    """Repeating will not change it."""
    GONE = "gone"
    """410: the endpoint wants no more of anything."""


class Answer(msgspec.Struct, frozen=True):
    verdict: Verdict
    error: str = ""
    """For the operator: a status or the kind of failure, nothing of the body."""


class Post(Protocol):
    """The HTTP client: one POST, bounded in time, no redirects."""

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...


class WebhookMetrics(Protocol):
    def posted(self, verdict: Verdict) -> None: ...


def signature(secret: Secret, event: str, timestamp: int, body: bytes) -> str:
    """Standard Webhooks 1.0, "Signature scheme": HMAC-SHA256 over id, timestamp and body."""
    key = base64.b64decode(secret.reveal().removeprefix("whsec_"))
    digest = hmac.new(key, b"%s.%d.%s" % (event.encode(), timestamp, body), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class WebhookDelivery:
    """One worker; any number of them, on any number of nodes, share the webhooks by leases."""

    def __init__(
        self,
        webhooks: WebhookStore,
        events: EventStore,
        keyring: Keyring,
        post: Post,
        *,
        clock: Clock,
        settings: WebhookSettings,
        metrics: WebhookMetrics,
    ) -> None:
        self._webhooks = webhooks
        self._events = events
        self._keyring = keyring
        self._post = post
        self._clock = clock
        self._settings = settings
        self._metrics = metrics
        self._lease = timedelta(seconds=settings.lease_seconds)

    async def drain(self) -> bool:
        """One turn with the webhook that has been due longest.  False: none has anything to do."""
        webhook = await self._webhooks.take_webhook(now=self._clock.now(), lease=self._lease)
        if webhook is None:
            return False
        secret = opened(self._keyring, webhook)
        try:
            outcome = await self._turn(webhook, secret)
        except asyncio.CancelledError:
            await self._give_back(webhook)
            raise
        await self._webhooks.settle_webhook(webhook, outcome)
        return True

    async def _give_back(self, webhook: Webhook) -> None:
        """For another node to go on with at once; what was posted in this turn is posted again."""
        again = Round(cursor=webhook.cursor, failures=webhook.failures, due_at=self._clock.now())
        with suppress(Outage):  # then its lease ends by itself
            await self._webhooks.settle_webhook(webhook, again)

    async def _turn(self, webhook: Webhook, secret: Secret) -> Round:
        waiting = await self._webhooks.parked(webhook.id, now=self._clock.now(), limit=self._settings.page)
        page = await self._events.page(webhook.cursor, limit=self._settings.page)
        wanted = [event for event in page if not webhook.kinds or event.kind in webhook.kinds]
        behind = await self._webhooks.parked_subscribers(webhook.id, {event.msisdn for event in wanted})
        free = [event for event in wanted if event.msisdn not in behind]
        told = await self._tell_all(
            webhook, secret, [*_by_subscriber(free), *([one.event] for one in waiting)]
        )
        now = self._clock.now()
        if told and not any(answer.verdict is Verdict.ACCEPTED for answer in told.values()):
            failures = webhook.failures + 1
            gone = any(answer.verdict is Verdict.GONE for answer in told.values())
            refused = all(answer.verdict is Verdict.REFUSED for answer in told.values())
            if not refused:
                log.warning(
                    "webhook_fails",
                    webhook=webhook.id,
                    rounds=failures,
                    error=_each(answer.error for answer in told.values()),
                    paused=gone,
                )
                return Round(
                    cursor=webhook.cursor, failures=failures, due_at=now + _wait(failures), pause=gone
                )
        park = tuple(self._parked(wanted, told, now))
        again = tuple(self._again(waiting, told, now))
        if dead := [error for _, due_at, error in (*park, *again) if due_at is None]:
            log.warning("webhook_events_dead", webhook=webhook.id, count=len(dead), error=_each(dead))
        return Round(
            cursor=page[-1].cursor if page else webhook.cursor,
            failures=0,
            due_at=now,
            park=park,
            delivered=tuple(one.id for one in waiting if told[one.event.cursor].verdict is Verdict.ACCEPTED),
            again=again,
        )

    def _parked(
        self, wanted: Iterable[Event], told: Mapping[str, Answer], now: datetime
    ) -> Iterable[tuple[Event, datetime | None, str]]:
        """Those that were not accepted, and those whose turn had not come behind one."""
        for event in wanted:
            answer = told.get(event.cursor)
            if answer is None:
                yield event, now, "waits behind another event of its subscriber"
            elif answer.verdict is Verdict.REFUSED:
                yield event, None, answer.error
            elif answer.verdict is not Verdict.ACCEPTED:
                yield event, now + _wait(1), answer.error

    def _again(
        self, waiting: Sequence[Parked], told: Mapping[str, Answer], now: datetime
    ) -> Iterable[tuple[int, datetime | None, str]]:
        for one in waiting:
            answer = told[one.event.cursor]
            if answer.verdict is Verdict.ACCEPTED:
                continue
            last = answer.verdict is Verdict.REFUSED or one.attempts + 1 >= self._settings.max_attempts
            yield one.id, None if last else now + _wait(one.attempts + 1), answer.error

    async def _tell_all(
        self, webhook: Webhook, secret: Secret, lines: Sequence[Sequence[Event]]
    ) -> dict[str, Answer]:
        """Post every line, some of them side by side; the answers by cursor.

        A line ends at the first event that has to be tried again, or when the turn has lasted long
        enough: what follows has no answer.
        """
        told: dict[str, Answer] = {}
        enough = self._clock.now() + self._lease / 2
        places = asyncio.Semaphore(self._settings.parallel)

        async def tell(line: Sequence[Event]) -> None:
            for event in line:
                async with places:
                    answer = told[event.cursor] = await self._tell(webhook, secret, event)
                late = self._clock.now() > enough  # a turn has to end within its lease
                if late or answer.verdict in {Verdict.RETRY, Verdict.GONE}:
                    return

        async with asyncio.TaskGroup() as group:
            for line in lines:
                group.create_task(tell(line))
        return told

    async def _tell(self, webhook: Webhook, secret: Secret, event: Event) -> Answer:
        body = msgspec.json.encode(event)
        timestamp = int(self._clock.now().timestamp())
        name = f"{webhook.id}-{event.cursor}"
        answer = await self._post(
            webhook.url,
            body,
            {
                "Content-Type": "application/json",
                "Webhook-Id": name,
                "Webhook-Timestamp": str(timestamp),
                "Webhook-Signature": signature(secret, name, timestamp, body),
            },
        )
        self._metrics.posted(answer.verdict)
        return answer


def _each(errors: Iterable[str]) -> str:
    """Every one once, for a log line."""
    return ", ".join(sorted(set(errors) - {""}))


def _by_subscriber(events: Iterable[Event]) -> Iterable[list[Event]]:
    lines: dict[Msisdn, list[Event]] = {}
    for event in events:
        lines.setdefault(event.msisdn, []).append(event)
    return lines.values()


def _wait(failures: int) -> timedelta:
    """Doubles with every failure, with a jitter, so that endpoints that come back are not stormed."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(failures - 1, _DOUBLINGS)))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - a jitter is no secret
