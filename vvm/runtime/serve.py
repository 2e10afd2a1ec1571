# SPDX-License-Identifier: Apache-2.0
"""One process of the service: which parts it runs, and how each is started and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import structlog

from imap_server.proxied import Balancers
from imap_server.server import ImapServer
from sms_gateway.gateway import SmsGateway
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.settings import SmscSettings
from vvm.config.address import parse_address
from vvm.config.carriers import load_carriers, with_carriers_actions
from vvm.config.routing import routes_of
from vvm.config.secrets import read_secret
from vvm.config.sections import Config
from vvm.domain.errors import Outage
from vvm.domain.secrets import Secret
from vvm.fronts.asterisk.service import AsteriskFront
from vvm.fronts.http.app import ApiServices, build_app
from vvm.fronts.http.doors import Place, RefusedConnections
from vvm.fronts.http.health import Leaving
from vvm.fronts.http.server import serving, serving_at
from vvm.fronts.imap import ExtensionCommands, ImapBackend, MailServices
from vvm.fronts.sms import InboundQueue, NotificationOutbox
from vvm.runtime.allocator import map_large_buffers
from vvm.runtime.collector import leave_alone_what_is_there
from vvm.runtime.descriptors import allow_connections
from vvm.runtime.hints import carrying
from vvm.runtime.holder import held_name
from vvm.runtime.http_places import RENEWAL_SECONDS, tls_place
from vvm.runtime.keys import CertificateWatch, admin_token, tls_context
from vvm.runtime.listeners import imap_listeners
from vvm.runtime.metrics import (
    BlobMetrics,
    FetchMetrics,
    ImapMetrics,
    Metrics,
    NotificationMetrics,
    RetentionMetrics,
    SmsMetrics,
    StoreMetrics,
    new_metrics,
)
from vvm.runtime.scrape import AsteriskMetrics, OutboxMetrics
from vvm.runtime.self_service import self_service_part
from vvm.runtime.shares import Shares
from vvm.runtime.supervisor import Part, Ready, stop_on_signals, supervise
from vvm.runtime.systemd import NO_SYSTEMD, Socket, Systemd
from vvm.runtime.transcoders import TranscoderPool
from vvm.runtime.webhooks import delivery_part
from vvm.runtime.wiring import Services, open_services
from vvm.services.first_fetch import FirstFetches
from vvm.services.sweeping import Sweeper
from vvm.store.clock import StoreClock
from vvm.store.port import Store

log = structlog.get_logger(__name__)

_OUTAGE_SECONDS = 1.0
_VISITS_SECONDS = 5.0
"""How soon a client's doings stand in its timeline."""
_HANDOVER_SECONDS = 1.0
_CLOCK_SECONDS = 10.0
_HOUSEKEEPING_SECONDS = 3600.0
"""How often what is too old is forgotten; at the start too."""
_RETELL_SECONDS = 300.0
"""How often those are looked for whom a SYNC did not reach."""
_EXPIRY_SECONDS = 6 * 3600.0
"""How soon a message that is too old goes; at the start too."""
_SWEEP_SECONDS = 60.0
"""How soon the blobs of messages that are gone are deleted."""
_PENDING = timedelta(seconds=5)
"""How often SMS from handsets are looked for without a hint."""


class Role(StrEnum):
    """What a process does; one process may do all."""

    IMAP = "imap"
    SMS = "sms"
    HTTP = "http"
    DEPOSIT = "deposit"
    WORKER = "worker"


ALL_ROLES = frozenset(Role)
_TAKE_DEPOSITS = frozenset({Role.HTTP, Role.DEPOSIT})


