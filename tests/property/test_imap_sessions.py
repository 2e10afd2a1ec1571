# SPDX-License-Identifier: Apache-2.0
"""Several sessions on one mailbox, with real commands: what each client is told never contradicts itself.

The clients know nothing but what was sent to them.  Each keeps its own list of messages and checks
every line against it (RFC 3501 sections 5.5 and 7.4.1, RFC 7162 section 3.2.10).
"""

from __future__ import annotations

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from imap_server.commands import STANDARD
from imap_server.dispatch import execute, table
from imap_server.wire import numbers
from imap_server.wire.framer import Frame, Framer
from tests.dialogues.memory_backend import Entry, MemoryBackend
from tests.dialogues.memory_mail import MailAccount
from tests.property.test_imap_session import MESSAGE, MOMENT, new_session

COMMANDS = table(STANDARD)
_LITERAL = b"{%d+}\r\n%b" % (len(MESSAGE), MESSAGE)
QUIET = (b"FETCH", b"STORE", b"SEARCH", b"SORT")
"""Commands that name messages by number and must not be answered by a removal."""
_EXISTS = re.compile(rb"\* (\d+) EXISTS")
_EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE")
_VANISHED = re.compile(rb"\* VANISHED ([0-9:,]+)")
_FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+) .*")

SETS = st.sampled_from([b"1", b"2", b"1:*", b"*", b"2:3", b"1,3,5"])
LINES = st.one_of(
    st.builds(lambda which: b"FETCH " + which + b" (UID FLAGS)", SETS),
    st.builds(lambda which: b"UID FETCH " + which + b" (FLAGS)", SETS),
    st.builds(lambda which: b"STORE " + which + b" +FLAGS (\\Deleted)", SETS),
    st.builds(lambda which: b"STORE " + which + b" -FLAGS.SILENT (\\Deleted $Work)", SETS),
    st.builds(lambda which: b"UID STORE " + which + b" (UNCHANGEDSINCE 5) FLAGS ($Work)", SETS),
    st.builds(lambda which: b"UID EXPUNGE " + which, SETS),
    st.builds(lambda which: b"COPY " + which + b" INBOX", SETS),
    st.builds(lambda which: b"MOVE " + which + b" INBOX", SETS),
    st.builds(lambda which: b"UID MOVE " + which + b" Other", SETS),
    st.sampled_from([b"EXPUNGE", b"NOOP", b"SEARCH ALL", b"UID SEARCH ALL", b"APPEND INBOX " + _LITERAL]),
)


class Client:
    """One session, and what its user sees."""

    def __init__(self, backend: MemoryBackend, *, qresync: bool) -> None:
        self.session = new_session(backend)
        self.believed: list[int | None] = []
        for line in (b"LOGIN user pass", b"ENABLE QRESYNC" if qresync else b"NOOP", b"SELECT INBOX"):
            self.say(line)

    def say(self, line: bytes) -> None:
        """Send a command, believe its answer."""
        framer = Framer(max_line=8192, max_command=8192)
        framer.feed(b"t " + line + b"\r\n")
        (frame,) = framer.events()
        assert isinstance(frame, Frame)
        asyncio.run(execute(self.session, COMMANDS, frame))
        for answer in self.session.out.take().split(b"\r\n"):
            self._believe(answer, quiet=line.startswith(QUIET))

    def _believe(self, answer: bytes, *, quiet: bool) -> None:
        if found := _EXISTS.fullmatch(answer):
            assert int(found[1]) >= len(self.believed)
            self.believed += [None] * (int(found[1]) - len(self.believed))
        elif found := _EXPUNGE.fullmatch(answer):
            assert not quiet
            del self.believed[int(found[1]) - 1]
        elif found := _VANISHED.fullmatch(answer):
            assert not quiet
            for uid in numbers.read(found[1]).select(range(1, 1000)):
                del self.believed[self._where(uid)]
        elif found := _FETCH.fullmatch(answer):
            number, uid = int(found[1]), int(found[2])
            assert self.believed[number - 1] in {None, uid}
            self.believed[number - 1] = uid
        known = [uid for uid in self.believed if uid is not None]
        assert known == sorted(set(known))

    def _where(self, uid: int) -> int:
        """Where a UID stands; of those that the user has not seen, the first behind all smaller ones."""
        if uid in self.believed:
            return self.believed.index(uid)
        smaller = [place for place, known in enumerate(self.believed) if known is not None and known < uid]
        place = max(smaller, default=-1) + 1
        assert self.believed[place] is None
        return place


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(min_value=0, max_value=2), LINES), max_size=30))
def test_no_session_is_told_a_contradiction(steps: list[tuple[int, bytes]]) -> None:
    backend = MemoryBackend()
    account = MailAccount("user", backend.power)
    backend.entries["user"] = Entry(account, "pass")
    asyncio.run(account.create("Other"))
    for _ in range(3):
        account.folders["INBOX"].append(MESSAGE, MOMENT)
    clients = [Client(backend, qresync=False), Client(backend, qresync=False), Client(backend, qresync=True)]
    for which, line in steps:
        clients[which].say(line)
        if clients[which].session.style.vanished:
            clients[which].say(b"UID FETCH 1:* (FLAGS)")
    for client in clients:
        client.say(b"NOOP")
        client.say(b"FETCH 1:* (UID FLAGS)")
        assert client.believed == list(account.folders["INBOX"].records)
