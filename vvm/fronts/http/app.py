# SPDX-License-Identifier: Apache-2.0
"""The paths of the API, and what every request passes on its way: access, problems, token."""

from __future__ import annotations

import asyncio
from importlib.resources import files

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry

from vvm.domain.access import Scope
from vvm.domain.clock import Clock
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile
from vvm.fronts.http.access import access
from vvm.fronts.http.audit import FILTERS as AUDIT_FILTERS
from vvm.fronts.http.audit import AuditRoutes
from vvm.fronts.http.auth import bearer, requiring
from vvm.fronts.http.batch import BatchRoutes, may_be_repeated
from vvm.fronts.http.body import wait_for_invitation
from vvm.fronts.http.cos import CosRoutes
from vvm.fronts.http.devices import DeviceRoutes
from vvm.fronts.http.events import FILTERS as EVENT_FILTERS
from vvm.fronts.http.events import STOPPING, EventRoutes
from vvm.fronts.http.greetings import GreetingRoutes
from vvm.fronts.http.health import HealthRoutes, Leaving, Prove, Refresh, parting
from vvm.fronts.http.lifecycle import LifecycleRoutes
from vvm.fronts.http.messages import FILTERS as MESSAGE_FILTERS
from vvm.fronts.http.messages import MessageRoutes
from vvm.fronts.http.notifications import FILTERS as DEAD_LETTER_FILTERS
from vvm.fronts.http.notifications import NotificationRoutes
from vvm.fronts.http.problems import problems
from vvm.fronts.http.recovery import RecoveryRoutes
from vvm.fronts.http.repeats import Body, Harmless, Keys, always
from vvm.fronts.http.request import knowing
from vvm.fronts.http.settings import HttpSettings
from vvm.fronts.http.subscribers import FILTERS as SUBSCRIBER_FILTERS
from vvm.fronts.http.subscribers import SubscriberRoutes
from vvm.fronts.http.webhooks import DEAD_FILTERS, WebhookRoutes
from vvm.services.batch import Batch
from vvm.services.bulk import Bulk
from vvm.services.cos import ClassesOfService
from vvm.services.dead_letters import DeadLetters
from vvm.services.deposit import Depositor
from vvm.services.desk import Desk
from vvm.services.devices import Devices
from vvm.services.feed import Feed
from vvm.services.greetings import Greetings
from vvm.services.lifecycle import Lifecycle
from vvm.services.lists import Lists
from vvm.services.made_pins import PinReset
from vvm.services.on_behalf import OnBehalf
from vvm.services.provisioning import Provisioning
from vvm.services.recovery import Recovery
from vvm.services.repeats import Repeats
from vvm.services.resending import Resending
from vvm.services.timeline import Timeline
from vvm.services.tokens import Tokens
from vvm.services.webhooks import Webhooks
from vvm.store.port import OutboxStore

_NUMBER = "[0-9]{1,10}"


class ApiServices(msgspec.Struct, frozen=True):
    """What the API calls, and the little of the store that it reads itself."""

    deposit: Depositor
    provisioning: Provisioning
    desk: Desk
    lists: Lists
    recovery: Recovery
    lifecycle: Lifecycle
    greetings: Greetings
    on_behalf: OnBehalf
    dead_letters: DeadLetters
    resending: Resending
    pin_reset: PinReset
    timeline: Timeline
    devices: Devices
    feed: Feed
    webhooks: Webhooks
    classes: ClassesOfService
    tokens: Tokens
    bulk: Bulk
    repeats: Repeats
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
    prove: Prove | None = None,
    leaving: Leaving = lambda: False,
) -> web.Application:
    """The whole API.  ``token`` opens /v1; ``registry`` is what /metrics shows, ``refresh`` is
    called before, and ``prove`` before /readyz says yes.  While ``leaving`` says so, /readyz answers
    503 and connections are not kept.

    Raises ValueError for an empty token.
    """
    health = HealthRoutes(
        services.outbox,
        registry,
        ready_seconds=settings.ready_seconds,
        refresh=refresh,
        prove=prove,
        leaving=leaving,
    )
    app = web.Application(middlewares=[access(registry), parting(leaving), problems(settings)])
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    app.add_subapp("/v1", _v1(services, settings, token))
    return app


