# SPDX-License-Identifier: Apache-2.0
"""The paths of the API, and what every request passes on its way: access, problems, token."""

from __future__ import annotations

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from vvm.domain.clock import Clock
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile
from vvm.fronts.http.access import access
from vvm.fronts.http.auth import bearer
from vvm.fronts.http.body import wait_for_invitation
from vvm.fronts.http.devices import DeviceRoutes
from vvm.fronts.http.events import EventRoutes
from vvm.fronts.http.health import HealthRoutes, Refresh
from vvm.fronts.http.messages import MessageRoutes
from vvm.fronts.http.notifications import NotificationRoutes
from vvm.fronts.http.problems import problems
from vvm.fronts.http.request import knowing
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import SubscriberRoutes
from vvm.fronts.http.webhooks import WebhookRoutes
from vvm.services.dead_letters import DeadLetters
from vvm.services.deposit import Depositor
from vvm.services.devices import Devices
from vvm.services.feed import Feed
from vvm.services.provisioning import Provisioning
from vvm.services.timeline import Timeline
from vvm.services.webhooks import Webhooks
from vvm.store.port import MailboxStore, OutboxStore


class ApiServices(msgspec.Struct, frozen=True):
    """What the API calls, and the little of the store that it reads itself."""

    deposit: Depositor
    provisioning: Provisioning
    dead_letters: DeadLetters
    timeline: Timeline
    devices: Devices
    feed: Feed
    webhooks: Webhooks
    mailboxes: MailboxStore
    outbox: OutboxStore
    clock: Clock
    default_client: ClientProfile
    """What a new subscriber's client is taken to be, where a PUT says only a part of it."""


def build_app(
    services: ApiServices,
    settings: HttpSettings,
    *,
    token: Secret,
    registry: CollectorRegistry,
    refresh: Refresh | None = None,
) -> web.Application:
    """The whole API.  ``token`` opens /v1; ``registry`` is what /metrics shows, ``refresh`` is
    called before.

    Raises ValueError for an empty token.
    """
    health = HealthRoutes(services.outbox, registry, ready_seconds=settings.ready_seconds, refresh=refresh)
    app = web.Application(middlewares=[access(registry), problems(settings)])
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    app.add_subapp("/v1", _v1(services, settings, token))
    return app


def _v1(services: ApiServices, settings: HttpSettings, token: Secret) -> web.Application:
    subscribers = SubscriberRoutes(services.provisioning, settings, default_client=services.default_client)
    messages = MessageRoutes(
        services.deposit, services.provisioning, services.mailboxes, settings, clock=services.clock
    )
    notifications = NotificationRoutes(services.provisioning, services.dead_letters, services.timeline)
    devices = DeviceRoutes(services.devices, settings)
    events = EventRoutes(services.feed, settings)
    webhooks = WebhookRoutes(services.webhooks, settings)
    app = web.Application(middlewares=[bearer(token)])
    one = "/subscribers/{msisdn}"
    hook = "/webhooks/{webhook:[0-9]{1,10}}"
    for method, path, handler, *query in (
        ("GET", "/subscribers", subscribers.page, "limit", "after"),
        ("GET", one, subscribers.show),
        ("PUT", one, subscribers.put),
        ("PATCH", one, subscribers.patch),
        ("DELETE", one, subscribers.remove),
        ("POST", f"{one}/password", notifications.rotate),
        ("GET", f"{one}/devices", devices.page),
        ("POST", f"{one}/devices", devices.add),
        ("DELETE", f"{one}/devices/{{device:[0-9]{{1,10}}}}", devices.revoke),
        ("GET", f"{one}/timeline", notifications.timeline, "limit"),
        ("GET", "/notifications/dead", notifications.dead_letters, "limit", "after"),
        ("POST", "/notifications/{id:[0-9]{1,10}}/resend", notifications.resend),
        ("GET", "/events", events.page, "after", "limit", "kinds", "msisdn"),
        ("GET", "/webhooks", webhooks.page),
        ("POST", "/webhooks", webhooks.add),
        ("PATCH", hook, webhooks.patch),
        ("DELETE", hook, webhooks.remove),
        ("POST", f"{hook}/secret", webhooks.rotate),
        ("POST", f"{hook}/replay", webhooks.replay),
        ("GET", f"{hook}/dead", webhooks.dead, "limit", "after"),
        ("POST", f"{hook}/dead/{{event:[0-9]{{1,10}}}}/resend", webhooks.revive),
        ("GET", f"{one}/messages", messages.page, "limit", "after"),
        ("POST", f"{one}/messages", messages.add, "from", "received_at"),
        ("GET", f"{one}/messages/{{uid:[0-9]{{1,10}}}}", messages.show),
    ):
        app.router.add_route(method, path, knowing(handler, query), expect_handler=wait_for_invitation)
    return app
