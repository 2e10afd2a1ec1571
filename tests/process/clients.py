# SPDX-License-Identifier: Apache-2.0
"""Those who talk to the program: operators over HTTP, handsets over IMAP, callers by the thousand."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

import aiohttp
import msgspec

from tests.process.program import Program
from vvm.omtp.system import SystemSms

_SECONDS = 30.0
_AT_A_TIME = 8

SPEECH = b"#!AMR\n" + 60 * (b"\x3c" + bytes(31))
"""1.2 seconds of AMR-NB at 12.2 kbit/s: taken as it is, so that a deposit costs little."""


class Order(msgspec.Struct, frozen=True):
    """One deposit, known by its caller."""

    recipient: str
    caller: str


class Api:
    """The HTTP API of a program, wherever it listens since its last start."""

    def __init__(self, program: Program, session: aiohttp.ClientSession) -> None:
        self.program = program
        self._session = session

    async def add(self, msisdn: str) -> None:
        assert (await self.call("PUT", f"subscribers/{msisdn}", json={}))[0] == 201

    async def change(self, msisdn: str, **fields: object) -> None:
        """A PATCH of the subscriber."""
        assert (await self.call("PATCH", f"subscribers/{msisdn}", json=fields))[0] == 200

    async def deposit(self, order: Order) -> int | None:
        """The UID, or None where the program refuses for now.  Raises aiohttp.ClientError."""
        status, answer = await self.call(
            "POST",
            f"subscribers/{order.recipient}/messages",
            params={"from": order.caller},
            headers={"Idempotency-Key": order.caller},
            data=SPEECH,
        )
        if status == 503:
            return None
        assert status in {200, 201}, answer
        uid: int = answer["uid"]
        return uid

    async def deposit_speech(self, msisdn: str) -> None:
        assert await self.deposit(Order(msisdn, "+33698765432")) is not None

    async def show(self, msisdn: str) -> dict[str, object]:
        status, answer = await self.call("GET", f"subscribers/{msisdn}")
        assert status == 200
        found: dict[str, object] = answer
        return found

    async def rotate(self, msisdn: str) -> None:
        assert (await self.call("POST", f"subscribers/{msisdn}/password"))[0] == 200

    async def until_a_dead_letter(self) -> None:
        """Ask until there is one."""
        async with asyncio.timeout(_SECONDS):
            while not (await self.call("GET", "notifications/dead"))[1]["notifications"]:
                pass

    async def messages(self, msisdn: str) -> list[tuple[int, str]]:
        """UID and caller of every message."""
        return [(message["uid"], message["caller"]) for message in await self._listed(msisdn)]

    async def callers(self, msisdn: str) -> list[str | None]:
        return [message["caller"] for message in await self._listed(msisdn)]

    async def times(self, msisdn: str) -> list[datetime]:
        return [datetime.fromisoformat(message["received_at"]) for message in await self._listed(msisdn)]

    async def heard(self, msisdn: str) -> list[bool]:
        return [message["seen"] for message in await self._listed(msisdn)]

    async def _listed(self, msisdn: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page: dict[str, str] = {"limit": "1000"}
        while True:
            status, answer = await self.call("GET", f"subscribers/{msisdn}/messages", params=page)
            assert status == 200
            found += answer["messages"]
            if answer["next"] is None:
                return found
            page["cursor"] = answer["next"]

    async def closed(self, msisdn: str) -> list[str]:
        """How the notifications to a number ended, in their order."""
        status, answer = await self.call("GET", f"subscribers/{msisdn}/timeline")
        assert status == 200
        return [entry["outcome"] for entry in answer["entries"] if entry["event"] == "closed"]

    async def until_closed(self, msisdn: str, outcomes: list[str]) -> None:
        """Ask until the notifications to a number have ended so."""
        async with asyncio.timeout(_SECONDS):
            while (found := await self.closed(msisdn)) != outcomes:
                assert len(found) <= len(outcomes), found

    async def figure(self, sample: str) -> float:
        """The value of one sample of /metrics, written as it is there."""
        return (await self._figures())[sample]

    async def until_figure(self, sample: str, value: float) -> None:
        """Ask until a sample, which may not be there yet, has this value."""
        async with asyncio.timeout(_SECONDS):
            while (await self._figures()).get(sample) != value:
                pass

    async def _figures(self) -> dict[str, float]:
        url = f"http://127.0.0.1:{self.program.http_port}/metrics"
        async with self._session.get(url) as response:
            lines = [line for line in (await response.text()).splitlines() if not line.startswith("#")]
        samples = [line.rpartition(" ") for line in lines]
        return {name: float(value) for name, _, value in samples}

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON of one request under /v1."""
        url = f"http://127.0.0.1:{self.program.http_port}/v1/{path}"
        headers = {"Authorization": f"Bearer {self.program.token}"} | options.pop("headers", {})
        async with self._session.request(method, url, headers=headers, **options) as response:
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def api_of(program: Program) -> AsyncIterator[Api]:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Api(program, session)


