# SPDX-License-Identifier: Apache-2.0
"""A session without a socket, whose peer agrees to everything: for laws over many commands."""

from __future__ import annotations

from datetime import UTC, datetime

from imap_server.backend import Peer
from imap_server.commands import STANDARD, capabilities
from imap_server.dispatch import table
from imap_server.metrics import NoMetrics
from imap_server.session import Session
from imap_server.settings import ImapSettings
from tests.dialogues.mail import voice_message
from tests.dialogues.memory_backend import MemoryBackend

COMMANDS = table(STANDARD)
MOMENT = datetime(2026, 3, 7, 18, 17, tzinfo=UTC)
MESSAGE = voice_message(
    number=1, caller="+1555", called="+1556", seconds=0.1, moment=MOMENT, transcript="hello"
)


class AgreeableLink:
    """A peer that reads everything, gives up a login when asked, and ends IDLE at once."""

    async def flush(self) -> None:
        pass

    async def ask(self) -> bytes:
        return b"*"

    async def rest(self, seconds: float) -> bytes | None:
        return b"DONE"

    def wake(self) -> None:
        pass

    async def breathe(self) -> None:
        pass

    async def pause(self, seconds: float) -> None:
        pass

    async def start_tls(self) -> None:
        pass

    @property
    def compressed(self) -> bool:
        return False

    async def compress(self) -> None:
        pass

    def logged_in(self, *, appends: bool) -> None:
        pass


def new_session(backend: MemoryBackend) -> Session:
    """Nobody has logged in."""
    return Session(
        backend=backend,
        settings=ImapSettings(),
        metrics=NoMetrics(),
        capabilities=capabilities(COMMANDS),
        tls_available=True,
        peer=Peer("127.0.0.1", tls=True, connection_id=1),
        link=AgreeableLink(),
    )
