# SPDX-License-Identifier: Apache-2.0
"""Somebody makes, renames and removes folders while others file into them and have them open."""

from __future__ import annotations

import random
import re
from contextlib import AsyncExitStack

import msgspec

from tests.observer import Observer
from tests.process.program import Program
from tests.process.strangers import Login, Peer, member

NAMES = tuple(f"Box{number}" for number in range(4))
_ID = re.compile(r".*MAILBOXID \(([A-Za-z0-9_-]+)\).*")
_LISTED = re.compile(r'\* LIST \([^)]*\) "/" (Box\d)')
_VALIDITY = re.compile(r"\* OK \[UIDVALIDITY (\d+)\].*")
_HIGHEST = re.compile(r"\* OK \[HIGHESTMODSEQ (\d+)\].*")
_ALL = "UID FETCH 1:* (FLAGS)"
_COMMANDS = (_ALL, "NOOP", "UID STORE 1:3 +FLAGS ($Work)", "UID STORE 1 +FLAGS (\\Deleted)", "EXPUNGE")
_LETTER = b"Subject: letter\r\n\r\nhello\r\n"


class Arranger:
    """The only one who arranges, so it knows which folders there are, and what each is called for ever."""

    def __init__(self, peer: Peer, chance: random.Random) -> None:
        self._peer = peer
        self._chance = chance
        self.folders: dict[str, str] = {}
        """MAILBOXID by name."""
        self._gone: set[str] = set()

    async def work(self, steps: int) -> None:
        for _ in range(steps):
            await self._step()

    async def check(self) -> None:
        """The server knows the same folders by the same ids (RFC 8474 section 4)."""
        heard = await self._peer.say(b'LIST "" Box* RETURN (STATUS (MAILBOXID))', tag="l")
        assert {found[1] for each in heard if (found := _LISTED.fullmatch(each))} == set(self.folders)
        ids = [found[1] for each in heard if each.startswith("* STATUS") and (found := _ID.fullmatch(each))]
        assert sorted(ids) == sorted(self.folders.values())

    async def _step(self) -> None:
        free = [name for name in NAMES if name not in self.folders]
        if free and (not self.folders or self._chance.random() < 0.5):
            await self._create(self._chance.choice(free))
        elif free and self._chance.random() < 0.5:
            name, other = self._chance.choice(list(self.folders)), self._chance.choice(free)
            await self._ok(f"RENAME {name} {other}")
            self.folders[other] = self.folders.pop(name)
        else:
            name = self._chance.choice(list(self.folders))
            await self._ok(f"DELETE {name}")
            self._gone.add(self.folders.pop(name))

    async def _create(self, name: str) -> None:
        found = _ID.fullmatch(await self._ok(f"CREATE {name}"))
        assert found
        assert found[1] not in self._gone | set(self.folders.values())
        self.folders[name] = found[1]

    async def _ok(self, command: str) -> str:
        answer = (await self._peer.say(command.encode(), tag="t"))[-1]
        assert answer.startswith("t OK"), (command, answer)
        return answer


class Known(msgspec.Struct, frozen=True):
    """What somebody remembers of a folder, every message of it by its UID."""

    highest: str
    observer: Observer


class Guest:
    """Files into such folders and has them open; sent away when one goes, it comes back with QRESYNC."""

    def __init__(self, program: Program, login: Login, chance: random.Random) -> None:
        self._program = program
        self._login = login
        self._chance = chance
        self._known: dict[str, Known] = {}
        """By UIDVALIDITY, which no other folder ever has."""
        self.sent_away = 0
        self.came_back = 0

    async def work(self, visits: int) -> None:
        for _ in range(visits):
            async with AsyncExitStack() as stack:
                peer = await stack.enter_async_context(member(self._program, self._login))
                await self._visit(peer)

    async def _visit(self, peer: Peer) -> None:
        name = self._chance.choice(NAMES)
        await peer.say(b"ENABLE QRESYNC", tag="e")
        filed = await peer.answer(b"APPEND %b {%d+}\r\n%b" % (name.encode(), len(_LETTER), _LETTER), tag="a")
        assert filed
        assert filed[-1].startswith(("a OK", "a NO [TRYCREATE]")), filed
        validity = await self._open(peer, name)
        if validity is None:
            return
        observer = self._known[validity].observer
        commands = [*self._chance.choices(_COMMANDS, k=self._chance.randrange(8)), _ALL]
        for command in commands:
            heard = await peer.answer(command.encode(), tag="t")
            if heard is None:
                self.sent_away += 1
                del self._known[validity]
                return
            for response in heard:
                observer.hear(response, command=command)
            assert heard[-1].startswith("t OK"), (command, heard)

    async def _open(self, peer: Peer, name: str) -> str | None:
        """The UIDVALIDITY of the folder that has this name now, opened with what is remembered of it."""
        heard = await peer.answer(f"EXAMINE {name}".encode(), tag="x")
        if heard is None or heard[-1].startswith("x NO"):
            return None
        expected = _one(_VALIDITY, heard)
        known = self._known.get(expected)
        parameters = "" if known is None else f" (QRESYNC ({expected} {known.highest}))"
        heard = await peer.answer(f"SELECT {name}{parameters}".encode(), tag="s")
        if heard is None or heard[-1].startswith("s NO"):
            return None
        validity, highest = _one(_VALIDITY, heard), _one(_HIGHEST, heard)
        if known is not None and validity == expected:
            known.observer.resynchronise(heard)
            self.came_back += 1
        else:
            known = Known("", Observer())
            for response in heard:
                known.observer.hear(response)
        self._known[validity] = msgspec.structs.replace(known, highest=highest)
        return validity


def _one(pattern: re.Pattern[str], heard: list[str]) -> str:
    (found,) = [found[1] for each in heard if (found := pattern.fullmatch(each))]
    return found
