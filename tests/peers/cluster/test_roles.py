# SPDX-License-Identifier: Apache-2.0
"""Every kind of machine of conf/cluster does its part of the main job, and none does another's.

Its balancer hides that a machine is restarted.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.settings import SimulatorSettings
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import Speech, likeness
from tests.peers.cluster.roles import Balanced, roles
from tests.peers.test_main_job import heard, spoken
from tests.process.clients import SPEECH
from tests.process.phones import PEOPLE, Phones
from vvm.simulator.imap import Account, ImapClient

pytestmark = [pytest.mark.peers, pytest.mark.process]

ALICE, BOB = PEOPLE[:2]
CALLER = "+33698765432"
PAST = b"* BYE only by way of our load balancers\r\n"
_SECONDS = 60.0


class Handsets(Phones):
    """Those without a client of voicemail have a lamp."""

    def __init__(self) -> None:
        super().__init__(SimulatorSettings(receipts=False, remember=1))
        self.lamps: defaultdict[str, list[int]] = defaultdict(list)

    def _hear(self, sms: HandsetSms) -> None:
        if sms.indication is None:
            super()._hear(sms)
        else:
            self.lamps[sms.recipient].append(sms.indication.count or 0)


class World:
    """Whoever comes by the balancer."""

    def __init__(self, balanced: Balanced, http: aiohttp.ClientSession, handsets: Handsets) -> None:
        self.balanced = balanced
        self.handsets = handsets
        self._http = http

    async def call(self, method: str, path: str, **options: Any) -> Any:
        url = f"http://127.0.0.1:{self.balanced.api}/v1/{path}"
        async with self._http.request(method, url, **options) as answer:
            assert answer.status in {200, 201}, await answer.text()
            return await answer.json()

    async def messages(self, msisdn: str) -> list[tuple[int, bool]]:
        """UID, and whether it was heard."""
        answer = await self.call("GET", f"subscribers/{msisdn}/messages")
        return [(message["uid"], message["seen"]) for message in answer["messages"]]

    async def deposit(self, msisdn: str) -> int:
        """Its UID."""
        path = f"subscribers/{msisdn}/messages"
        answer = await self.call("POST", path, params={"from": CALLER}, data=SPEECH)
        uid: int = answer["uid"]
        return uid

    def phone(self, msisdn: str) -> ImapClient:
        """It goes where STATUS has told it to."""
        account = Account.of(self.handsets.told[msisdn][-1])
        assert account.port == self.balanced.imap
        tls = ssl.create_default_context(cafile=self.balanced.certificate)
        return ImapClient(account, tls, lambda _: None)


@asynccontextmanager
async def world(balanced: Balanced, handsets: Handsets) -> AsyncIterator[World]:
    headers = {"Authorization": f"Bearer {balanced.token}"}
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        yield World(balanced, http, handsets)


async def greeting(port: int) -> bytes:
    """What somebody hears who is no balancer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
    try:
        return await reader.readline()
    finally:
        writer.transport.abort()


async def test_a_call_passes_through_every_machine_and_its_flags_come_back(
    tmp_path: Path, asterisk: AsteriskServer, speech: Speech
) -> None:
    handsets = Handsets()
    async with (
        handsets.smsc.running(),
        roles(tmp_path, asterisk, smsc_port=handsets.smsc.port) as cluster,
        world(cluster.world, handsets) as outside,
    ):
        assert await greeting(cluster.machines["imap1"].imap_port) == PAST
        for msisdn in (ALICE, BOB):
            await outside.call("PUT", f"subscribers/{msisdn}", json={"fallback": "mwi"})
        await handsets.activate([ALICE])

        async with SipCaller(asterisk.sip_address, number=CALLER) as phone:
            await phone.call(ALICE)
            await phone.until_quiet()
            await phone.say(speech.pcmu)
            await phone.hang_up()
        await handsets.until(lambda: handsets.synced[ALICE] == [1])
        async with outside.phone(ALICE) as client:
            fetched = await client.fetch(1)
            assert fetched.caller == CALLER
            assert likeness(spoken(speech), heard(fetched.audio)) > 0.9
            assert await outside.messages(ALICE) == [(1, False)]
            await client.mark_played(1)
            assert await outside.messages(ALICE) == [(1, True)]
            await outside.deposit(ALICE)
            await handsets.until(lambda: handsets.synced[ALICE] == [1, 2])
            assert await client.list_uids() == [1, 2]
            await client.delete(1)
            assert await client.list_uids() == [2]
        assert await outside.messages(ALICE) == [(2, False)]

        await outside.deposit(BOB)  # who has no client
        await handsets.until(lambda: handsets.lamps[BOB] == [1])
        for name, machine in cluster.machines.items():
            assert machine.running, name
            assert not machine.logged("statement_refused"), name


async def test_machines_of_the_api_are_restarted_one_after_the_other_and_no_caller_notices(
    tmp_path: Path, asterisk: AsteriskServer
) -> None:
    """Not even a refused connection: that is the balancer's."""
    handsets = Handsets()
    uids: list[int] = []
    ended = asyncio.Event()
    async with (
        handsets.smsc.running(),
        roles(tmp_path, asterisk, smsc_port=handsets.smsc.port) as cluster,
        world(cluster.world, handsets) as outside,
    ):

        async def call() -> None:
            while not ended.is_set():
                uids.append(await outside.deposit(ALICE))

        async def until_called(name: str) -> None:
            """By way of the balancer, since now: there is no other."""
            machine = cluster.machines[name]
            before = len(machine.logged("request_served", method="POST"))
            await machine.until_logged("request_served", method="POST", count=before + 3)

        await outside.call("PUT", f"subscribers/{ALICE}", json={"max_messages": 100_000})
        async with asyncio.TaskGroup() as callers:
            for _ in range(3):
                callers.create_task(call())
            for name in ("api1", "api2"):
                await until_called(name)
                cluster.machines[name].terminate()
                assert await cluster.machines[name].ended() == 0
                await cluster.machines[name].start()
                await until_called(name)  # the next one goes when the balancer has this one again
            ended.set()
    assert sorted(uids) == list(range(1, len(uids) + 1))
