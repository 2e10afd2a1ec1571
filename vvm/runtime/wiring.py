# SPDX-License-Identifier: Apache-2.0
"""Builds the adapters and the use cases from one configuration.  Nobody else builds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec

from vvm.config.address import parse_address
from vvm.config.carriers import load_carriers
from vvm.config.sections import Config
from vvm.domain.errors import BadStart
from vvm.message.audio.transcode import AudioLimits
from vvm.omtp.carrier import Carriers
from vvm.runtime.blobs import shelf_of, sweeper_of
from vvm.runtime.hints import hints_of
from vvm.runtime.keys import BadKeyFile, master_key
from vvm.runtime.stores import holds_secrets, open_store
from vvm.runtime.transcoders import TranscoderPool
from vvm.services.activation import Activation
from vvm.services.bulk import Bulk
from vvm.services.cos import ClassesOfService
from vvm.services.credentials import Keyring, SealBroken
from vvm.services.dead_letters import DeadLetters
from vvm.services.deposit import Deposit
from vvm.services.desk import Desk
from vvm.services.device_codes import CodeTexts, DeviceCodes
from vvm.services.devices import Devices
from vvm.services.expiry import Expiry
from vvm.services.feed import Feed
from vvm.services.filing import Filing
from vvm.services.greetings import Greetings
from vvm.services.languages import Languages
from vvm.services.lifecycle import Lifecycle
from vvm.services.lists import Lists
from vvm.services.login import Login
from vvm.services.made_pins import MadePins, PinReset, PinTexts
from vvm.services.master import MasterLogin
from vvm.services.notification import Notification
from vvm.services.on_behalf import OnBehalf
from vvm.services.owing import Owing
from vvm.services.pbx import Pbx
from vvm.services.pin_hash import PinHash
from vvm.services.pins import Pins
from vvm.services.provisioning import Provisioning
from vvm.services.recovery import Recovery
from vvm.services.repeats import Repeats
from vvm.services.resending import Resending
from vvm.services.retelling import Retelling
from vvm.services.retention import Retention
from vvm.services.retrieval import Retrieval
from vvm.services.settings import ServiceSettings
from vvm.services.standing import Standings
from vvm.services.subscription import Subscription
from vvm.services.sweeping import Sweeper
from vvm.services.timeline import Timeline
from vvm.services.tokens import Tokens
from vvm.services.transactions import Transactions
from vvm.services.trial_write import TrialWrite
from vvm.services.tutorial import Tutorial
from vvm.services.visits import Visits
from vvm.services.webhooks import Webhooks
from vvm.store.blobs.places import blob_store
from vvm.store.clock import StoreClock
from vvm.store.hints.local import LocalHints
from vvm.store.hints.shared import SharedHints
from vvm.store.metrics import BlobMetrics, CommitMetrics, CommitWatch
from vvm.store.port import Store

_EXPIRY_PAUSE = timedelta(milliseconds=50)
"""Between a hundred subscribers and the next: a million are looked at in ten minutes or so."""


class BadBlobs(BadStart):
    """The store and ``[blobs]`` do not fit together; the text says what to put right."""

    code = "bad_blobs"


class Services(msgspec.Struct, frozen=True):
    """Every use case, over one store."""

    deposit: Deposit
    provisioning: Provisioning
    login: Login
    devices: Devices
    device_codes: DeviceCodes
    subscription: Subscription
    retrieval: Retrieval
    greetings: Greetings
    desk: Desk
    lists: Lists
    recovery: Recovery
    lifecycle: Lifecycle
    expiry: Expiry
    on_behalf: OnBehalf
    resending: Resending
    filing: Filing
    pbx: Pbx
    owing: Owing
    master: MasterLogin
    pins: Pins
    pin_reset: PinReset
    languages: Languages
    tutorial: Tutorial
    activation: Activation
    notification: Notification
    dead_letters: DeadLetters
    retelling: Retelling
    retention: Retention
    timeline: Timeline
    sweeper: Sweeper | None
    """None when octets lie in the database."""
    trial_write: TrialWrite
    visits: Visits
    feed: Feed
    webhooks: Webhooks
    bulk: Bulk
    classes: ClassesOfService
    tokens: Tokens
    repeats: Repeats
    transcode: TranscoderPool
    keyring: Keyring
    service: ServiceSettings
    """As it is told to clients."""
    store: Store
    hints: LocalHints | SharedHints
    clock: StoreClock


@asynccontextmanager
async def open_services(
    config: Config, commits: CommitMetrics | None = None, blob_metrics: BlobMetrics | None = None
) -> AsyncIterator[Services]:
    """Open the store and build the use cases; ``commits`` hears of its writes.

    Raises BadKeyFile, BadCarrierFile, BadBlobs, Outage.
    """
    hints = hints_of(config)
    watched = CommitWatch(commits)
    keyring = Keyring(master_key(config.master_key_path, store_exists=await holds_secrets(config.store)))
    blobs = blob_store(config.blobs, blob_metrics)
    carriers = load_carriers(config.vvm)
    service = service_settings(config, carriers)
    transcoders = TranscoderPool(
        config.deposit.transcoders, AudioLimits(max_seconds=config.deposit.max_seconds)
    )
    pin_hash = PinHash(keyring.pin_pepper, config.pin)
    try:
        async with open_store(config.store, watched, shelf_of(config.blobs, blobs, keyring)) as store:
            clock = StoreClock(store)
            await clock.look()
            await _check_master_key(store, keyring, config)
            await _check_blobs(store, config)
            pins = Pins(
                store.subscribers, store.cos, pin_hash, clock=clock, service=service, settings=config.pin
            )
            made_pins = MadePins(pin_hash, keyring)
            visits = Visits(store.visits, clock)
            devices = Devices(
                store.subscribers, store.devices, hints, keyring, clock=clock, settings=config.device
            )
            provisioning = Provisioning(
                store.subscribers,
                store.outbox,
                hints,
                keyring,
                pins,
                clock=clock,
                service=service,
                carriers=carriers,
                notification=config.notification,
            )
            deposit = Deposit(
                store.subscribers,
                store.mailboxes,
                hints,
                transcoders,
                numbers=store.numbers,
                classes=store.cos,
                clock=clock,
                service=service,
                settings=config.deposit,
                notification=config.notification,
            )
            owing = Owing(clock, config.notification)
            retelling = Retelling(
                store.outbox, store.subscribers, hints, clock=clock, settings=config.notification
            )
            greetings = Greetings(
                store.subscribers,
                store.mailboxes,
                hints,
                transcoders,
                transcoders.sound,
                classes=store.cos,
                owing=owing,
                service=service,
            )
            lifecycle = Lifecycle(
                store.subscribers,
                store.numbers,
                store.outbox,
                hints,
                keyring,
                clock=clock,
                service=service,
                owing=owing,
            )
            retrieval = Retrieval(store.mailboxes, store.recovery, hints)
            yield Services(
                deposit=deposit,
                provisioning=provisioning,
                subscription=Subscription(
                    store.subscribers,
                    store.outbox,
                    hints,
                    provisioning,
                    Transactions(keyring.transaction_key, clock),
                    clock=clock,
                    service=service,
                    carriers=carriers,
                    notification=config.notification,
                    settings=config.self_service,
                ),
                login=Login(store.subscribers, store.devices, keyring, clock=clock, visits=visits),
                devices=devices,
                device_codes=DeviceCodes(
                    store.subscribers,
                    store.devices,
                    devices,
                    hints,
                    keyring,
                    clock=clock,
                    settings=config.device,
                    notification=config.notification,
                ),
                retrieval=retrieval,
                greetings=greetings,
                desk=Desk(store.subscribers, store.mailboxes, retrieval, transcoders.render, owing=owing),
                lists=Lists(store.lists, store.subscribers),
                recovery=Recovery(store.subscribers, store.recovery, hints, owing=owing),
                lifecycle=lifecycle,
                expiry=Expiry(store.cos, store.expiry, hints, clock=clock, owing=owing, pause=_EXPIRY_PAUSE),
                on_behalf=OnBehalf(store.subscribers, hints, clock=clock, owing=owing),
                resending=Resending(
                    store.subscribers, store.mailboxes, store.outbox, hints, clock=clock, owing=owing
                ),
                filing=Filing(
                    store.mailboxes,
                    store.folders,
                    hints,
                    clock=clock,
                    owing=owing,
                    settings=config.imap.folders,
                ),
                pbx=Pbx(deposit, greetings),
                owing=owing,
                master=MasterLogin(store.subscribers, config.imap.master),
                pins=pins,
                pin_reset=PinReset(
                    store.subscribers,
                    hints,
                    pins,
                    made_pins,
                    clock=clock,
                    owing=owing,
                    settings=config.pin,
                ),
                languages=Languages(store.subscribers, clock=clock, service=service),
                tutorial=Tutorial(store.subscribers, hints, clock=clock, owing=owing),
                activation=Activation(
                    store.inbound,
                    store.subscribers,
                    hints,
                    retelling,
                    clock=clock,
                    settings=config.notification,
                ),
                notification=Notification(
                    store.outbox,
                    store.subscribers,
                    store.mailboxes,
                    hints,
                    keyring,
                    classes=store.cos,
                    retelling=retelling,
                    codes=CodeTexts(
                        store.devices, keyring, clock=clock, service=service, settings=config.device
                    ),
                    pins=PinTexts(made_pins, service=service, settings=config.pin),
                    clock=clock,
                    service=service,
                    carriers=carriers,
                    settings=config.notification,
                ),
                dead_letters=DeadLetters(store.outbox, hints, clock=clock, settings=config.notification),
                retelling=retelling,
                retention=Retention(
                    store.outbox,
                    store.inbound,
                    store.visits,
                    store.recovery,
                    store.history,
                    numbers=store.numbers,
                    lifecycle=lifecycle,
                    repeats=store.repeats,
                    clock=clock,
                    settings=config.notification,
                    history_settings=config.retention,
                ),
                timeline=Timeline(store.subscribers, store.outbox, store.inbound, store.visits),
                visits=visits,
                trial_write=TrialWrite(store.repeats, watched, clock=clock),
                sweeper=sweeper_of(config.blobs, blobs, store.blobs, clock, blob_metrics),
                feed=Feed(store.events, clock=clock, settings=config.webhook),
                webhooks=Webhooks(
                    store.webhooks, store.events, keyring, clock=clock, settings=config.webhook
                ),
                bulk=Bulk(
                    provisioning,
                    Standings(lifecycle, clock=clock, service=service),
                    store.subscribers,
                    store.numbers,
                    store.cos,
                ),
                classes=ClassesOfService(store.cos, clock=clock),
                tokens=Tokens(store.tokens, clock=clock),
                repeats=Repeats(store.repeats, keyring.answer_key, clock=clock),
                transcode=transcoders,
                keyring=keyring,
                service=service,
                store=store,
                hints=hints,
                clock=clock,
            )
    finally:
        transcoders.close()
        pin_hash.close()
        if isinstance(hints, SharedHints):
            await hints.close()
        if blobs is not None:
            await blobs.close()


async def _check_master_key(store: Store, keyring: Keyring, config: Config) -> None:
    """Find out at the start, and not at the first STATUS, that the key file is another store's."""
    for subscriber in await store.subscribers.page(after=None, limit=1):
        try:
            keyring.open(subscriber.imap_user, subscriber.password_sealed)
        except SealBroken:
            raise BadKeyFile(
                f"{config.master_key_path} is not the master key that sealed the passwords in "
                f"{config.store.url}: restore the key that belongs to this store"
            ) from None


async def _check_blobs(store: Store, config: Config) -> None:
    """Find out at the start, and not at the first FETCH, that nobody says where the octets are."""
    if not config.blobs.url and await store.blobs.in_use():
        raise BadBlobs("messages lie in blobs: blobs.url must say where")


def service_settings(config: Config, carriers: Carriers) -> ServiceSettings:
    """The service as it is told to clients, with what its keys leave to others.

    ipt= follows the listener, and the client the carrier, unless the operator says otherwise.
    """
    service = config.vvm
    if service.carrier:
        service = msgspec.structs.replace(service, client=carriers[service.carrier].client)
    if service.imap_port or not config.imap.listen:
        return service
    return msgspec.structs.replace(service, imap_port=parse_address(config.imap.listen[0]).port)
