# SPDX-License-Identifier: Apache-2.0
"""The world in memory: ``ImapServer`` over real sockets, the mail store a dictionary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from imap_server.metrics import Metrics
from imap_server.proxied import NO_BALANCERS, Balancers
from imap_server.server import ImapServer, Listener
from imap_server.settings import ImapSettings
from tests.dialogues.certificate import contexts
from tests.dialogues.mail import voice_message
from tests.dialogues.memory_backend import Entry, MemoryBackend, StrictAccount
from tests.dialogues.memory_folder import Folder
from tests.dialogues.memory_mail import MailAccount
from tests.dialogues.world import Credentials, Standing

START = datetime(2026, 3, 7, 18, 17, tzinfo=UTC)

QUICK = ImapSettings(
    failed_login_seconds=0.0,
    max_failed_logins=20,
    server_id=(("name", "vvm"),),
    linger_seconds=0.1,
    sweep_seconds=0.05,
)
"""Settings for dialogues: refused logins are answered at once, and nobody is waited for."""


class MemoryWorld:
    """tests.dialogues.world.World."""

    host = "127.0.0.1"

    def __init__(self, server: ImapServer, backend: MemoryBackend) -> None:
        self.server = server
        self.backend = backend
        self.port, self.tls_port = server.ports
        self.tls = contexts()[1]
        self._deposits = 0

    async def provide(
        self, msisdn: str, *, messages: int, standing: Standing = Standing.ACTIVE
    ) -> Credentials:
        """User name and password follow from the number, so that failures repeat."""
        credentials = Credentials(f"{msisdn.strip('+')}@vvm.example.net", f"secret{msisdn[-4:]}")
        kind = MailAccount if standing is Standing.MAIL_CLIENT else StrictAccount
        account = kind(credentials.user, self.backend.power)
        self.backend.entries[credentials.user] = Entry(account, credentials.password, standing)
        for _ in range(messages):
            await self.deposit(msisdn, seconds=1.0, caller="+15551230001")
        return credentials

    async def deposit(
        self, msisdn: str, *, seconds: float, caller: str, transcript: str | None = None
    ) -> int:
        """Messages arrive a minute apart."""
        self._deposits += 1
        moment = START + timedelta(minutes=self._deposits)
        octets = voice_message(
            number=self._deposits,
            caller=caller,
            called=msisdn,
            seconds=seconds,
            moment=moment,
            transcript=transcript,
        )
        return self.inbox(msisdn).append(octets, moment + timedelta(seconds=1))

    async def block(self, msisdn: str) -> None:
        """For later logins only: what an open session may do is the product's matter."""
        user = f"{msisdn.strip('+')}@vvm.example.net"
        entry = self.backend.entries[user]
        self.backend.entries[user] = Entry(entry.account, entry.password, Standing.BLOCKED)

    async def forget_changes(self) -> None:
        """In every folder of everybody."""
        for entry in self.backend.entries.values():
            for folder in entry.account.folders.values():
                folder.forgotten = folder.modseq

    async def outage(self, *, down: bool) -> None:
        """Every storage call fails, or none."""
        self.backend.power.down = down

    def inbox(self, msisdn: str) -> Folder:
        """For tests that look behind the scenes."""
        return self.backend.entries[f"{msisdn.strip('+')}@vvm.example.net"].account.folders["INBOX"]


@asynccontextmanager
async def memory_world(
    settings: ImapSettings = QUICK,
    *,
    metrics: Metrics | None = None,
    clear: bool = False,
    balancers: Balancers = NO_BALANCERS,
) -> AsyncIterator[MemoryWorld]:
    """A running world; ``clear`` offers no TLS on the clear port."""
    backend = MemoryBackend()
    server = ImapServer(
        backend, settings, tls=None if clear else contexts()[0], metrics=metrics, balancers=balancers
    )
    server.bind([Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, implicit_tls=not clear)])
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        try:
            yield MemoryWorld(server, backend)
        finally:
            await server.stop(1.0)