async def serve(
    config: Config,
    roles: frozenset[Role],
    *,
    stop: asyncio.Event | None = None,
    started: asyncio.Event | None = None,
    beside: Mapping[str, Part] | None = None,
    share_ports: bool = False,
    systemd: Systemd = NO_SYSTEMD,
) -> None:
    """Run until SIGTERM, SIGINT or ``stop``; then say so for a while, and let every part finish within
    its deadline.

    Sets ``started`` when every part is ready, or logs it where nobody waits for it.  ``beside`` are
    further parts of the same process.  With ``share_ports`` other processes may listen for IMAP on
    the same ports.  ``systemd`` hears of each step, and its sockets take the place of listeners.
    Raises Refusal or Outage when the start fails, an ExceptionGroup when a part fails later.
    """
    asked, stop = stop or asyncio.Event(), asyncio.Event()
    stop_on_signals(asked)
    metrics = new_metrics()
    commits, blobs = StoreMetrics(metrics.registry), BlobMetrics(metrics.registry)
    async with open_services(config, commits, blobs) as services:
        notice = timedelta(seconds=config.http.notice_seconds if Role.HTTP in roles else 0)
        parts = {
            "hints": _for_ever(carrying(config, services.hints, services.store)),
            "handover": _handover(services.store, asked),
            "clock": _for_ever(lambda: _look_at_clock(services.clock)),
            "stop": _leave(asked, notice, stop, systemd),
            "watchdog": _for_ever(systemd.live),
        }
        if roles & _TAKE_DEPOSITS:
            parts["transcoders"] = _warm(services.transcode)
        for role in sorted(roles):
            match role:
                case Role.IMAP:
                    parts |= _imap(config, services, metrics, share_ports=share_ports, systemd=systemd)
                case Role.HTTP:
                    parts |= _http(config, services, metrics, leaving=asked.is_set, systemd=systemd)
                case _:
                    parts |= _PARTS[role](config, services, metrics)
        await supervise(parts | dict(beside or {}), stop=stop, started=_tell(started, systemd))


def _tell(started: asyncio.Event | None, systemd: Systemd) -> Callable[[], None]:
    def tell() -> None:
        leave_alone_what_is_there()
        systemd.tell("READY=1")
        if started is None:
            log.info("started")
        else:
            started.set()

    return tell


def _warm(transcoders: TranscoderPool) -> Part:
    async def run(ready: Ready) -> None:
        ready()
        await transcoders.warm()
        await asyncio.Event().wait()

    return run


def _leave(asked: asyncio.Event, notice: timedelta, stop: asyncio.Event, systemd: Systemd) -> Part:
    """Between the wish and the end: /readyz says 503, and everything else goes on."""

    async def run(ready: Ready) -> None:
        ready()
        await asked.wait()
        systemd.tell("STOPPING=1")
        if notice:
            log.info("leaving", seconds=notice.total_seconds())
            await asyncio.sleep(notice.total_seconds())
        stop.set()
        await asyncio.Event().wait()

    return run


def _handover(store: Store, asked: asyncio.Event) -> Part:
    """End when the store was moved (``vvm store copy``): whoever starts us again names the other one."""

    async def look() -> None:
        place = await store.moved_to()
        if place is not None and not asked.is_set():
            log.warning("store_moved", place=place)
            asked.set()
        await asyncio.sleep(_HANDOVER_SECONDS)

    return _for_ever(look)


async def _look_at_clock(clock: StoreClock) -> None:
    await asyncio.sleep(_CLOCK_SECONDS)
    await clock.look()


def _for_ever(step: Callable[[], Awaitable[None]]) -> Part:
    """Repeat a step; an outage costs a pause and no more, because the store comes back."""

    async def run(ready: Ready) -> None:
        ready()
        while True:
            try:
                await step()
            except Outage as outage:
                log.warning("store_unavailable", error=str(outage))
                await asyncio.sleep(_OUTAGE_SECONDS)

    return run


