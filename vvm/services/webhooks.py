# SPDX-License-Identifier: Apache-2.0
"""Where an operator's systems want to be told of events, and what could not be told."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import BadWebhook, UnknownParked, UnknownWebhook
from vvm.domain.event import EventKind
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.services.credentials import Keyring, SealBroken
from vvm.services.feed import require_reached
from vvm.services.paging import PAGE, Page, RowNumber, check_limit, page_of, place_of
from vvm.services.settings import WebhookSettings
from vvm.store.events import EventStore, NewWebhook, Parked, Webhook, WebhookStore

log = structlog.get_logger(__name__)

_SECRET_BYTES = 24
_URL_LENGTH = 2000


_SEALED_AS = "webhook"
"""What the secrets are bound to: not to one webhook, whose number is not known before it is stored."""


class Registered(msgspec.Struct, frozen=True):
    """A new webhook, with the secret that is told this once."""

    webhook: Webhook
    secret: Secret


class Webhooks:
    """Registers, changes and removes webhooks; shows and revives their dead letters."""

    def __init__(
        self,
        webhooks: WebhookStore,
        events: EventStore,
        keyring: Keyring,
        *,
        clock: Clock,
        settings: WebhookSettings,
    ) -> None:
        self._webhooks = webhooks
        self._events = events
        self._keyring = keyring
        self._clock = clock
        self._settings = settings

    async def add(
        self,
        url: str,
        kinds: Sequence[EventKind] = (),
        *,
        cursor: str | None = None,
        request: bytes | None = None,
    ) -> Registered:
        """Register an endpoint for what happens from now on, or after ``cursor``.

        ``request`` names the request: repeated, it gets the webhook that it made, while that is there and
        has the secret that it was given.  Raises BadWebhook, BadCursor, TooManyWebhooks.
        """
        self._check(url)
        if cursor is not None:
            await require_reached(self._events, cursor)
        secret = self._new_secret(request)
        for known in await self.all() if request is not None else ():
            if self._has(known, secret):
                return Registered(known, secret)
        webhook = await self._webhooks.add_webhook(
            NewWebhook(
                url=url,
                kinds=tuple(dict.fromkeys(kinds)),
                secret_sealed=sealed(self._keyring, secret),
                cursor=await self._events.newest() if cursor is None else cursor,
                created_at=self._clock.now(),
            ),
            most=self._settings.most,
        )
        log.info("webhook_added", webhook=webhook.id)
        return Registered(webhook, secret)

    async def all(self) -> Sequence[Webhook]:
        return await self._webhooks.webhooks()

    async def show(self, webhook: int) -> Webhook:
        """Raises UnknownWebhook."""
        return _known(next((found for found in await self.all() if found.id == webhook), None))

    async def change(
        self,
        webhook: int,
        *,
        url: str | None = None,
        kinds: Sequence[EventKind] | None = None,
        paused: bool | None = None,
        as_read: Webhook | None = None,
    ) -> Webhook:
        """Raises UnknownWebhook, BadWebhook; PreconditionFailed as ``WebhookStore.set_webhook``."""
        if url is not None:
            self._check(url)
        changed = await self._webhooks.set_webhook(
            webhook,
            now=self._clock.now(),
            url=url,
            kinds=None if kinds is None else tuple(dict.fromkeys(kinds)),
            paused=paused,
            as_read=as_read,
        )
        return _known(changed)

    async def rotate(self, webhook: int, *, request: bytes | None = None) -> Registered:
        """A new secret in place of the old one, at once.

        ``request`` names the request: repeated, it finds the secret that it made.  Raises UnknownWebhook.
        """
        secret = self._new_secret(request)
        if request is not None and self._has(known := await self.show(webhook), secret):
            return Registered(known, secret)
        changed = await self._webhooks.set_webhook(
            webhook, now=self._clock.now(), secret_sealed=sealed(self._keyring, secret)
        )
        return Registered(_known(changed), secret)

    async def replay(self, webhook: int, cursor: str) -> Webhook:
        """Deliver everything behind a cursor again, as far as it is kept.

        Raises UnknownWebhook, BadCursor.
        """
        await require_reached(self._events, cursor)
        changed = await self._webhooks.set_webhook(webhook, now=self._clock.now(), cursor=cursor)
        log.info("webhook_replayed", webhook=webhook)
        return _known(changed)

    async def remove(self, webhook: int, *, as_read: Webhook | None = None) -> None:
        """Raises UnknownWebhook; PreconditionFailed as ``change``."""
        if not await self._webhooks.remove_webhook(webhook, as_read=as_read):
            raise UnknownWebhook
        log.info("webhook_removed", webhook=webhook)

    async def dead(
        self,
        webhook: int,
        *,
        kinds: Collection[EventKind] = (),
        msisdn: Msisdn | None = None,
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> Page[Parked]:
        """Events that the endpoint refused, or did not take in time; of all kinds when none is named.

        Raises InvalidLimit, BadCursor, UnknownWebhook.
        """
        check_limit(limit)
        after = place_of(cursor, RowNumber) or 0
        await self.show(webhook)
        found = await self._webhooks.dead_events(
            webhook, after=after, limit=limit + 1, kinds=kinds, msisdn=msisdn
        )
        return page_of(found, limit, lambda last: last.id)

    async def revive(self, webhook: int, parked: int) -> None:
        """Try a dead letter again.  Raises UnknownParked."""
        if not await self._webhooks.revive(webhook, parked, now=self._clock.now()):
            raise UnknownParked

    def _new_secret(self, request: bytes | None) -> Secret:
        """In the form of Standard Webhooks 1.0, which its libraries take as it is."""
        if request is None:
            octets = secrets.token_bytes(_SECRET_BYTES)
        else:
            octets = self._keyring.repeatable(request, "webhook")[:_SECRET_BYTES]
        return Secret("whsec_" + base64.b64encode(octets).decode())

    def _has(self, webhook: Webhook, secret: Secret) -> bool:
        """Not where another master key sealed what it has."""
        try:
            return opened(self._keyring, webhook) == secret
        except SealBroken:
            return False

    def _check(self, url: str) -> None:
        """Raises BadWebhook."""
        try:
            parts = urlsplit(url)
            port_fits = parts.port is None or parts.port > 0
        except ValueError:
            raise BadWebhook("the URL of a webhook cannot be read") from None
        schemes = ("https", "http") if self._settings.allow_http else ("https",)
        if parts.scheme not in schemes or not parts.hostname or not port_fits:
            raise BadWebhook(f"the URL of a webhook begins with {' or '.join(schemes)}:// and a host")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise BadWebhook("the URL of a webhook has no credentials and no fragment: requests are signed")
        if len(url) > _URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
            raise BadWebhook(f"the URL of a webhook has at most {_URL_LENGTH} printable ASCII characters")


def _known(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise UnknownWebhook
    return webhook


def sealed(keyring: Keyring, secret: Secret) -> bytes:
    """For the store; every request to the webhook needs the secret again."""
    return keyring.wrap(secret.reveal().encode(), _SEALED_AS)


def opened(keyring: Keyring, webhook: Webhook) -> Secret:
    """Raises SealBroken."""
    return Secret(keyring.unwrap(webhook.secret_sealed, _SEALED_AS).decode())
