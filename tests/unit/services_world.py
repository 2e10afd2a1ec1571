# SPDX-License-Identifier: Apache-2.0
"""The use cases on the reference store, with a clock that stands still: nothing here is a mock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from tests.unit.audio_samples import transcoded, wav
from vvm.domain.clock import FixedClock
from vvm.domain.message import Envelope
from vvm.domain.notification import Leased
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import MailboxId, ProvisioningStatus, Subscriber
from vvm.message.audio.encode import Format, rendered
from vvm.message.audio.transcode import AudioLimits, Voice, to_wav
from vvm.omtp.carrier import Carriers
from vvm.services.activation import Activation
from vvm.services.bulk import Bulk
from vvm.services.cos import ClassesOfService
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.services.dead_letters import DeadLetters
from vvm.services.deposit import Deposit, Transcoder
from vvm.services.desk import Desk
from vvm.services.device_codes import CodeTexts, DeviceCodes
from vvm.services.devices import Devices
from vvm.services.expiry import Expiry
from vvm.services.feed import Feed
from vvm.services.filing import Filing
from vvm.services.first_fetch import FirstFetches, NoFetchMetrics
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
from vvm.services.provisioning import Provisioning, SubscriberOptions
from vvm.services.recovery import Recovery
from vvm.services.repeats import Repeats
from vvm.services.resending import Resending
from vvm.services.retelling import Retelling
from vvm.services.retention import Retention
from vvm.services.retrieval import Retrieval
from vvm.services.settings import (
    DepositSettings,
    DeviceSettings,
    FolderSettings,
    MasterSettings,
    NotificationSettings,
    PinSettings,
    RetentionSettings,
    SelfServiceSettings,
    ServiceSettings,
    WebhookSettings,
)
from vvm.services.standing import Standings
from vvm.services.subscription import Subscription
from vvm.services.timeline import Timeline
from vvm.services.tokens import Tokens
from vvm.services.transactions import Transactions
from vvm.services.tutorial import Tutorial
from vvm.services.visits import Visits
from vvm.services.webhooks import Webhooks
from vvm.store.hints.local import LocalHints
from vvm.store.memory import MemoryStore
from vvm.store.port import NewInbound, SubscriberChange

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALICE = Msisdn("+33612345678")
BOB = Msisdn("+33687654321")
CALLER = "+33698765432"
CALL = Envelope(caller=CALLER, received_at=NOW)
CHEAP_PINS = PinSettings(memory_kib=64, passes=1, threads=1, max_tries=3)
DEVICES = DeviceSettings(most=3)
TWO_SECONDS = wav(seconds=2.0)
SMSC = "main"
AT_ONCE = NotificationSettings(debounce_seconds=0, status_spacing_seconds=0)
"""No notification waits for another, so that a test that does not speak of time need not pass any."""


MASTER = MasterSettings(user="asterisk", password="master's own", networks=("192.0.2.0/24", "::1/128"))


async def transcode_here(audio: bytes) -> Voice:
    """The real transcoder, without the processes around it."""
    return transcoded(audio)


async def sound_here(audio: bytes) -> bytes:
    return to_wav(audio, AudioLimits(max_seconds=600))


async def render_here(audio: bytes, form: Format) -> bytes:
    return rendered(audio, AudioLimits(max_seconds=600), form)


class World:
    """One service; each use case stands under its own name."""

    def __init__(
        self,
        *,
        service: ServiceSettings | None = None,
        deposit: DepositSettings | None = None,
        notification: NotificationSettings | None = None,
        carriers: Carriers = MappingProxyType({}),
        transcoder: Transcoder = transcode_here,
    ) -> None:
        self.store = MemoryStore()
        self.hints = LocalHints()
        self.clock = FixedClock(NOW)
        self.keyring = Keyring(b"k" * MASTER_KEY_BYTES)
        service = service or ServiceSettings(imap_port=1143)
        settings = notification or AT_ONCE
        self.pin_hash = PinHash(self.keyring.pin_pepper, CHEAP_PINS)
        self.pins = Pins(
            self.store.subscribers,
            self.store.cos,
            self.pin_hash,
            clock=self.clock,
            service=service,
            settings=CHEAP_PINS,
        )
        made_pins = MadePins(self.pin_hash, self.keyring)
        self.pin_reset = PinReset(
            self.store.subscribers,
            self.hints,
            self.pins,
            made_pins,
            clock=self.clock,
            owing=Owing(self.clock, settings),
            settings=CHEAP_PINS,
        )
        self.languages = Languages(self.store.subscribers, clock=self.clock, service=service)
        self.tutorial = Tutorial(
            self.store.subscribers, self.hints, clock=self.clock, owing=Owing(self.clock, settings)
        )
        self.greetings = Greetings(
            self.store.subscribers,
            self.store.mailboxes,
            self.hints,
            transcoder,
            sound_here,
            classes=self.store.cos,
            owing=Owing(self.clock, settings),
            service=service,
        )
        self.provisioning = Provisioning(
            self.store.subscribers,
            self.store.outbox,
            self.hints,
            self.keyring,
            self.pins,
            clock=self.clock,
            service=service,
            carriers=carriers,
            notification=settings,
        )
        self.subscription = Subscription(
            self.store.subscribers,
            self.store.outbox,
            self.hints,
            self.provisioning,
            Transactions(self.keyring.transaction_key, self.clock),
            clock=self.clock,
            service=service,
            carriers=carriers,
            notification=settings,
            settings=SelfServiceSettings(country_code="33"),
        )
        self.deposit = Deposit(
            self.store.subscribers,
            self.store.mailboxes,
            self.hints,
            transcoder,
            numbers=self.store.numbers,
            classes=self.store.cos,
            clock=self.clock,
            service=service,
            settings=deposit or DepositSettings(),
            notification=settings,
        )
        self.retelling = Retelling(
            self.store.outbox, self.store.subscribers, self.hints, clock=self.clock, settings=settings
        )
        self.activation = Activation(
            self.store.inbound,
            self.store.subscribers,
            self.hints,
            self.retelling,
            clock=self.clock,
            settings=settings,
        )
        self.notification = Notification(
            self.store.outbox,
            self.store.subscribers,
            self.store.mailboxes,
            self.hints,
            self.keyring,
            classes=self.store.cos,
            retelling=self.retelling,
            codes=CodeTexts(
                self.store.devices,
                self.keyring,
                clock=self.clock,
                service=service,
                settings=DEVICES,
            ),
            pins=PinTexts(made_pins, service=service, settings=CHEAP_PINS),
            clock=self.clock,
            service=service,
            carriers=carriers,
            settings=settings,
        )
        self.visits = Visits(self.store.visits, self.clock)
        self.first_fetches = FirstFetches(self.store.outbox, self.clock, NoFetchMetrics())
        self.timeline = Timeline(
            self.store.subscribers, self.store.outbox, self.store.inbound, self.store.visits
        )
        self.owing = Owing(self.clock, settings)
        self.dead_letters = DeadLetters(self.store.outbox, self.hints, clock=self.clock, settings=settings)
        self.feed = Feed(self.store.events, clock=self.clock, settings=WebhookSettings())
        self.webhooks = Webhooks(
            self.store.webhooks,
            self.store.events,
            self.keyring,
            clock=self.clock,
            settings=WebhookSettings(),
        )
        self.lifecycle = Lifecycle(
            self.store.subscribers,
            self.store.numbers,
            self.store.outbox,
            self.hints,
            self.keyring,
            clock=self.clock,
            service=service,
            owing=self.owing,
        )
        self.expiry = Expiry(
            self.store.cos,
            self.store.expiry,
            self.hints,
            clock=self.clock,
            owing=self.owing,
            pause=timedelta(),
        )
        self.retention = Retention(
            self.store.outbox,
            self.store.inbound,
            self.store.visits,
            self.store.recovery,
            self.store.history,
            numbers=self.store.numbers,
            lifecycle=self.lifecycle,
            repeats=self.store.repeats,
            clock=self.clock,
            settings=settings,
            history_settings=RetentionSettings(),
        )
        self.login = Login(
            self.store.subscribers,
            self.store.devices,
            self.keyring,
            clock=self.clock,
            visits=self.visits,
        )
        self.devices = Devices(
            self.store.subscribers,
            self.store.devices,
            self.hints,
            self.keyring,
            clock=self.clock,
            settings=DEVICES,
        )
        self.device_codes = DeviceCodes(
            self.store.subscribers,
            self.store.devices,
            self.devices,
            self.hints,
            self.keyring,
            clock=self.clock,
            settings=DEVICES,
            notification=settings,
        )
        self.retrieval = Retrieval(self.store.mailboxes, self.store.recovery, self.hints)
        self.desk = Desk(
            self.store.subscribers, self.store.mailboxes, self.retrieval, render_here, owing=self.owing
        )
        self.lists = Lists(self.store.lists, self.store.subscribers)
        self.recovery = Recovery(self.store.subscribers, self.store.recovery, self.hints, owing=self.owing)
        self.resending = Resending(
            self.store.subscribers,
            self.store.mailboxes,
            self.store.outbox,
            self.hints,
            clock=self.clock,
            owing=self.owing,
        )
        self.on_behalf = OnBehalf(self.store.subscribers, self.hints, clock=self.clock, owing=self.owing)
        self.filing = Filing(
            self.store.mailboxes,
            self.store.folders,
            self.hints,
            clock=self.clock,
            owing=self.owing,
            settings=FolderSettings(most=5, name_length=40),
        )
        self.pbx = Pbx(self.deposit, self.greetings)
        self.master = MasterLogin(self.store.subscribers, MASTER)
        standings = Standings(self.lifecycle, clock=self.clock, service=service)
        self.bulk = Bulk(
            self.provisioning, standings, self.store.subscribers, self.store.numbers, self.store.cos
        )
        self.classes = ClassesOfService(self.store.cos, clock=self.clock)
        self.tokens = Tokens(self.store.tokens, clock=self.clock)
        self.repeats = Repeats(self.store.repeats, self.keyring.answer_key, clock=self.clock)
        self._handset_sms = 0

    async def subscriber(
        self,
        status: ProvisioningStatus = ProvisioningStatus.READY,
        *,
        msisdn: Msisdn = ALICE,
        options: SubscriberOptions | None = None,
    ) -> Subscriber:
        """A subscriber in any status, also those that need an SMS to be reached."""
        await self.provisioning.create(msisdn, options or SubscriberOptions())
        change = SubscriberChange(changed_at=self.clock.now(), status=status)
        return await self.store.subscribers.change(msisdn, change)

    async def subscribers_status(self, status: ProvisioningStatus) -> None:
        """Put the subscriber into any status."""
        change = SubscriberChange(changed_at=self.clock.now(), status=status)
        await self.store.subscribers.change(ALICE, change)

    async def current(self, msisdn: Msisdn = ALICE) -> Subscriber:
        return await self.provisioning.show(msisdn)

    async def sms_from_handset(self, text: str, *, originator: str = ALICE) -> None:
        """A handset's SMS comes and is settled."""
        self._handset_sms += 1
        await self.store.inbound.save(
            NewInbound(
                key=str(self._handset_sms),
                originator=originator,
                destination="5511",
                text=text,
                received_at=self.clock.now(),
            )
        )
        await self.activation.drain()

    async def texts(self) -> list[str]:
        """The SMS that are due now; they are sent."""
        notices = await self.notification.lease(100)
        for notice in notices:
            await self.notification.sent(notice, smsc=SMSC)
        return [notice.text for notice in notices]

    async def owed(self) -> list[Leased]:
        """Every row that is owed, whenever it is due.  Nothing is due for a year after that."""
        far = self.clock.now() + timedelta(days=365)
        return list(await self.store.outbox.lease(now=far, lease=timedelta(), limit=100))


class HintsHeard:
    """Which hints came for a mailbox."""

    def __init__(self, world: World, mailbox: MailboxId) -> None:
        self.count = 0
        world.hints.watch(mailbox, self._wake)

    def _wake(self) -> None:
        self.count += 1
