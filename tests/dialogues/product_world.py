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
from tests.dialogues.certificate import contexts
from tests.dialogues.memory_world import QUICK, START
from tests.dialogues.world import Credentials, Standing
from tests.unit.audio_samples import wav
from vvm.domain.clock import FixedClock
from vvm.domain.errors import Outage
from vvm.domain.message import Envelope
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ProvisioningStatus
from vvm.fronts.imap import ImapBackend
from vvm.message.audio.transcode import AudioLimits, Voice, transcode
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.services.deposit import Deposit
from vvm.services.login import Login
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.services.retrieval import Retrieval
from vvm.services.settings import DepositSettings, NotificationSettings, ServiceSettings
from vvm.store.hints.local import LocalHints
from vvm.store.memory import MemoryStore
from vvm.store.port import Store, SubscriberChange
from vvm.store.sqlite import open_sqlite

_STATUS = {
    Standing.ACTIVE: ProvisioningStatus.READY,
    Standing.NOT_ACTIVATED: ProvisioningStatus.PROVISIONED,
    Standing.NOT_PROVISIONED: ProvisioningStatus.UNKNOWN,
    Standing.BLOCKED: ProvisioningStatus.BLOCKED,
}


class Switchable:
    """A part of a store that can be told not to answer."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self.down = False

    def __getattr__(self, name: str) -> Any:
        if self.down:
            raise Outage("switched off by the dialogue")
        return getattr(self._part, name)


class ProductWorld:
    """tests.dialogues.world.World."""

    host = "127.0.0.1"

    def __init__(self, store: Store) -> None:
        hints = LocalHints()
        clock = FixedClock(START)
        service = ServiceSettings()
        notification = NotificationSettings()
        self._keyring = Keyring(bytes(MASTER_KEY_BYTES))
        self._store = store
        self._mailboxes: Any = Switchable(store.mailboxes)
        self._deposit = Deposit(
            store.subscribers,
            store.mailboxes,
            hints,
            _transcode,
            clock=clock,
            service=service,
            settings=DepositSettings(),
            notification=notification,
        )
        self._provisioning = Provisioning(
            store.subscribers,
            hints,
            self._keyring,
            clock=clock,
            service=service,
            carriers={},
            notification=notification,
        )
        backend = ImapBackend(
            Login(store.subscribers, self._keyring),
            Retrieval(self._mailboxes, hints),
            self._mailboxes,
            hints,
        )
        self.tls = contexts()[1]
        self.server = ImapServer(backend, QUICK, tls=contexts()[0])
        self.server.bind([Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, implicit_tls=True)])
        self.port, self.tls_port = self.server.ports
        self._deposits = 0

    async def provide(self, msisdn: str, *, messages: int, standing: Standing) -> Credentials:
        number = Msisdn(msisdn)
        subscriber = await self._provisioning.create(number, SubscriberOptions())
        for _ in range(messages):
            await self.deposit(msisdn, seconds=1.0, caller="+15551230001")
        await self._store.subscribers.change(
            number, SubscriberChange(changed_at=datetime.now(UTC), status=_STATUS[standing])
        )
        password = self._keyring.open(subscriber.imap_user, subscriber.password_sealed)
        return Credentials(subscriber.imap_user, password.reveal())

    async def deposit(self, msisdn: str, *, seconds: float, caller: str) -> int:
        self._deposits += 1
        moment = START + timedelta(minutes=self._deposits)
        envelope = Envelope(caller=caller, received_at=moment)
        return (await self._deposit(Msisdn(msisdn), wav(seconds=seconds), envelope)).uid

    async def outage(self, *, down: bool) -> None:
        self._mailboxes.down = down


async def _transcode(audio: bytes) -> Voice:
    return transcode(audio, AudioLimits(max_seconds=60))


@asynccontextmanager
async def _serving(store: Store) -> AsyncIterator[ProductWorld]:
    world = ProductWorld(store)
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
async def _on_sqlite() -> AsyncIterator[ProductWorld]:
    with TemporaryDirectory() as folder:
        async with open_sqlite(Path(folder) / "vvm.db") as store, _serving(store) as world:
            yield world


PRODUCT_WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[ProductWorld]]] = {
    "product on memory": _on_memory,
    "product on sqlite": _on_sqlite,
}
