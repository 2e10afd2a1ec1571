# SPDX-License-Identifier: Apache-2.0
"""The SMSC and every handset behind it, in the test's process: they outlive the program."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from vvm.omtp.system import STATUS, SystemSms, parse_system_sms

PEOPLE = tuple(f"+3361234567{digit}" for digit in range(4))
SERVICE_NUMBER = "5511"
_SECONDS = 60.0


class Phones:
    """What each handset heard, by MSISDN."""

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        settings = settings or SimulatorSettings(receipts=False, remember=1)
        self.smsc = SimulatedSmsc(settings, on_sms=self._hear)
        self.synced: defaultdict[str, list[int]] = defaultdict(list)
        """UIDs of SYNC NM, with repetitions."""
        self.updated: defaultdict[str, list[int]] = defaultdict(list)
        """Counts of SYNC MBU."""
        self.told: defaultdict[str, list[SystemSms]] = defaultdict(list)
        """Every STATUS."""

    async def ask(self, msisdn: str, text: str) -> int:
        """Send a client SMS; the SMSC's view of its end, 0 for "the server has it"."""
        (status,) = await self.smsc.send_mo(msisdn.removeprefix("+"), SERVICE_NUMBER, text)
        return status

    async def activate(self, msisdns: Sequence[str]) -> None:
        """Make handsets active, as their users would."""
        await self.until(lambda: self.smsc.bound > 0)
        for msisdn in msisdns:
            assert await self.ask(msisdn, "Activate:pv=11;ct=test") == 0
        await self.until(lambda: all(self.told[msisdn] for msisdn in msisdns))
        assert {self.told[msisdn][-1].fields["st"] for msisdn in msisdns} == {"R"}

    def announced(self, msisdn: str) -> set[int]:
        """The messages that the phone knows of, in a mailbox where none was played or removed.

        A MBU whose count is n came after the first n messages: the phone then looks at all of them.
        """
        return set(self.synced[msisdn]) | set(range(1, max(self.updated[msisdn], default=0) + 1))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the SMSC sees."""
        async with asyncio.timeout(_SECONDS):
            await self.smsc.until(condition)

    def _hear(self, sms: HandsetSms) -> None:
        assert sms.text is not None
        heard = parse_system_sms(sms.text, "//VVM")
        assert heard is not None
        self._heard(sms.recipient, heard)

    def _heard(self, recipient: str, sms: SystemSms) -> None:
        if sms.event == STATUS:
            self.told[recipient].append(sms)
        else:
            self._hear_sync(recipient, sms)

    def _hear_sync(self, recipient: str, sync: SystemSms) -> None:
        if sync.fields["ev"] == "NM":
            self.synced[recipient].append(int(sync.fields["id"]))
        else:
            assert sync.fields["ev"] == "MBU"
            self.updated[recipient].append(int(sync.fields["c"]))


@asynccontextmanager
async def phones(settings: SimulatorSettings | None = None) -> AsyncIterator[Phones]:
    made = Phones(settings)
    async with made.smsc.running():
        yield made
