# SPDX-License-Identifier: Apache-2.0
"""A storage call that fails never becomes an answer: every command, at every call it makes (row IMAP-05).

AOSP takes NO, or OK with nothing, for an empty mailbox, and deletes what it holds.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from imap_server.backend import Peer, Unavailable
from imap_server.commands import STANDARD
from imap_server.dispatch import execute, table
from imap_server.session import NOT_LOGGED_IN, Session
from imap_server.wire.framer import Frame
from tests.dialogues.memory_backend import Entry, MemoryBackend
from tests.dialogues.memory_mail import MailAccount
from tests.property.test_imap_session import MESSAGE, MOMENT, new_session

COMMANDS = table(STANDARD)

LINES = {
    "CHECK": "CHECK",
    "CLOSE": "CLOSE",
    "EXPUNGE": "EXPUNGE",
    "IDLE": "IDLE",
    "NOOP": "NOOP",
    "SELECT": "SELECT INBOX (QRESYNC (1800000001 1))",
    "EXAMINE": "EXAMINE INBOX",
    "CREATE": "CREATE New",
    "DELETE": "DELETE Other",
    "RENAME": "RENAME Other New",
    "SUBSCRIBE": "SUBSCRIBE Other",
    "UNSUBSCRIBE": "UNSUBSCRIBE Other",
    "LIST": 'LIST "" * RETURN (SUBSCRIBED STATUS (MESSAGES DELETED))',
    "LSUB": 'LSUB "" *',
    "STATUS": "STATUS INBOX (MESSAGES DELETED-STORAGE MAILBOXID)",
    "GETQUOTA": 'GETQUOTA ""',
    "GETQUOTAROOT": "GETQUOTAROOT INBOX",
    "FETCH": "FETCH 1:* (ENVELOPE BODY[])",
    "UID FETCH": "UID FETCH 1:* (BODY.PEEK[]) (CHANGEDSINCE 1 VANISHED)",
    "STORE": "STORE 1 +FLAGS (\\Flagged)",
    "UID STORE": "UID STORE 1 +FLAGS.SILENT (\\Flagged)",
    "SEARCH": "SEARCH TEXT hello SINCE 1-Jan-2026 MODSEQ 1",
    "UID SEARCH": "UID SEARCH RETURN (ALL) OR SUBJECT x BODY hello",
    "SORT": "SORT (DATE) UTF-8 TEXT hello",
    "UID SORT": "UID SORT (SIZE) UTF-8 ALL",
    "UID EXPUNGE": "UID EXPUNGE 1",
    "COPY": "COPY 1 Other",
    "UID COPY": "UID COPY 1 Other",
    "MOVE": "MOVE 1 Other",
    "UID MOVE": "UID MOVE 1 Other",
    "APPEND": "APPEND Other {2}",
    "GETMETADATA": "GETMETADATA INBOX /shared/comment",
    "SETMETADATA": 'SETMETADATA INBOX (/shared/comment "hello")',
}
"""Of each command that reaches the store when logged in, one line that makes it do its most."""
WITHOUT_STORAGE = {"CAPABILITY", "COMPRESS", "ENABLE", "ID", "LOGOUT", "NAMESPACE", "SETQUOTA", "UNSELECT"}


class Fuse:
    """Lets some storage calls pass, then fails one, and every one after it."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.blown = False

    def spend(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            self.blown = True
            raise Unavailable
        self.left -= 1


class Fused:
    """An account or a mailbox whose every coroutine goes through the fuse."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name == "annotations":
            return Fused(found, self._fuse)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **named: Any) -> Any:
            self._fuse.spend()
            answer = await found(*args, **named)
            return Fused(answer, self._fuse) if name == "select" and answer is not None else answer

        return call


class FusedBackend(MemoryBackend):
    """Opens fused accounts."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    async def login(self, user: str, password: str, peer: Peer) -> Any:
        return Fused(await super().login(user, password, peer), self._fuse)


async def opened(fuse: Fuse) -> Session:
    """INBOX with two messages, one of them marked as deleted, and a folder beside it."""
    backend = FusedBackend(fuse)
    account = MailAccount("user", backend.power)
    backend.entries["user"] = Entry(account, "pass")
    await account.create("Other")
    account.folders["INBOX"].append(MESSAGE, MOMENT, frozenset({"\\Deleted"}))
    account.folders["INBOX"].append(MESSAGE, MOMENT)
    session = new_session(backend)
    for line in ("LOGIN user pass", "ENABLE QRESYNC", "SELECT INBOX"):
        await execute(session, COMMANDS, Frame((f"t {line}\r\n".encode(),)))
    assert session.out.take().endswith(b"t OK [READ-WRITE] mailbox open\r\n")
    return session


async def say(session: Session, line: str) -> bytes:
    octets = f"t {line}\r\n".encode()
    literal = (octets, b"hi", b"\r\n") if line.endswith("}") else (octets,)
    await execute(session, COMMANDS, Frame(literal))
    return session.out.take()


def test_no_command_is_forgotten_here() -> None:
    before_login = {name.decode() for name, each in COMMANDS.items() if each.states <= NOT_LOGGED_IN}
    assert set(LINES) | WITHOUT_STORAGE | before_login == {name.decode() for name in COMMANDS}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_failed_call_ends_the_connection_and_nothing_is_said(line: str) -> None:
    async def play() -> None:
        passed = 0
        while True:
            fuse = Fuse()
            session = await opened(fuse)
            fuse.left = passed
            heard = await say(session, line)
            if not fuse.blown:
                assert heard.splitlines()[-1].startswith(b"t OK"), heard
                break
            assert heard == b"* BYE application error\r\n"
            assert session.ended
            passed += 1
        assert passed, "a command that does its most reaches the store"

    asyncio.run(play())