def _imap(
    config: Config, services: Services, metrics: Metrics, *, share_ports: bool, systemd: Systemd
) -> dict[str, Part]:
    allow_connections(config.imap.limits.max_connections)
    map_large_buffers()
    omtp = config.imap.omtp
    store = services.store
    first_fetches = FirstFetches(store.outbox, services.clock, FetchMetrics(metrics.registry))
    mail = MailServices(
        retrieval=services.retrieval,
        greetings=services.greetings,
        filing=services.filing,
        pbx=services.pbx,
        owing=services.owing,
        mailboxes=store.mailboxes,
        folders=store.folders,
        devices=store.devices,
        subscribers=store.subscribers,
        hints=services.hints,
        clock=services.clock,
        visits=services.visits,
        first_fetches=first_fetches,
    )
    backend = ImapBackend(services.login, services.master, mail, omtp)
    extensions = ExtensionCommands(
        services.pins, services.languages, services.tutorial, services.store.subscribers, omtp
    )
    tls = tls_context(
        config.certificate_path,
        config.certificate_key_path,
        host=config.vvm.imap_host,
        made_here=not config.tls.certificate,
    )
    renewal = CertificateWatch(tls, config.certificate_path, config.certificate_key_path)
    server = ImapServer(
        backend,
        config.imap.limits,
        tls=tls,
        end_point=lambda: renewal.end_point,
        metrics=ImapMetrics(metrics.registry),
        extensions=extensions.table(),
        balancers=Balancers(config.imap.proxies),
    )
    listeners = imap_listeners(config.imap, systemd, share_ports=share_ports)

    async def run(ready: Ready) -> None:
        server.bind(listeners)
        log.info("imap_listening", ports=server.ports)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            group.create_task(_look_for_renewal(renewal))
            group.create_task(_write_down(services.visits.flush, first_fetches.flush))
            ready()
            try:
                await asyncio.Event().wait()
            finally:
                await server.stop(config.imap.drain_seconds)

    return {"imap": run}


async def _write_down(*flushes: Callable[[], Awaitable[None]]) -> None:
    """What clients did, until the end, and then what is left."""
    try:
        while True:
            await asyncio.sleep(_VISITS_SECONDS)
            for flush in flushes:
                try:
                    await flush()
                except Outage as outage:
                    log.warning("doings_not_written_down", error=str(outage))
    finally:
        for flush in flushes:
            with suppress(Outage):
                await flush()


async def _look_for_renewal(renewal: CertificateWatch) -> None:
    while True:
        await asyncio.sleep(RENEWAL_SECONDS)
        renewal.look()


def _sms(config: Config, services: Services, metrics: Metrics) -> dict[str, Part]:
    if not config.sms.names:
        return {}
    outbox = NotificationOutbox(
        services.notification,
        clock=services.clock,
        metrics=NotificationMetrics(metrics.registry),
    )
    routes = routes_of(config)
    smscs = [route for route in routes if isinstance(route, SmscSettings)]
    gateway = SmsGateway(
        with_carriers_actions(smscs, load_carriers(config.vvm)),
        outbox,
        InboundQueue(
            services.store.inbound,
            services.hints,
            services.notification,
            redelivery=config.sms.redelivery,
        ),
        kannels=[route for route in routes if isinstance(route, KannelSettings)],
        clock=services.clock,
        metrics=SmsMetrics(metrics.registry, config.sms.names),
    )

    shares = Shares(services.store.outbox, gateway, services.clock)

    async def run(ready: Ready) -> None:
        with held_name(Path(config.state.directory)) as name:
            await outbox.hold(name)
            ready()
            async with asyncio.TaskGroup() as group:
                group.create_task(shares.run(name))
                await gateway.run()

    async def take_reports(ready: Ready) -> None:
        address = parse_address(config.sms.kannel_listen)
        async with serving(gateway.callbacks(), config.http, host=address.host, port=address.port) as port:
            log.info("kannel_listening", port=port)
            ready()
            await asyncio.Event().wait()

    return {"sms": run, "kannel": take_reports} if config.sms.kannel else {"sms": run}


