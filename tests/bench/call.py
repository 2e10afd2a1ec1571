# SPDX-License-Identifier: Apache-2.0
"""From a caller's hang-up at a real Asterisk to the SYNC at the SMSC, and to the audio on the phone.

Each call is to a telephone of its own, so that no SYNC joins another.  Ten calls are there at a time and
none ends together with another: what one of them waits for is never the one before it.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import aiohttp

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.smsc import SimulatedSmsc
from tests.bench import report
from tests.bench.latency import api_of
from tests.bench.program import Program, running
from tests.peers.asterisk import packages
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import Speech, speak
from vvm.omtp.system import parse_system_sms
from vvm.simulator.imap import Account, ImapClient

_CALLS = 100
_SECONDS = 10.0
_APART = 1.3
"""Seconds between the beginnings of two calls."""
_TEXT = "Hello, this is a call for you. Please ring me back tomorrow in the morning, before ten o'clock. " * 3


def run(folder: Path) -> None:
    report.section(f"Main job: hang-up at Asterisk after {_SECONDS:.0f} s, to submit_sm, to the audio")
    asyncio.run(_run(folder / "call"))


class Phones:
    """What came for each number, and when the SYNC of it came."""

    def __init__(self) -> None:
        self.account: dict[str, Account] = {}
        self.synced: dict[str, tuple[int, float]] = {}
        """UID, and when."""
        self._news = asyncio.Event()

    def hear(self, sms: HandsetSms) -> None:
        system = parse_system_sms(sms.text or "", "//VVM")
        if system is not None and system.event == "STATUS":
            self.account[sms.recipient] = Account.of(system)
        elif system is not None:
            self.synced.setdefault(sms.recipient, (int(system.fields["id"]), time.perf_counter()))
        self._news.set()

    async def until_known(self, msisdn: str) -> Account:
        while msisdn not in self.account:
            await self._more()
        return self.account[msisdn]

    async def until_synced(self, msisdn: str) -> tuple[int, float]:
        while msisdn not in self.synced:
            await self._more()
        return self.synced[msisdn]

    async def _more(self) -> None:
        self._news.clear()
        await self._news.wait()


async def _run(folder: Path) -> None:
    folder.mkdir()
    speech = speak(_TEXT, seconds=_SECONDS, folder=folder)
    node = AsteriskServer(packages.asterisk())
    phones = Phones()
    smsc = SimulatedSmsc(on_sms=phones.hear)
    try:
        await node.start()
        async with (
            smsc.running(),
            running(folder, smsc_port=smsc.port, more=_capture(folder, node)) as program,
            api_of(program) as api,
        ):
            await smsc.until(lambda: smsc.bound > 0)
            numbers = [f"+336123{number:05}" for number in range(_CALLS)]
            for msisdn in numbers:
                await _activate(api, smsc, phones, msisdn)
            first = await _call(program, node, phones, numbers[0], speech)
            async with asyncio.TaskGroup() as group:
                calls = []
                for msisdn in numbers[1:]:
                    calls.append(group.create_task(_call(program, node, phones, msisdn, speech)))
                    await asyncio.sleep(_APART)
    finally:
        await node.remove()
    took = [call.result() for call in calls]
    report.percentiles("hang-up to submit_sm, the first call after the start", [first[0]])
    report.percentiles("hang-up to submit_sm", [told for told, _ in took])
    report.percentiles("submit_sm to the audio on the phone", [heard for _, heard in took])


def _capture(folder: Path, node: AsteriskServer) -> str:
    password = folder / "ari.password"
    password.write_text(node.ari_password.reveal(), encoding="utf-8")
    return f"""
[asterisk]
ari = "{node.ari_url}"
ari_password_file = "{password}"
greeting = "sound:hello"
goodbye = ""
"""


async def _activate(api: aiohttp.ClientSession, smsc: SimulatedSmsc, phones: Phones, msisdn: str) -> None:
    async with api.put(f"/v1/subscribers/{msisdn}", json={}) as answer:
        answer.raise_for_status()
    await smsc.send_mo(msisdn[1:], "5511", "Activate:pv=11;ct=bench")
    await phones.until_known(msisdn)


async def _call(
    program: Program, node: AsteriskServer, phones: Phones, msisdn: str, speech: Speech
) -> tuple[float, float]:
    """Seconds from the hang-up to the SYNC, and from there to the audio."""
    async with SipCaller(node.sip_address, number="+33698765432") as caller:
        await caller.call(msisdn)
        await caller.until_quiet()
        await caller.say(speech.pcmu)
        hung_up = time.perf_counter()
        await caller.hang_up()
    uid, told = await phones.until_synced(msisdn)
    account, address = phones.account[msisdn], ("127.0.0.1", program.imap)
    tls = ssl.create_default_context(cafile=str(program.certificate))
    async with ImapClient(account, tls, lambda _: None, address=address) as client:
        await client.fetch(uid)
    return told - hung_up, time.perf_counter() - told
