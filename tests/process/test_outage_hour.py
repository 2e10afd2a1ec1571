# SPDX-License-Identifier: Apache-2.0
"""The SMSC is away for an hour of simulated time while 100,000 messages come, each of which owes a SYNC.

Gateway, services, SQLite file and sockets are the real ones; only time is made: the loop's clock stands
still while anything is at work and jumps to the next timer when nothing is.  So the rate that is found
is that of the pacing and not of this machine.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from sms_gateway.gateway import SmsGateway
from sms_gateway.port import Acceptance, Lane, OutboundSms, Outcome, Receipt
from sms_gateway.settings import SmscSettings
from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.ports import MemoryInbox
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.unit.services_world import CHEAP_PINS, DEVICES
from vvm.domain.message import INBOX, Kind
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, ProvisioningStatus, Subscriber
from vvm.fronts.sms import NotificationOutbox
from vvm.services.credentials import MASTER_KEY_BYTES, Keyring
from vvm.services.device_codes import CodeTexts
from vvm.services.made_pins import MadePins, PinTexts
from vvm.services.notification import Notification
from vvm.services.owing import Owing
from vvm.services.pin_hash import PinHash
from vvm.services.retelling import Retelling
from vvm.services.settings import NotificationSettings, ServiceSettings
from vvm.store.hints.local import LocalHints
from vvm.store.port import Layout, NewMessage, NewSubscriber, Store
from vvm.store.sqlite import open_sqlite

pytestmark = pytest.mark.process

_BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_PHONES = 2000
_ROUNDS = 50
_HOUR = 3600.0
_RATE = 20.0
_AT_ONCE = 200
_MEMORY = 48 * 2**20
"""What 100,000 notifications would need in memory is twice that."""


class JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # chosen by the platform
    """Does not wait for a timer: it makes its moment come, unless something is at work."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.at_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self.at_work:
            return super().select(None)
        self.now += timeout
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: JumpingSelector) -> None:
        self._jumping = selector
        super().__init__(selector)

    def time(self) -> float:
        return self._jumping.now


class LoopClock:
    def __init__(self, selector: JumpingSelector) -> None:
        self._selector = selector

    def now(self) -> datetime:
        return _BEGIN + timedelta(seconds=self._selector.now)


class AtWork(NotificationOutbox):
    """Time stands still while the store's thread works for the gateway."""

    def __init__(self, notification: Notification, *, clock: LoopClock, selector: JumpingSelector) -> None:
        super().__init__(notification, clock=clock)
        self._selector = selector

    async def lease(self, limit: int, lane: Lane) -> Sequence[OutboundSms]:
        self._selector.at_work += 1
        try:
            return await super().lease(limit, lane)
        finally:
            self._selector.at_work -= 1

    async def segment_accepted(self, sms: OutboundSms, acceptance: Acceptance, *, smsc: str) -> None:
        self._selector.at_work += 1
        try:
            await super().segment_accepted(sms, acceptance, smsc=smsc)
        finally:
            self._selector.at_work -= 1

    async def settle(self, sms: OutboundSms, outcome: Outcome, *, smsc: str) -> None:
        self._selector.at_work += 1
        try:
            await super().settle(sms, outcome, smsc=smsc)
        finally:
            self._selector.at_work -= 1

    async def receipt(self, receipt: Receipt) -> None:
        self._selector.at_work += 1
        try:
            await super().receipt(receipt)
        finally:
            self._selector.at_work -= 1


def test_an_hour_without_smsc_costs_each_phone_one_sms_in_order_at_the_contracted_rate(
    tmp_path: Path,
) -> None:
    selector = JumpingSelector()
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(selector)) as runner:
        runner.run(_outage(tmp_path, selector))