def _http(
    config: Config, services: Services, metrics: Metrics, *, leaving: Leaving, systemd: Systemd
) -> dict[str, Part]:
    owed = OutboxMetrics(
        metrics.registry,
        services.store.outbox,
        clock=services.clock,
        seconds=config.http.ready_seconds,
    )
    app = build_app(
        ApiServices(
            deposit=metrics.deposits.measured(services.deposit, "http"),
            provisioning=services.provisioning,
            desk=services.desk,
            lists=services.lists,
            recovery=services.recovery,
            lifecycle=services.lifecycle,
            greetings=services.greetings,
            on_behalf=services.on_behalf,
            dead_letters=services.dead_letters,
            resending=services.resending,
            pin_reset=services.pin_reset,
            timeline=services.timeline,
            feed=services.feed,
            webhooks=services.webhooks,
            devices=services.devices,
            classes=services.classes,
            tokens=services.tokens,
            bulk=services.bulk,
            repeats=services.repeats,
            outbox=services.store.outbox,
            clock=services.clock,
            default_client=services.service.client,
        ),
        config.http,
        token=admin_token(config.admin_token_path),
        registry=metrics.registry,
        refresh=owed.refresh,
        prove=services.trial_write.in_doubt,
        leaving=leaving,
    )
    refused = RefusedConnections(metrics.registry)
    address = parse_address(config.http.listen)
    places = [Place(address.host, address.port, given=systemd.only(Socket.HTTP))]
    parts: dict[str, Part] = {}
    if config.http.listen_tls:
        http = config.http
        place, parts["http_renewal"] = tls_place(
            http.listen_tls, certificate=http.certificate, key=http.key, client_ca=http.client_ca
        )
        places.append(place)

    async def run(ready: Ready) -> None:
        async with serving_at(app, config.http, places, report=refused.of("api")) as (port, *tls_ports):
            log.info("http_listening", port=port, tls_ports=tls_ports)
            ready()
            await asyncio.Event().wait()

    return {"http": run} | parts | self_service_part(config, services, metrics, refused.of("self_service"))


def _deposit(config: Config, services: Services, metrics: Metrics) -> dict[str, Part]:
    if config.asterisk is None:
        return {}
    front = AsteriskFront(
        config.asterisk,
        # Without ARI only the spool is drained, which needs no password.
        read_secret(Path(config.asterisk.ari_password_file)) if config.asterisk.ari else Secret(""),
        metrics.deposits.measured(services.deposit, "asterisk"),
        clock=services.clock,
        greetings=services.greetings,
    )
    metrics.registry.register(AsteriskMetrics(front))

    async def run(ready: Ready) -> None:
        ready()
        await front.run()

    return {"asterisk": run}


def _worker(config: Config, services: Services, metrics: Metrics) -> dict[str, Part]:
    async def drain() -> None:
        if not await services.activation.drain():
            await services.hints.inbound_moved(_PENDING)

    forgotten = RetentionMetrics(metrics.registry)

    async def forget() -> None:
        await services.retention(forgotten)
        await services.feed.forget()
        await asyncio.sleep(_HOUSEKEEPING_SECONDS)

    async def expire() -> None:
        await services.expiry()
        await asyncio.sleep(_EXPIRY_SECONDS)

    async def retell() -> None:
        await services.retelling()
        await asyncio.sleep(_RETELL_SECONDS)

    parts = {
        "activation": _for_ever(drain),
        "retelling": _for_ever(retell),
        "expiry": _for_ever(expire),
        "retention": _for_ever(forget),
        "webhooks": delivery_part(config.webhook, services, metrics.registry),
    }
    return parts | _sweeping(services.sweeper, every=timedelta(hours=config.blobs.sweep_every_hours))


def _sweeping(sweeper: Sweeper | None, *, every: timedelta) -> dict[str, Part]:
    if sweeper is None:
        return {}

    async def sweep() -> None:
        await asyncio.sleep(_SWEEP_SECONDS)
        await sweeper()

    async def look() -> None:
        await sweeper.look()
        await asyncio.sleep(every.total_seconds())

    return {"blobs": _for_ever(sweep), "left_blobs": _for_ever(look)}


_PARTS: Mapping[Role, Callable[[Config, Services, Metrics], dict[str, Part]]] = {
    Role.SMS: _sms,
    Role.DEPOSIT: _deposit,
    Role.WORKER: _worker,
}
