# SPDX-License-Identifier: Apache-2.0
"""The load: ``python -m tests.peers.cluster.load PLAN``.  Plays callers, phones and the SMSC.

Says ``ready`` when everybody is at work, then how many deposits were acknowledged, and how many tries were
not.  SIGTERM: no new
deposit begins, everything owed is waited for, and the record is closed.  What is missing by then the
checker will find.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import ssl
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import asyncpg
import msgspec

from sms_gateway.errors import NotSent, OutcomeUnknown
from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.settings import SimulatorSettings
from tests.peers.cluster.plan import BUSY, QUIET, NodeAddress, Plan
from tests.peers.cluster.record import (
    Again,
    Asked,
    Begun,
    Changed,
    Changing,
    Counted,
    Deposited,
    Lost,
    Pen,
    Told,
)
from tests.peers.cluster.speech import speech
from tests.process.phones import Phones
from vvm.omtp.system import STATUS, SystemSms
from vvm.simulator.imap import Account, ClientFailed, ImapClient

_CALLERS = 3
_PAUSE_SECONDS = 0.1
"""Between two deposits of a caller, two looks of a phone, two tries."""
_PATIENCE_SECONDS = 4.0
"""What a caller or a phone waits for an answer."""
_SILENCE_SECONDS = 3.0
"""A phone in IDLE that hears nothing for so long asks whether somebody is there."""
_OWED_SECONDS = 60.0
_KEEP_EVERY = 3
"""Of so many messages of the busy one is deleted, the others are marked."""

_GONE = (OSError, ClientFailed, TimeoutError, asyncio.IncompleteReadError)


class NotedPhones(Phones):
    """Phones whose SMS are noted."""

    def __init__(self, pen: Pen, settings: SimulatorSettings) -> None:
        super().__init__(settings)
        self._pen = pen

    def _hear(self, sms: HandsetSms) -> None:
        self._segments = len(sms.segments)
        super()._hear(sms)

    def _heard(self, recipient: str, sms: SystemSms) -> None:
        super()._heard(recipient, sms)
        told = Told(msisdn=recipient, segments=self._segments)
        if sms.event == STATUS:
            told = msgspec.structs.replace(told, user=sms.fields["u"], password=sms.fields["pw"])
        elif sms.fields["ev"] == "NM":
            told = msgspec.structs.replace(told, uid=int(sms.fields["id"]))
        else:
            told = msgspec.structs.replace(told, count=int(sms.fields["c"]))
        self._pen.note(told)


class Load:
    def __init__(self, plan: Plan, pen: Pen, phones: Phones, http: aiohttp.ClientSession) -> None:
        self._plan = plan
        self._pen = pen
        self._phones = phones
        self._http = http
        self._numbers = itertools.count(1)
        self._ending = asyncio.Event()
        self._idling = 0
        self._tls = ssl.create_default_context(cafile=plan.certificate)

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._ending.set)
        await self._populate()
        async with asyncio.TaskGroup() as everybody:
            waiting = [
                everybody.create_task(self._idle(node, msisdn))
                for node in self._plan.nodes
                for msisdn in QUIET
            ]
            while self._idling < len(waiting):  # noqa: ASYNC110 - many places would have to tell
                await asyncio.sleep(_PAUSE_SECONDS)
            say("ready")
            async with asyncio.TaskGroup() as working:
                for number in range(_CALLERS):
                    working.create_task(self._call(number))
                for number, msisdn in enumerate(BUSY):
                    working.create_task(self._fetch(msisdn, number))
                working.create_task(self._ask())
            with suppress(TimeoutError):
                async with asyncio.timeout(_OWED_SECONDS):
                    while self._owed():  # noqa: ASYNC110 - as above
                        await asyncio.sleep(_PAUSE_SECONDS)
                    await self._nothing_owed()
            for task in waiting:
                task.cancel()

    def _owed(self) -> bool:
        pen = self._pen
        return bool(pen.unannounced() or pen.unanswered_phones() or pen.behind())

    async def _nothing_owed(self) -> None:
        """The nodes may owe a phone more than it needs, and our end is the end of the SMSC."""
        connection = await asyncpg.connect(self._plan.database)
        owed = "SELECT EXISTS (SELECT FROM outbox WHERE state = 'owed')"
        while await connection.fetchval(owed):  # noqa: ASYNC110 - as above
            await asyncio.sleep(_PAUSE_SECONDS)
        await connection.close()

    async def _populate(self) -> None:
        for msisdn in (*QUIET, *BUSY):
            node = self._plan.nodes[0]
            async with self._http.put(
                f"http://{node.host}:{node.http}/v1/subscribers/{msisdn}", json={}
            ) as answer:
                assert answer.status == 201
        await self._phones.activate((*QUIET, *BUSY))

    # Callers

    async def _call(self, number: int) -> None:
        people = itertools.cycle((*QUIET, *BUSY))
        nodes = self._rotation(number)
        while not self._ending.is_set():
            key = f"+3369{next(self._numbers):07}"
            msisdn = next(people)
            self._pen.note(Begun(msisdn=msisdn, key=key))
            while (uid := await self._deposit(node := next(nodes), msisdn, key)) is None:  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_SECONDS)
            self._pen.note(Deposited(msisdn=msisdn, key=key, uid=uid, node=node.name))
            self._tell()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _deposit(self, node: NodeAddress, msisdn: str, key: str) -> int | None:
        """The UID; None where another node is to be tried."""
        try:
            async with self._http.post(
                f"http://{node.host}:{node.http}/v1/subscribers/{msisdn}/messages",
                params={"from": key},
                headers={"Idempotency-Key": key},
                data=speech(key),
            ) as answer:
                if answer.status in {200, 201}:
                    uid: int = (await answer.json())["uid"]
                    return uid
                why = str(answer.status)
                assert answer.status == 503, await answer.text()
        except aiohttp.ClientConnectorError as error:
            why = "refused" if isinstance(error.os_error, ConnectionRefusedError) else "no connection"
        except (aiohttp.ClientError, TimeoutError) as error:
            why = type(error).__name__
        self._pen.note(Again(key=key, node=node.name, why=why))
        self._tell()
        return None

    def _tell(self) -> None:
        say(f"{len(self._pen.deposits)} {len(self._pen.again())}")

    # Phones

    async def _idle(self, home: NodeAddress, msisdn: str) -> None:
        """A phone whose place is on one node; it goes to the next while that does not take it."""
        first = True
        for node in self._rotation(self._plan.nodes.index(home)):
            client = self._client(node, msisdn)
            stood = False
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await client.__aenter__()
                    lines = await client.command('SELECT "INBOX"')
                self._count(home, msisdn, lines)
                stood = True
                self._idling += first
                first = False
                await self._wait_in_idle(client, home, msisdn)
            except _GONE as error:
                if stood:
                    self._pen.note(Lost(node=node.name, kind="idle", why=str(error) or type(error).__name__))
                await asyncio.sleep(_PAUSE_SECONDS)
            finally:
                client.cut()

    async def _wait_in_idle(self, client: PhoneClient, home: NodeAddress, msisdn: str) -> None:
        """Until the connection is lost, which a question from time to time finds out."""
        while True:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await client.begin_idle()
            lines: list[bytes] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE_SECONDS):
                    while True:
                        self._count(home, msisdn, [await client.news()])
            async with asyncio.timeout(_PATIENCE_SECONDS):
                lines = await client.end_idle()
            self._count(home, msisdn, lines)

    def _count(self, home: NodeAddress, msisdn: str, lines: list[bytes]) -> None:
        for line in lines:
            if line.endswith(b" EXISTS"):
                self._pen.note(Counted(node=home.name, msisdn=msisdn, messages=int(line.split()[1])))

    async def _fetch(self, msisdn: str, number: int) -> None:
        """The phone of a busy person: sync sessions, each on the next node."""
        heard: set[int] = set()
        for node in self._rotation(number):
            if self._ending.is_set():
                return
            client = self._client(node, msisdn)
            stood = False
            try:
                async with asyncio.timeout(2 * _PATIENCE_SECONDS):
                    await client.__aenter__()
                    stood = True
                    for uid in await client.list_uids():
                        if uid not in heard:
                            await self._hear(client, msisdn, uid)
                            heard.add(uid)
                    await client.leave()
            except _GONE as error:
                if stood:
                    self._pen.note(Lost(node=node.name, kind="sync", why=str(error) or type(error).__name__))
            finally:
                client.cut()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _hear(self, client: ImapClient, msisdn: str, uid: int) -> None:
        fetched = await client.fetch(uid)
        assert fetched.audio == speech(fetched.caller), f"{msisdn} {uid}: not what was said"
        deleted = uid % _KEEP_EVERY == 0
        self._pen.note(Changing(msisdn=msisdn, uid=uid, deleted=deleted))
        await (client.delete(uid) if deleted else client.mark_played(uid))
        self._pen.note(Changed(msisdn=msisdn, uid=uid, deleted=deleted))

    async def _ask(self) -> None:
        """Phones ask for their STATUS, one after another; never twice in the same words, for that is the
        redelivery of an SMS.
        """
        for number, msisdn in enumerate(itertools.cycle((*QUIET, *BUSY))):
            if self._ending.is_set():
                return
            begun = Asked(msisdn=msisdn, begun=0).at
            with suppress(NotSent, OutcomeUnknown, TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    if await self._phones.ask(msisdn, f"STATUS:pv=11;ct=phone{number}") == 0:
                        self._pen.note(Asked(msisdn=msisdn, begun=begun))
            await asyncio.sleep(_PAUSE_SECONDS)

    def _client(self, node: NodeAddress, msisdn: str) -> PhoneClient:
        fields = self._phones.told[msisdn][-1].fields
        account = Account("localhost", node.imap, fields["u"], fields["pw"])
        return PhoneClient(account, self._tls, lambda _: None, address=(node.host, node.imap))

    def _rotation(self, first: int) -> Iterator[NodeAddress]:
        nodes = self._plan.nodes
        return itertools.cycle((*nodes[first % len(nodes) :], *nodes[: first % len(nodes)]))


class PhoneClient(ImapClient):
    """With IDLE, which AOSP does not speak."""

    _leaving = False
    _told = False
    """BYE came while it was leaving: that of LOGOUT, or of a stop that was faster and answers no more."""

    async def leave(self) -> None:
        self._leaving = True
        try:
            await self.command("LOGOUT")
        except ClientFailed:
            if not self._told:
                raise

    async def begin_idle(self) -> None:
        self._writer.write(b"i IDLE\r\n")
        self._early: list[bytes] = []
        while not (line := await self._line()).startswith(b"+"):
            self._early.append(line)

    async def news(self) -> bytes:
        return self._early.pop() if self._early else await self._line()

    async def end_idle(self) -> list[bytes]:
        """What came before the end."""
        self._writer.write(b"DONE\r\n")
        lines = []
        while not (line := await self._line()).startswith(b"i "):
            lines.append(line)
        return lines

    def cut(self) -> None:
        """Without a word; also what never stood."""
        if hasattr(self, "_writer"):
            self._writer.transport.abort()

    async def _line(self) -> bytes:
        line = await super()._line()
        if line.startswith(b"* BYE"):
            if not self._leaving:
                raise ClientFailed(line.decode())
            self._told = True
        return line


def say(text: str) -> None:
    print(text, flush=True)


async def main(path: str) -> None:
    plan = Plan.read(path)
    pen = Pen(Path(plan.record))
    settings = SimulatorSettings(host=plan.smsc_host, port=plan.smsc_port, receipts=False, remember=1)
    phones = NotedPhones(pen, settings)
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_SECONDS)
    headers = {"Authorization": f"Bearer {plan.token}"}
    # A connection a deposit: one that is kept may be closed just as the next deposit is sent on it.
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        phones.smsc.running(),
        aiohttp.ClientSession(timeout=timeout, headers=headers, connector=connector) as http,
    ):
        await Load(plan, pen, phones, http).run()
    pen.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
