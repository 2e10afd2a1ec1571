# SPDX-License-Identifier: Apache-2.0
"""The whole product behind the dialogues: real use cases over a real store, served over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from imap_server.server import ImapServer, Listener
from tests import postgres
from tests.dialogues.certificate import contexts
from tests.dialogues.memory_world import QUICK, START
from tests.dialogues.world import Credentials, Standing
from tests.sqlite import ready
from tests.unit.audio_samples import transcoded, wav
from tests.unit.services_world import CHEAP_PINS, sound_here
from vvm.domain.clock import FixedClock
from vvm.domain.errors import Outage
from vvm.domain.message import Envelope
from vvm.domain.numbers import Msisdn
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ClientProfile, Dialect, Manners, ProvisioningStatus
from vvm.fronts.imap import ExtensionCommands, ImapBackend, MailServices, OmtpSettings
from vvm.message.audio.transcode import Voice
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.services.deposit import Deposit
from vvm.services.devices import Devices
from vvm.services.filing import Filing
from vvm.services.first_fetch import FirstFetches, NoFetchMetrics
from vvm.services.greetings import Greetings
from vvm.services.languages import Languages
from vvm.services.login import Login
from vvm.services.master import MasterLogin
from vvm.services.owing import Owing
from vvm.services.pbx import Pbx
from vvm.services.pin_hash import PinHash
from vvm.services.pins import Pins
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.services.retrieval import Retrieval
from vvm.services.settings import (
    DepositSettings,
    DeviceSettings,
    FolderSettings,
    MasterSettings,
    NotificationSettings,
    ServiceSettings,
)
from vvm.services.tutorial import Tutorial
from vvm.services.visits import Visits
from vvm.store.hints.local import LocalHints
from vvm.store.memory import MemoryStore
from vvm.store.port import Store, SubscriberChange
from vvm.store.sqlite import open_sqlite

_STATUS = {
    Standing.ACTIVE: ProvisioningStatus.READY,
    Standing.LENIENT: ProvisioningStatus.READY,
    Standing.MAIL_CLIENT: ProvisioningStatus.READY,
    Standing.APPLE: ProvisioningStatus.READY,
    Standing.ATT: ProvisioningStatus.READY,
    Standing.NEW: ProvisioningStatus.NEW,
    Standing.NEW_ON_VVM3: ProvisioningStatus.NEW,
    Standing.NOT_ACTIVATED: ProvisioningStatus.PROVISIONED,
    Standing.NOT_PROVISIONED: ProvisioningStatus.UNKNOWN,
    Standing.BLOCKED: ProvisioningStatus.BLOCKED,
}
_CLIENT = {
    Standing.NEW_ON_VVM3: ClientProfile(dialect=Dialect.VVM3),
    Standing.LENIENT: ClientProfile(client_type="Mail.For_You.1"),
    Standing.APPLE: ClientProfile(dialect=Dialect.APPLE),
    Standing.ATT: ClientProfile(manners=Manners.ATT),
}
PIN = Secret("2580")
"""Of every subscriber that has one."""
MASTER = MasterSettings(user="asterisk", password="master's own")
STRICT = OmtpSettings()
LENIENT = OmtpSettings(lenient_clients=("Mail.",), pin_change_before_login=True)


class Switchable:
    """A part of a store that can be told not to answer."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self.down = False

    def __getattr__(self, name: str) -> Any:
        return _silent if self.down else getattr(self._part, name)


async def _silent(*_: object, **__: object) -> None:
    """Every step of a store is a coroutine: it fails when it is awaited, and not when it is called."""
    raise Outage("switched off by the dialogue")


