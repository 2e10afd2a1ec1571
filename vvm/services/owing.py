# SPDX-License-Identifier: Apache-2.0
"""Makes the notifications that use cases owe: one place for how long they live and how far apart they are."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from vvm.domain.clock import Clock
from vvm.domain.notification import Cause, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import Subscriber
from vvm.omtp.status import ReturnCode
from vvm.services.settings import NotificationSettings


class Owing:
    """Writes nothing: the use case owes what it gets here in the transaction of its own effect."""

    def __init__(self, clock: Clock, settings: NotificationSettings) -> None:
        self._clock = clock
        self._sync_life = timedelta(hours=settings.sync_hours)
        self._status_life = timedelta(minutes=settings.status_minutes)
        self._debounce = timedelta(seconds=settings.debounce_seconds)
        self._reply_spacing = timedelta(seconds=settings.status_spacing_seconds)

    def new_message(self, subscriber: Subscriber) -> Owed:
        """For a deposit; the store adds the UID."""
        return self._sync(subscriber, Cause.NEW_MESSAGE)

    def mailbox_update(self, subscriber: Subscriber) -> Owed:
        """For a change that no client of the subscriber made: an operator's, an expiry, the TUI's."""
        return self._sync(subscriber, Cause.MAILBOX_UPDATE)

    def greeting_update(self, subscriber: Subscriber) -> Owed:
        """For a greeting that somebody else than the subscriber's phone changed."""
        return self._sync(subscriber, Cause.GREETING_UPDATE)

    def nearly_full(self, subscriber: Subscriber) -> Owed:
        """For the person: the mailbox came to the percentage of its class of service."""
        return self._sync(subscriber, Cause.NEARLY_FULL)

    def expiry(self, subscriber: Subscriber) -> Owed:
        """For the person: some messages expire soon."""
        return self._sync(subscriber, Cause.EXPIRY)

    def status(self, subscriber: Subscriber) -> Owed:
        """Unasked, because something changed that the client must know (OMTP 1.3 2.9.1)."""
        return self._status(subscriber.handset, subscriber, ReturnCode.SUCCESS, timedelta())

    def again(self, subscriber: Subscriber, cause: Cause) -> Owed:
        """For who wants it told once more, whatever has happened."""
        return self.status(subscriber) if cause is Cause.STATUS else self._sync(subscriber, cause)

    def reply(self, recipient: Msisdn, subscriber: Subscriber | None, return_code: ReturnCode) -> Owed:
        """The STATUS that answers a client's SMS.

        Whoever asks faster than ``status_spacing_seconds`` gets one answer to all its questions.
        """
        return self._status(recipient, subscriber, return_code, self._reply_spacing)

    def code(self, subscriber: Subscriber, *, expires_at: datetime) -> Owed:
        """The SMS that tells a one-time code, which is worth nothing once the code has expired."""
        return Owed(
            recipient=subscriber.msisdn,
            subscriber=subscriber.id,
            cause=Cause.CODE,
            due_at=self._clock.now(),
            expires_at=expires_at,
            carrier=subscriber.client.carrier,
        )

    def pin(self, subscriber: Subscriber) -> Owed:
        """The SMS that tells a PIN, to the subscriber's own number."""
        return msgspec.structs.replace(self._sync(subscriber, Cause.PIN), recipient=subscriber.msisdn)

    def _sync(self, subscriber: Subscriber, cause: Cause) -> Owed:
        now = self._clock.now()
        return Owed(
            recipient=subscriber.handset,
            subscriber=subscriber.id,
            cause=cause,
            due_at=now,
            expires_at=now + self._sync_life,
            spacing=self._debounce,
            carrier=subscriber.client.carrier,
        )

    def _status(
        self,
        recipient: Msisdn,
        subscriber: Subscriber | None,
        return_code: ReturnCode,
        spacing: timedelta,
    ) -> Owed:
        now = self._clock.now()
        return Owed(
            recipient=recipient,
            subscriber=None if subscriber is None else subscriber.id,
            cause=Cause.STATUS,
            due_at=now,
            expires_at=now + self._status_life,
            return_code=int(return_code),
            spacing=spacing,
            carrier="" if subscriber is None else subscriber.client.carrier,
        )
