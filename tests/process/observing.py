# SPDX-License-Identifier: Apache-2.0
"""Mail programs over IMAP to the real program, each of which keeps the naive model of its folder."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imap_server.wire import numbers
from tests.observer import Observer
from tests.process.program import Program
from tests.process.strangers import Login, Peer, member
from tests.searching import KEYS, Found, check_saved

INBOX, OTHER = "INBOX", "Other"
_ANSWER = re.compile(r"t (OK|NO|BAD) .*")
_MADE = re.compile(r".* OK \[(?:APPENDUID|COPYUID) [^\]]*?([0-9:,]+)\].*")
_UIDVALIDITY = re.compile(r"\* OK \[UIDVALIDITY (\d+)\].*")
_HIGHEST = re.compile(r"\* OK \[HIGHESTMODSEQ (\d+)\].*")
_MOST = 1_000_000
_LETTER = b"Subject: letter\r\n\r\nhello\r\n"
_KEYWORDS = (r"\Seen", r"\Deleted", r"\Flagged", "$Work", "$Later")


class Session:
    """One connection with a folder selected; whatever it says, it believes the answers."""

    def __init__(self, peer: Peer, folder: str, *, qresync: bool) -> None:
        self.folder = folder
        self.qresync = qresync
        self.observer = Observer()
        self.given: list[tuple[str, int]] = []
        """Folder and UID of each message that it was told to have made by APPEND, COPY or MOVE."""
        self._peer = peer
        self._validity = self._highest = ""

    async def select(self) -> None:
        """Afresh."""
        self.observer = Observer()
        for response in await self.do(f"SELECT {self.folder}"):
            if found := _UIDVALIDITY.fullmatch(response):
                self._validity = found[1]
            elif found := _HIGHEST.fullmatch(response):
                self._highest = found[1]

    async def resynchronise(self) -> None:
        """Leave the folder and come back, told only what has changed (RFC 7162 section 3.2.5)."""
        await self.do("UID FETCH 1:* (FLAGS)")
        await self.do("UNSELECT")
        known, self.observer = self.observer, Observer()
        known.resynchronise(
            await self.do(f"SELECT {self.folder} (QRESYNC ({self._validity} {self._highest}))")
        )
        self.observer = known

    async def do(self, command: str, *, literal: bytes | None = None) -> list[str]:
        """A command that makes sense to who believes what it was told: BAD is a failure."""
        octets = b"t " + command.encode()
        if literal is not None:
            octets += b" {%d+}\r\n%b" % (len(literal), literal)
        self._peer.write(octets + b"\r\n")
        self.observer.assume(command)
        return await self._hear(command)

    async def search(self, flag: str) -> None:
        """Find what carries a flag, by number or by UID, and save it."""
        by_uid = "UID " if len(self.given) % 2 else ""
        saved = Found.read(await self.do(f"{by_uid}SEARCH RETURN (SAVE ALL MIN MAX COUNT) {KEYS[flag]}"))
        saved.agrees_with(self.observer, flag)
        self.observer.saved = frozenset(Found.read(await self.do("UID SEARCH RETURN (ALL) $")).every)
        assert len(self.observer.saved) <= len(saved.every)

    async def check_saved(self) -> None:
        """Whatever happened since: ``$`` is what was saved and is still there."""
        check_saved(Found.read(await self.do("UID SEARCH RETURN (ALL) $")), self.observer)

    async def idle(self) -> None:
        """Begin to listen; ``listen`` then hears until ``done``."""
        self._peer.write(b"t IDLE\r\n")
        while not (response := await self._peer.response()).startswith("+ "):
            self.observer.hear(response)

    async def listen(self) -> None:
        await self._hear("IDLE")

    def done(self) -> None:
        self._peer.write(b"DONE\r\n")

    async def _hear(self, command: str) -> list[str]:
        heard: list[str] = []
        while not (found := _ANSWER.fullmatch(response := await self._peer.response())):
            assert response, f"closed in {command}: {heard}"
            assert not response.startswith("* BYE"), (command, response)
            self.observer.hear(response, command=command)
            heard.append(response)
        assert found[1] != "BAD", (command, response)
        assert found[1] == "OK" or ".SILENT" not in command, (command, response)
        heard.append(response)
        self._note(command, heard)
        return heard

    def _note(self, command: str, heard: list[str]) -> None:
        for response in heard:
            if made := _MADE.fullmatch(response):
                target = INBOX if f" {INBOX}" in command else OTHER
                self.given += [(target, uid) for uid in numbers.read(made[1].encode()).select(range(_MOST))]


class Writer:
    """Chooses, from what its session believes, what a mail program might do next."""

    def __init__(self, session: Session, chance: random.Random) -> None:
        self._session = session
        self._chance = chance

    async def work(self, steps: int) -> None:
        for _ in range(steps):
            await self._step()

    async def _step(self) -> None:
        session, chance = self._session, self._chance
        elsewhere = OTHER if session.folder == INBOX else INBOX
        if session.observer.messages and chance.random() < 0.75:
            await session.do(
                chance.choice(
                    (
                        f"FETCH {self._numbers()} (UID FLAGS)",
                        f"FETCH {self._numbers()} (UID ENVELOPE)",
                        f"STORE {self._numbers()} {self._change()}",
                        f"STORE {self._numbers()} +FLAGS (\\Deleted)",
                        f"UID STORE {self._uids()} {self._change()}",
                        f"UID FETCH {self._uids()} (FLAGS)",
                        f"UID EXPUNGE {self._uids()}",
                        f"COPY {self._numbers()} {elsewhere}",
                        f"MOVE {self._numbers()} {elsewhere}",
                        f"UID MOVE {self._uids()} {elsewhere}",
                    )
                )
            )
        elif session.qresync and chance.random() < 0.3:
            await session.resynchronise()
        elif chance.random() < 0.3:
            await self._work_on_saved(elsewhere)
        elif chance.random() < 0.5:
            await session.do(chance.choice(("NOOP", "SEARCH ALL", "UID SEARCH UNDELETED", "EXPUNGE")))
        else:
            target = chance.choice((INBOX, OTHER))
            flags = chance.choice(("", " ($Work)", r" (\Seen)"))
            await session.do(f"APPEND {target}{flags}", literal=_LETTER)

    async def _work_on_saved(self, elsewhere: str) -> None:
        session, chance = self._session, self._chance
        await session.search(chance.choice(tuple(KEYS)))
        await session.do(
            chance.choice(
                (
                    "FETCH $ (UID FLAGS)",
                    "UID FETCH $ (FLAGS)",
                    f"STORE $ {self._change()}",
                    f"UID STORE $ {self._change()}",
                    "UID EXPUNGE $",
                    f"COPY $ {elsewhere}",
                    f"UID MOVE $ {elsewhere}",
                )
            )
        )
        await session.check_saved()

    def _numbers(self) -> str:
        """Some that stand for messages, as far as the client knows."""
        first, last = sorted(self._chance.choices(range(1, len(self._session.observer.messages) + 1), k=2))
        return self._chance.choice((f"{first}", f"{first},{last}", f"{first}:{min(last, first + 3)}"))

    def _uids(self) -> str:
        """Some that the client has seen, and perhaps others."""
        known = [message.uid for message in self._session.observer.messages if message.uid]
        return f"{self._chance.choice(known)}" if known else "1:5"

    def _change(self) -> str:
        item = self._chance.choice(("+FLAGS", "-FLAGS", "FLAGS", "+FLAGS.SILENT", "-FLAGS.SILENT"))
        return f"{item} ({self._chance.choice(_KEYWORDS)})"


@asynccontextmanager
async def session(program: Program, login: Login, folder: str, *, qresync: bool) -> AsyncIterator[Session]:
    """A mail program that has selected a folder."""
    async with member(program, login) as peer:
        made = Session(peer, folder, qresync=qresync)
        if qresync:
            await made.do("ENABLE QRESYNC")
        await made.select()
        yield made


async def truth(program: Program, login: Login, folder: str) -> Observer:
    """A folder as somebody sees it who examines it for the first time."""
    async with member(program, login) as peer:
        fresh = Session(peer, folder, qresync=False)
        await fresh.do(f"EXAMINE {folder}")
        await fresh.do("UID FETCH 1:* (FLAGS)")
        return fresh.observer
