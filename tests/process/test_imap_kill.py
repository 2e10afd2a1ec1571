# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` among MOVE and COPY: each message is where the last answer put it, and no UID comes twice."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path

import msgspec
import pytest

from imap_server.wire import numbers
from tests.process.clients import api_of
from tests.process.observing import INBOX, OTHER
from tests.process.phones import PEOPLE, Phones
from tests.process.program import Program, running
from tests.process.strangers import Login, Peer, mail_program, member

pytestmark = pytest.mark.process

_SECONDS = 180.0
_GROUP = 5
"""Messages in one command."""
_MOVERS = 6
_COPIERS = 2
_KILLS = (10, 40, 90)
"""After so many answers of a life; the commands of the other clients are under way then."""
_COPYUID = re.compile(r".*\[COPYUID \d+ ([0-9:,]+) ([0-9:,]+)\].*")
_MESSAGE = re.compile(r"\* \d+ FETCH \(.*UID (\d+).*Subject: (\S+)\r\n.*", re.DOTALL)
_UIDNEXT = re.compile(r"\* OK \[UIDNEXT (\d+)\].*")
_MOST = 1_000_000


class Place(msgspec.Struct, frozen=True):
    """Where a message stands."""

    folder: str
    uid: int


def _subjects(word: str, clients: int) -> list[str]:
    """Of all messages of so many clients."""
    return [f"{word}-{client}-{number}" for client in range(clients) for number in range(_GROUP)]


class Ledger:
    """What clients were told, over every life of the program."""

    def __init__(self) -> None:
        self.answers = 0
        """Of this life."""
        self.subjects: dict[Place, str] = {}
        """Whatever was ever told to stand there, even if it is gone."""
        self.standing: dict[Place, str] = {}
        """What must stand there now, by the last answer."""

    def tell(self, place: Place, subject: str) -> None:
        assert self.subjects.setdefault(place, subject) == subject, f"{place} was given twice"
        self.standing[place] = subject

    def check(self, found: Mapping[Place, str], uid_next: Mapping[str, int]) -> None:
        """After a kill: all that was acknowledged stands there, each moved message once, no UID again."""
        assert self.standing.items() <= found.items()
        for place, subject in found.items():
            assert self.subjects.setdefault(place, subject) == subject, f"{place} was given twice"
        moved = Counter(subject for subject in found.values() if subject.startswith("moved"))
        assert moved == Counter(_subjects("moved", _MOVERS))
        for place in self.subjects:
            assert place.uid < uid_next[place.folder]


class Client:
    """Moves or copies a few messages of its own until the program dies; each folder in a session."""

    def __init__(self, ledger: Ledger, name: str, sessions: Mapping[str, Peer]) -> None:
        """Its messages have subjects that begin with its name."""
        self._ledger = ledger
        self._name = name
        self._sessions = sessions

    async def work(self, verb: str, answered: Callable[[], None]) -> None:
        routes = ((INBOX, OTHER), (OTHER, INBOX)) if verb == "MOVE" else ((INBOX, OTHER),)
        for source, target in cycle(routes):
            if not await self._go(verb, source, target, answered):
                return

    async def _go(self, verb: str, source: str, target: str, answered: Callable[[], None]) -> bool:
        """One command for all that stands at the source; False when the program is dead."""
        mine = {
            place: subject
            for place, subject in self._ledger.standing.items()
            if place.folder == source and subject.startswith(f"{self._name}-")
        }
        if not mine:
            return True
        if verb == "MOVE":  # from here to the answer it may stand here or there
            for place in mine:
                del self._ledger.standing[place]
        uids = ",".join(str(place.uid) for place in mine)
        heard = await self._sessions[source].answer(f"UID {verb} {uids} {target}".encode(), tag="t")
        if heard is None:
            return False
        assert heard[-1].startswith("t OK"), heard
        (told,) = filter(None, map(_COPYUID.fullmatch, heard))
        before, after = (numbers.read(each.encode()).select(range(_MOST)) for each in told.groups())
        assert set(before) == {place.uid for place in mine}
        for old, new in zip(before, after, strict=True):
            self._ledger.tell(Place(target, new), mine[Place(source, old)])
        self._ledger.answers += 1
        answered()
        return True


async def test_killed_among_moves_and_copies_each_message_is_where_it_was_last_told(
    tmp_path: Path, handsets: Phones
) -> None:
    async with running(tmp_path, smsc_port=handsets.smsc.port) as program:
        await survive(program)


async def survive(program: Program) -> None:
    """Kill it again and again; after each start, look."""
    async with api_of(program) as api, asyncio.timeout(_SECONDS):
        await api.add(PEOPLE[0])
        login = await mail_program(api, PEOPLE[0])
        await fill(program, login)
        ledger = Ledger()
        found, _ = await look(program, login)
        for place, subject in found.items():
            ledger.tell(place, subject)
        for kill in _KILLS:
            await live_until(kill, program, login, ledger)
            await program.ended()
            await program.start()
            found, uid_next = await look(program, login)
            ledger.check(found, uid_next)
            for place, subject in found.items():
                ledger.tell(place, subject)


async def fill(program: Program, login: Login) -> None:
    async with member(program, login) as peer:
        await peer.say(f"CREATE {OTHER}".encode(), tag="c")
        for subject in (*_subjects("moved", _MOVERS), *_subjects("copied", _COPIERS)):
            letter = f"Subject: {subject}\r\n\r\nhello\r\n".encode()
            heard = await peer.say(b"APPEND INBOX {%d+}\r\n%b" % (len(letter), letter), tag="a")
            assert heard[-1].startswith("a OK")


async def live_until(kill: int, program: Program, login: Login, ledger: Ledger) -> None:
    """Clients work; the one that hears the last answer kills the program."""
    ledger.answers = 0

    def answered() -> None:
        if ledger.answers >= kill:
            program.kill()

    async with AsyncExitStack() as stack:
        movers = [await client(program, login, ledger, f"moved-{n}", stack) for n in range(_MOVERS)]
        copiers = [await client(program, login, ledger, f"copied-{n}", stack) for n in range(_COPIERS)]
        async with asyncio.TaskGroup() as working:
            for mover in movers:
                working.create_task(mover.work("MOVE", answered))
            for copier in copiers:
                working.create_task(copier.work("COPY", answered))


async def client(program: Program, login: Login, ledger: Ledger, name: str, stack: AsyncExitStack) -> Client:
    sessions = {}
    for folder in (INBOX, OTHER):
        peer = await stack.enter_async_context(member(program, login))
        await peer.say(f"SELECT {folder}".encode(), tag="s")
        sessions[folder] = peer
    return Client(ledger, name, sessions)


async def look(program: Program, login: Login) -> tuple[dict[Place, str], dict[str, int]]:
    """What stands in both folders, and the next UID of each."""
    found: dict[Place, str] = {}
    uid_next = {}
    async with member(program, login) as peer:
        for folder in (INBOX, OTHER):
            for response in await peer.say(f"EXAMINE {folder}".encode(), tag="e"):
                if following := _UIDNEXT.fullmatch(response):
                    uid_next[folder] = int(following[1])
            fetch = b"UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
            for response in await peer.say(fetch, tag="f"):
                if message := _MESSAGE.fullmatch(response):
                    found[Place(folder, int(message[1]))] = message[2]
    return found, uid_next
