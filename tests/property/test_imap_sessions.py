# SPDX-License-Identifier: Apache-2.0
"""Several sessions on one mailbox, with real commands: what each client is told never contradicts itself.

The clients know nothing but what was sent to them.  Each keeps its own list of messages and checks
every line against it (RFC 3501 sections 5.5 and 7.4.1, RFC 7162 section 3.2.10).
"""

from __future__ import annotations

import asyncio
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from imap_server.dispatch import execute
from imap_server.wire.framer import Frame, Framer
from tests.dialogues.agreeable import COMMANDS, MESSAGE, MOMENT, new_session
from tests.dialogues.memory_backend import Entry, MemoryBackend
from tests.dialogues.memory_mail import MailAccount
from tests.observer import Observer
from tests.searching import Found, check_saved

_LITERAL = b"{%d+}\r\n%b" % (len(MESSAGE), MESSAGE)

SAVING = b"RETURN (SAVE ALL MIN MAX COUNT) "
RECONNECT = b"RECONNECT"
"""Not a command: the client breaks off and comes back, with what it knows (RFC 7162 section 3.2.5)."""
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
    st.sampled_from([b"CREATE Other", b"DELETE Other", b"RENAME Other Else", b"RENAME INBOX Other"]),
    st.builds(lambda verb: verb % b"$", st.sampled_from([b"FETCH %b (UID FLAGS)", b"UID MOVE %b Other"])),
    st.builds(
        lambda sign, flag: b"STORE $ %bFLAGS.SILENT (%b)" % (sign, flag),
        st.sampled_from([b"+", b"-", b""]),
        st.sampled_from([b"\\Deleted", b"$Work"]),
    ),
    st.sampled_from([b"SEARCH " + SAVING + key for key in (b"DELETED", b"KEYWORD $Work")]),
    st.sampled_from([b"UID SEARCH RETURN (ALL) $", RECONNECT]),
)


class Client:
    """One session, and what its user sees."""

    def __init__(self, backend: MemoryBackend, *, qresync: bool) -> None:
        self._backend = backend
        self._qresync = qresync
        self.observer = Observer()
        self._connect(b"SELECT INBOX")

    def say(self, line: bytes) -> None:
        """Send a command, believe its answer."""
        if line == RECONNECT:
            self._reconnect()
            return
        heard = self._ask(line)
        for answer in heard:
            self.observer.hear(answer, command=line.decode())
        if SAVING in line and b"t OK" in "\n".join(heard).encode():
            found = Found.read(heard)
            found.agrees_with(self.observer, r"\Deleted" if b"DELETED" in line else "$Work")
            saved = Found.read(self._believed(b"UID SEARCH RETURN (ALL) $"))
            self.observer.saved = frozenset(saved.every)
        elif line == b"UID SEARCH RETURN (ALL) $":
            check_saved(Found.read(heard), self.observer)

    def _connect(self, select: bytes) -> list[str]:
        self.session = new_session(self._backend)
        self._ask(b"LOGIN user pass")
        self._ask(b"ENABLE QRESYNC" if self._qresync else b"NOOP")
        heard = self._ask(select)
        if select == b"SELECT INBOX":
            for answer in heard:
                self.observer.hear(answer)
        return heard

    def _reconnect(self) -> None:
        """Without QRESYNC it forgets all."""
        if not self._qresync:
            self.observer = Observer()
            self._connect(b"SELECT INBOX")
            return
        self._believed(b"UID FETCH 1:* (FLAGS)")
        view = self.session.selected.view
        validity = self._backend.entries["user"].account.folders["INBOX"].uid_validity
        self.observer.resynchronise(
            self._connect(b"SELECT INBOX (QRESYNC (%d %d))" % (validity, view.settled_modseq))
        )
        self.observer.saved = frozenset()

    def _believed(self, line: bytes) -> list[str]:
        heard = self._ask(line)
        for answer in heard:
            self.observer.hear(answer, command=line.decode())
        return heard

    def _ask(self, line: bytes) -> list[str]:
        framer = Framer(max_line=8192, max_command=8192)
        framer.feed(b"t " + line + b"\r\n")
        (frame,) = framer.events()
        assert isinstance(frame, Frame)
        asyncio.run(execute(self.session, COMMANDS, frame))
        self.observer.assume(line.decode())
        return self.session.out.take().decode().split("\r\n")


@settings(max_examples=40)
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
        told = deepcopy(client.observer)
        client.say(b"FETCH 1:* (UID FLAGS)")
        seen = {message.uid: message.flags for message in client.observer.messages}
        assert told.agrees_with(client.observer)
        assert seen == {uid: record.flags for uid, record in account.folders["INBOX"].records.items()}