class ProductWorld:
    """tests.dialogues.world.World."""

    host = "127.0.0.1"

    def __init__(self, store: Store, omtp: OmtpSettings) -> None:
        hints = self.hints = LocalHints()
        clock = FixedClock(START)
        service = ServiceSettings(languages=("eng", "fra"), greeting_seconds=3, signature_seconds=2)
        notification = NotificationSettings()
        self._keyring = Keyring(bytes(MASTER_KEY_BYTES))
        self.store = store
        self._mailboxes: Any = Switchable(store.mailboxes)
        self._folders: Any = Switchable(store.folders)
        self._deposit = Deposit(
            store.subscribers,
            store.mailboxes,
            hints,
            _transcode,
            numbers=store.numbers,
            classes=store.cos,
            clock=clock,
            service=service,
            settings=DepositSettings(),
            notification=notification,
        )
        pin_hash = PinHash(self._keyring.pin_pepper, CHEAP_PINS)
        pins = Pins(store.subscribers, store.cos, pin_hash, clock=clock, service=service, settings=CHEAP_PINS)
        self._provisioning = Provisioning(
            store.subscribers,
            store.outbox,
            hints,
            self._keyring,
            pins,
            clock=clock,
            service=service,
            carriers={},
            notification=notification,
        )
        self._devices = Devices(
            store.subscribers, store.devices, hints, self._keyring, clock=clock, settings=DeviceSettings()
        )
        owing = Owing(clock, notification)
        greetings = Greetings(
            store.subscribers,
            self._mailboxes,
            hints,
            _transcode,
            sound_here,
            classes=store.cos,
            owing=owing,
            service=service,
        )
        visits = Visits(store.visits, clock)
        backend = ImapBackend(
            Login(store.subscribers, store.devices, self._keyring, clock=clock, visits=visits),
            MasterLogin(store.subscribers, MASTER),
            MailServices(
                retrieval=Retrieval(self._mailboxes, store.recovery, hints),
                greetings=greetings,
                filing=Filing(
                    self._mailboxes,
                    self._folders,
                    hints,
                    clock=clock,
                    owing=owing,
                    settings=FolderSettings(most=5, name_length=40),
                ),
                pbx=Pbx(self._deposit, greetings),
                owing=owing,
                mailboxes=self._mailboxes,
                folders=self._folders,
                devices=store.devices,
                subscribers=store.subscribers,
                hints=hints,
                clock=clock,
                visits=visits,
                first_fetches=FirstFetches(store.outbox, clock, NoFetchMetrics()),
            ),
            omtp,
        )
        extensions = ExtensionCommands(
            pins,
            Languages(store.subscribers, clock=clock, service=service),
            Tutorial(store.subscribers, hints, clock=clock, owing=owing),
            store.subscribers,
            omtp,
        )
        self.tls = contexts()[1]
        self.server = ImapServer(backend, QUICK, tls=contexts()[0], extensions=extensions.table())
        self.server.bind([Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, implicit_tls=True)])
        self.port, self.tls_port = self.server.ports
        self._deposits = 0

    async def provide(self, msisdn: str, *, messages: int, standing: Standing) -> Credentials:
        number = Msisdn(msisdn)
        new_user = standing in {Standing.NEW, Standing.NEW_ON_VVM3}
        options = SubscriberOptions(
            setup_done=not new_user,
            client=_CLIENT.get(standing),
            pin=None if standing is Standing.NEW_ON_VVM3 else PIN,
        )
        subscriber = await self._provisioning.create(number, options)
        for _ in range(messages):
            await self.deposit(msisdn, seconds=1.0, caller="+15551230001")
        await self.store.subscribers.change(
            number, SubscriberChange(changed_at=datetime.now(UTC), status=_STATUS[standing])
        )
        if standing is Standing.MAIL_CLIENT:  # a login of its own, beside that of the handset
            given = await self._devices.add(number, name="Desk", profile=Manners.MAIL)
            return Credentials(given.device.login, given.password.reveal())
        password = self._keyring.open(subscriber.imap_user, subscriber.password_sealed)
        return Credentials(subscriber.imap_user, password.reveal())

    async def deposit(self, msisdn: str, *, seconds: float, caller: str) -> int:
        self._deposits += 1
        moment = START + timedelta(minutes=self._deposits)
        envelope = Envelope(caller=caller, received_at=moment)
        return (await self._deposit(Msisdn(msisdn), wav(seconds=seconds), envelope)).uid

    async def block(self, msisdn: str) -> None:
        await self._provisioning.change(Msisdn(msisdn), SubscriberOptions(blocked=True))

    async def forget_changes(self) -> None:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        await self.store.history.forget_changes(before=tomorrow, limit=1000)

    async def outage(self, *, down: bool) -> None:
        self._mailboxes.down = self._folders.down = down


async def _transcode(audio: bytes) -> Voice:
    return transcoded(audio)


@asynccontextmanager
async def _serving(store: Store, omtp: OmtpSettings = STRICT) -> AsyncIterator[ProductWorld]:
    world = ProductWorld(store, omtp)
    async with asyncio.TaskGroup() as group:
        group.create_task(world.server.serve())
        try:
            yield world
        finally:
            await world.server.stop(1.0)


@asynccontextmanager
async def _on_memory() -> AsyncIterator[ProductWorld]:
    async with _serving(MemoryStore()) as world:
        yield world


@asynccontextmanager
async def _lenient() -> AsyncIterator[ProductWorld]:
    async with _serving(MemoryStore(), LENIENT) as world:
        yield world


@asynccontextmanager
async def _on_sqlite() -> AsyncIterator[ProductWorld]:
    with TemporaryDirectory() as folder:
        async with open_sqlite(ready(Path(folder) / "vvm.db")) as store, _serving(store) as world:
            yield world


@asynccontextmanager
async def _on_postgres() -> AsyncIterator[ProductWorld]:
    async with postgres.new_store() as store, _serving(store) as world:
        yield world


PRODUCT_WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[ProductWorld]]] = {
    "product on memory": _on_memory,
    "product on sqlite": _on_sqlite,
    "product on postgres": _on_postgres,
    "lenient product": _lenient,
}