def _v1(services: ApiServices, settings: HttpSettings, token: Secret) -> web.Application:
    app = web.Application(middlewares=[bearer(token, services.tokens, settings)])
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_end_streams)
    keys = Keys(services.repeats, settings)
    for route in routes(services, settings):
        handler = route.handler
        if not route.own_key:
            handler = keys.keyed(route.method, handler, body=route.body, harmless=route.harmless)
        handler = requiring(knowing(handler, route.query), route.scope)
        app.router.add_route(route.method, route.path, handler, expect_handler=wait_for_invitation)
    return app


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()


class Route(msgspec.Struct, frozen=True):
    """One operation of the contract (openapi.yaml)."""

    method: str
    path: str
    """Below /v1."""
    scope: Scope | None
    """What a token must be good for; None lets every token in."""
    handler: Handler
    query: tuple[str, ...] = ()
    """The names that its query may have."""
    body: Body = Body.DOCUMENT
    harmless: Harmless = always
    own_key: bool = False
    """It keeps Idempotency-Key itself, and for ever."""


def routes(services: ApiServices, settings: HttpSettings) -> tuple[Route, ...]:
    """Everything under /v1, with who may call it: the table that the role matrix is tested from."""
    subscribers = SubscriberRoutes(
        services.provisioning, services.lists, settings, default_client=services.default_client
    )
    batch = BatchRoutes(
        Batch(services.bulk, services.provisioning, default_client=services.default_client),
        services.provisioning,
        settings,
    )
    places = asyncio.Semaphore(settings.max_deposits)
    messages = MessageRoutes(
        services.deposit,
        services.desk,
        services.lists,
        settings,
        clock=services.clock,
        places=places,
    )
    greetings = GreetingRoutes(
        services.greetings, services.desk, settings, clock=services.clock, places=places
    )
    notifications = NotificationRoutes(
        services.provisioning,
        services.on_behalf,
        services.dead_letters,
        services.timeline,
        services.resending,
        settings=settings,
    )
    audit = AuditRoutes(services.lists)
    devices = DeviceRoutes(services.devices, settings)
    events = EventRoutes(services.feed, settings)
    webhooks = WebhookRoutes(services.webhooks, settings)
    hook = f"/webhooks/{{webhook:{_NUMBER}}}"
    deleted = RecoveryRoutes(services.recovery)
    life = LifecycleRoutes(services.lifecycle, services.provisioning, services.pin_reset, settings)
    classes = CosRoutes(services.classes, settings)
    one, paged = "/subscribers/{msisdn}", ("limit", "cursor")
    device = f"{one}/devices/{{device:{_NUMBER}}}"
    message, greeting = f"{one}/messages/{{uid:{_NUMBER}}}", f"{one}/greetings/{{uid:{_NUMBER}}}"
    return (
        Route("GET", "/openapi.yaml", None, contract),
        Route("GET", "/subscribers", Scope.SUBSCRIBER_READ, subscribers.page, (*paged, *SUBSCRIBER_FILTERS)),
        Route(
            "POST",
            "/subscribers:batch",
            Scope.SUBSCRIBER_WRITE,
            batch.run,
            body=Body.BATCH,
            harmless=may_be_repeated,
        ),
        Route("GET", one, Scope.SUBSCRIBER_READ, subscribers.show),
        Route("PUT", one, Scope.SUBSCRIBER_WRITE, subscribers.put),
        Route("PATCH", one, Scope.SUBSCRIBER_WRITE, subscribers.patch),
        Route("DELETE", one, Scope.SUBSCRIBER_WRITE, subscribers.remove),
        Route("POST", f"{one}/password", Scope.SUBSCRIBER_WRITE, notifications.rotate),
        Route("POST", f"{one}/pin", Scope.PIN_RESET, life.reset_pin),
        Route("POST", f"{one}/activation", Scope.SUBSCRIBER_WRITE, notifications.activate),
        Route("POST", f"{one}/deactivation", Scope.SUBSCRIBER_WRITE, notifications.deactivate),
        Route("POST", f"{one}/status", Scope.NOTIFICATION_WRITE, notifications.announce),
        Route("POST", f"{one}/notifications", Scope.NOTIFICATION_WRITE, notifications.tell_again),
        Route("GET", "/audit", Scope.AUDIT_READ, audit.page, (*paged, "msisdn", *AUDIT_FILTERS)),
        Route("GET", f"{one}/audit", Scope.AUDIT_READ, audit.of_one, (*paged, *AUDIT_FILTERS)),
        Route("GET", f"{one}/devices", Scope.SUBSCRIBER_READ, devices.page),
        Route("POST", f"{one}/devices", Scope.CREDENTIAL_WRITE, devices.add),
        Route("GET", device, Scope.SUBSCRIBER_READ, devices.show),
        Route("DELETE", device, Scope.SUBSCRIBER_WRITE, devices.revoke),
        Route("GET", f"{one}/timeline", Scope.AUDIT_READ, notifications.timeline, ("limit",)),
        Route(
            "GET",
            "/notifications/dead",
            Scope.NOTIFICATION_READ,
            notifications.dead_letters,
            (*paged, *DEAD_LETTER_FILTERS),
        ),
        Route(
            "POST", f"/notifications/{{id:{_NUMBER}}}/resend", Scope.NOTIFICATION_WRITE, notifications.resend
        ),
        Route("GET", f"{one}/messages", Scope.MESSAGE_READ, messages.page, (*paged, *MESSAGE_FILTERS)),
        Route("POST", f"{one}/messages", Scope.DEPOSIT, messages.add, ("from", "received_at"), own_key=True),
        Route("GET", message, Scope.MESSAGE_READ, messages.show, ("folder",)),
        Route("PATCH", message, Scope.MESSAGE_WRITE, messages.patch, ("folder",)),
        Route("DELETE", message, Scope.MESSAGE_WRITE, messages.remove, ("folder",)),
        Route("GET", f"{message}/audio", Scope.AUDIO_READ, messages.listen, ("format", "folder")),
        Route("GET", f"{one}/deleted", Scope.MESSAGE_READ, deleted.page, paged),
        Route("POST", f"{one}/deleted/{{deleted:{_NUMBER}}}/restore", Scope.MESSAGE_WRITE, deleted.restore),
        Route("PUT", f"{one}/hold", Scope.HOLD, life.hold),
        Route("PUT", f"{one}/closure", Scope.SUBSCRIBER_WRITE, life.close),
        Route("POST", f"{one}/number", Scope.SUBSCRIBER_WRITE, life.renumber),
        Route("POST", f"{one}/sim", Scope.SUBSCRIBER_WRITE, life.swap_sim),
        Route("GET", f"{one}/aliases", Scope.SUBSCRIBER_READ, life.aliases),
        Route("PUT", f"{one}/aliases/{{alias}}", Scope.SUBSCRIBER_WRITE, life.add_alias),
        Route("DELETE", f"{one}/aliases/{{alias}}", Scope.SUBSCRIBER_WRITE, life.remove_alias),
        Route("GET", f"{one}/greetings", Scope.SUBSCRIBER_READ, greetings.page),
        Route(
            "POST",
            f"{one}/greetings",
            Scope.GREETING_WRITE,
            greetings.add,
            ("kind", "active"),
            body=Body.RECORDING,
        ),
        Route("GET", greeting, Scope.SUBSCRIBER_READ, greetings.show),
        Route("PATCH", greeting, Scope.GREETING_WRITE, greetings.patch),
        Route("DELETE", greeting, Scope.GREETING_WRITE, greetings.remove),
        Route("GET", f"{greeting}/audio", Scope.AUDIO_READ, greetings.listen, ("format",)),
        Route("GET", "/cos", Scope.COS_READ, classes.page, paged),
        Route("GET", "/cos/{name}", Scope.COS_READ, classes.show),
        Route("PUT", "/cos/{name}", Scope.COS_WRITE, classes.put),
        Route("DELETE", "/cos/{name}", Scope.COS_WRITE, classes.remove),
        Route("GET", "/events", Scope.EVENT_READ, events.page, (*paged, *EVENT_FILTERS)),
        Route("GET", "/webhooks", Scope.WEBHOOK, webhooks.page),
        Route("POST", "/webhooks", Scope.WEBHOOK, webhooks.add),
        Route("GET", hook, Scope.WEBHOOK, webhooks.show),
        Route("PATCH", hook, Scope.WEBHOOK, webhooks.patch),
        Route("DELETE", hook, Scope.WEBHOOK, webhooks.remove),
        Route("POST", f"{hook}/secret", Scope.WEBHOOK, webhooks.rotate),
        Route("POST", f"{hook}/replay", Scope.WEBHOOK, webhooks.replay),
        Route("GET", f"{hook}/dead", Scope.WEBHOOK, webhooks.dead, (*paged, *DEAD_FILTERS)),
        Route("POST", f"{hook}/dead/{{event:{_NUMBER}}}/resend", Scope.WEBHOOK, webhooks.revive),
    )


async def contract(request: web.Request) -> web.Response:
    """The contract itself: openapi.yaml, which tests hold against everything else here."""
    del request
    text = files("vvm.fronts.http").joinpath("openapi.yaml").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="application/yaml")
