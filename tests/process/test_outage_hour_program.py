# SPDX-License-Identifier: Apache-2.0
"""An hour without an SMSC for the real program, whose clock runs sixty times as fast (libfaketime).

100,000 messages come in by a process beside it, as from a node that takes calls.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.contract.samples import new_message, new_subscriber
from tests.process.program import Program
from tests.process.test_doctor import FAKETIME
from tests.process.test_outage_hour import free_port
from vvm.domain.clock import SystemClock
from vvm.domain.message import INBOX
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.services.owing import Owing
from vvm.services.settings import NotificationSettings
from vvm.store.port import Store
from vvm.store.sqlite import open_sqlite

pytestmark = pytest.mark.process

SPEED = 60
HOUR = timedelta(hours=1)
PHONES = 2000
ROUNDS = 50
AT_ONCE = 200
RATE = 5.0
"""SMS a second of the program's clock, as contracted: 300 of ours."""
IN_HANDS = 40
"""At most so many are sent at a time: one that is given back - a busy machine is late with the renewal of
its part of the rate, which is good for 0.1 seconds of ours - goes out behind them."""
MEMORY = 32 * 2**20
"""What 100,000 notifications would need in memory is several times that."""
SECONDS = 300.0
PATIENT = {
    "VVM_NOTIFICATION__LEASE_SECONDS": "86400",
    "VVM_SMS__SMSC__0__RATE": str(RATE),
    **{
        f"VVM_SMS__SMSC__0__{name}_SECONDS": "7200.0"
        for name in ("CONNECT", "BIND", "RESPONSE", "ENQUIRE", "ENQUIRE_RESPONSE")
    },
}
"""A second of ours is a minute of the program's: what the SMSC may take must not be over at once."""


async def test_an_hour_without_smsc_costs_each_phone_one_sms_in_order_at_the_contracted_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FAKETIME is not None, "apt-get install -y --no-install-recommends faketime"
    for variable, value in PATIENT.items():
        monkeypatch.setenv(variable, value)
    port = free_port()
    fast = ("env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME=+0 x{SPEED}")
    program = Program(tmp_path, smsc_port=port, within=fast)
    try:
        await program.start()
        async with open_sqlite(tmp_path / "var" / "vvm.db") as store:
            subscribers = await add_subscribers(store)
            before = program.memory_bytes()
            await owe_for_an_hour(program, store, subscribers)
            counts = await store.outbox.counts()
            assert (counts.owed, counts.dead) == (PHONES, 0)
            arrivals = await drain(port)
            assert program.peak_memory_bytes() - before < MEMORY
    finally:
        await program.end()
    places = {subscriber.msisdn.lstrip("+"): place for place, subscriber in enumerate(subscribers)}
    order = [places[sms.recipient.lstrip("+")] for _, sms in arrivals]
    assert sorted(order) == list(range(PHONES))
    assert max(abs(place - number) for number, place in enumerate(order)) <= IN_HANDS
    assert {sms.text for _, sms in arrivals} == {f"//VVM:SYNC:ev=MBU;c={ROUNDS}"}
    taken = (arrivals[-1][0] - arrivals[0][0]) * SPEED
    assert (PHONES - 1) / taken <= RATE * 1.05  # never faster; slower only where this machine is


async def add_subscribers(store: Store) -> list[Subscriber]:
    made: list[Subscriber] = []
    for start in range(0, PHONES, AT_ONCE):
        new = (
            new_subscriber(Msisdn(f"+3361234{number:04}"), status=ProvisioningStatus.READY, max_messages=1000)
            for number in range(start, start + AT_ONCE)
        )
        made += await asyncio.gather(*map(store.subscribers.create, new))
    return made


async def owe_for_an_hour(program: Program, store: Store, subscribers: list[Subscriber]) -> None:
    """A message for each in every round, until an hour is over by the program's own clock."""
    begun = now_in(program)
    for done in range(1, ROUNDS + 1):
        await deposit_for_each(store, subscribers)
        async with asyncio.timeout(SECONDS):
            while now_in(program) < begun + HOUR * done / ROUNDS:
                # It tries to bind once a minute, and says each time that nobody is there.
                await program.until_logged("smsc_lost", count=len(program.logged("smsc_lost")) + 1)


async def deposit_for_each(store: Store, subscribers: list[Subscriber]) -> None:
    owing = Owing(SystemClock(), NotificationSettings())
    for start in range(0, PHONES, AT_ONCE):
        await asyncio.gather(
            *(
                store.mailboxes.append(each.mailbox, INBOX, new_message(), [owing.new_message(each)])
                for each in subscribers[start : start + AT_ONCE]
            )
        )


def now_in(program: Program) -> datetime:
    """The program's time when it last said anything."""
    return datetime.fromisoformat(program.last_line()["timestamp"])


async def drain(port: int) -> list[tuple[float, HandsetSms]]:
    """The SMSC is back: what it takes, with the moment of each by our clock."""
    loop = asyncio.get_running_loop()
    arrivals: list[tuple[float, HandsetSms]] = []
    settings = SimulatorSettings(port=port, receipts=False, remember=1)
    smsc = SimulatedSmsc(settings, on_sms=lambda sms: arrivals.append((loop.time(), sms)))
    async with smsc.running(), asyncio.timeout(SECONDS):
        await smsc.until(lambda: len(arrivals) >= PHONES)
    return arrivals