class Callers:
    """Deposits every order, eight at a time, each again and again until it is acknowledged."""

    def __init__(self, api: Api, orders: Sequence[Order]) -> None:
        self._api = api
        self._orders = iter(orders)
        self._news = asyncio.Condition()
        self.acknowledged: dict[Order, int] = {}
        """UID by order."""
        self.broken = 0
        """Attempts that had no answer."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_A_TIME):
                tasks.create_task(self._work())

    async def reached(self, count: int) -> None:
        """Wait until so many deposits are acknowledged."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.acknowledged) >= count)

    async def _work(self) -> None:
        for order in self._orders:
            uid = None
            while uid is None:
                uid = await self._attempt(order)
            self.acknowledged[order] = uid
            async with self._news:
                self._news.notify_all()

    async def _attempt(self, order: Order) -> int | None:
        await self._api.program.up.wait()
        try:
            return await self._api.deposit(order)
        except aiohttp.ClientError:
            self.broken += 1
            assert not self._api.program.up.is_set(), "the program hung up by itself"
            return None


class MailClient:
    """A handset's session: the calls of imaplib that the tests need, each of which must succeed."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self._connection = connection

    def callers(self) -> list[tuple[int, str]]:
        """UID and caller of every message."""
        found = []
        for item in self._ok(self._connection.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER])")):
            if isinstance(item, tuple):
                prefix, header = item
                uid = int(prefix.split(b"UID ")[1].split()[0])
                _, address = parseaddr(message_from_bytes(header)["From"])
                found.append((uid, address.partition("@")[0]))
        return found

    def whole(self) -> dict[int, bytes]:
        """Every message as it is on the wire, by UID."""
        answer = self._ok(self._connection.uid("FETCH", "1:*", "(UID BODY.PEEK[])"))
        return {
            int(item[0].split(b"UID ")[1].split()[0]): item[1] for item in answer if isinstance(item, tuple)
        }

    def flags(self) -> dict[int, set[bytes]]:
        """Flags by UID."""
        answer = self._ok(self._connection.uid("FETCH", "1:*", "(UID FLAGS)"))
        return {
            int(item.split(b"UID ")[1].split()[0].rstrip(b")")): set(imaplib.ParseFlags(item))
            for item in answer
            if item
        }

    def mark(self, uids: Sequence[int], flag: str) -> None:
        self._ok(self._connection.uid("STORE", ",".join(map(str, uids)), "+FLAGS", flag))

    def expunge(self) -> None:
        self._ok(self._connection.expunge())

    @staticmethod
    def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
        assert answer[0] == "OK", answer
        return answer[1]


@contextmanager
def inbox(program: Program, status: SystemSms) -> Iterator[MailClient]:
    """Log in with what STATUS told, and select INBOX.  Blocks: call it in a thread."""
    connection = imaplib.IMAP4("localhost", program.imap_port, timeout=_SECONDS)
    try:
        connection.starttls(ssl.create_default_context(cafile=program.certificate))
        connection.login(status.fields["u"], status.fields["pw"])
        assert connection.select("INBOX")[0] == "OK"
        yield MailClient(connection)
    finally:
        connection.shutdown()