async def _outage(folder: Path, selector: JumpingSelector) -> None:
    clock = LoopClock(selector)
    settings = NotificationSettings()
    port = free_port()
    arrivals: list[tuple[float, HandsetSms]] = []
    async with open_sqlite(folder / "vvm.db") as store:
        outbox = AtWork(_notification(store, clock, settings), clock=clock, selector=selector)
        gateway = SmsGateway(
            [SmscSettings(port=port, password="secret", rate=_RATE)], outbox, MemoryInbox(), clock=clock
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(gateway.run())
            subscribers = await _subscribers(store, selector)
            await _round(store, clock, settings, subscribers, selector)
            before = _resident()
            for _ in range(_ROUNDS - 1):
                await asyncio.sleep(_HOUR / (_ROUNDS - 1))
                await _round(store, clock, settings, subscribers, selector)
            assert selector.now >= _HOUR
            counts = await store.outbox.counts()
            assert (counts.owed, counts.dead) == (_PHONES, 0)

            smsc = SimulatedSmsc(
                SimulatorSettings(port=port), on_sms=lambda sms: arrivals.append((selector.now, sms))
            )
            async with smsc.running():
                await smsc.until(lambda: len(arrivals) >= _PHONES)
                assert _resident() - before < _MEMORY
                running.cancel()
                await asyncio.wait([running])
        assert (await store.outbox.counts()).owed == 0
    assert [sms.recipient.lstrip("+") for _, sms in arrivals] == [
        subscriber.msisdn.lstrip("+") for subscriber in subscribers
    ]
    assert {sms.text for _, sms in arrivals} == {f"//VVM:SYNC:ev=MBU;c={_ROUNDS}"}
    first, last = arrivals[0][0], arrivals[-1][0]
    assert _PHONES / (last - first) == pytest.approx(_RATE, rel=0.05)


def _notification(store: Store, clock: LoopClock, settings: NotificationSettings) -> Notification:
    service = ServiceSettings(imap_port=143)
    keyring = Keyring(b"k" * MASTER_KEY_BYTES)
    return Notification(
        store.outbox,
        store.subscribers,
        store.mailboxes,
        LocalHints(),
        keyring,
        classes=store.cos,
        retelling=Retelling(store.outbox, store.subscribers, LocalHints(), clock=clock, settings=settings),
        codes=CodeTexts(store.devices, keyring, clock=clock, service=service, settings=DEVICES),
        pins=PinTexts(
            MadePins(PinHash(keyring.pin_pepper, CHEAP_PINS), keyring), service=service, settings=CHEAP_PINS
        ),
        clock=clock,
        service=service,
        carriers=MappingProxyType({}),
        settings=settings,
    )


async def _subscribers(store: Store, selector: JumpingSelector) -> list[Subscriber]:
    made: list[Subscriber] = []
    selector.at_work += 1
    for start in range(0, _PHONES, _AT_ONCE):
        numbers = range(start, start + _AT_ONCE)
        made += await asyncio.gather(*(store.subscribers.create(_new(number)) for number in numbers))
    selector.at_work -= 1
    return made


def _new(number: int) -> NewSubscriber:
    return NewSubscriber(
        msisdn=Msisdn(f"+3361234{number:04}"),
        status=ProvisioningStatus.READY,
        client=ClientProfile(),
        language="eng",
        setup_done=True,
        max_messages=1000,
        imap_user=f"{number}@vvm.example.net",
        password_check=b"",
        password_sealed=b"",
        created_at=_BEGIN,
    )


async def _round(
    store: Store,
    clock: LoopClock,
    settings: NotificationSettings,
    subscribers: Sequence[Subscriber],
    selector: JumpingSelector,
) -> None:
    """A message for each subscriber, one after another as far as anybody can tell by the clock."""
    owing = Owing(clock, settings)
    selector.at_work += 1
    for start in range(0, len(subscribers), _AT_ONCE):
        await asyncio.gather(
            *(
                store.mailboxes.append(one.mailbox, INBOX, _message(clock), [owing.new_message(one)])
                for one in subscribers[start : start + _AT_ONCE]
            )
        )
    selector.at_work -= 1


def _message(clock: LoopClock) -> NewMessage:
    return NewMessage(
        kind=Kind.VOICE,
        caller="+33698765432",
        received_at=clock.now(),
        seconds=2,
        octets=b"Subject: hello\r\n\r\nhello",
        layout=Layout(b"Subject: hello\r\n\r\n", b"(NIL)", b"()", b"()", ()),
    )


def free_port() -> int:
    """A port where nobody listens, for an SMSC that comes later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _resident() -> int:
    """Octets of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
