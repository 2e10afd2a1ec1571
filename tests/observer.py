# SPDX-License-Identifier: Apache-2.0
"""What a client may believe of a mailbox that knows nothing but what the server told it.

The naive model: a list of messages by sequence number.  Every response is checked against it
(RFC 3501 sections 5.5 and 7.4.1, RFC 7162 sections 3.2.5 and 3.2.10).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from imap_server.wire import numbers

_QUIET = ("FETCH", "STORE", "SEARCH", "SORT")
"""Commands that name messages by number and must not be answered by a removal."""
_EXISTS = re.compile(r"\* (\d+) EXISTS")
_EXPUNGE = re.compile(r"\* (\d+) EXPUNGE")
_VANISHED = re.compile(r"\* VANISHED ([0-9:,]+)")
_EARLIER = re.compile(r"\* VANISHED \(EARLIER\) ([0-9:,]+)")
_FETCH = re.compile(r"\* (\d+) FETCH \((.*)\)")
_UID = re.compile(r"UID (\d+)")
_FLAGS = re.compile(r"FLAGS \(([^)]*)\)")
_NAMED = re.compile(r"\* FLAGS \(([^)]*)\)")
_SILENT = re.compile(r"(UID )?STORE (\S+) ([+-]?)FLAGS\.SILENT \(([^)]*)\)")
_MOST = 100_000


class Believed(msgspec.Struct):
    """A message, as far as the client was told of it."""

    uid: int | None = None
    flags: frozenset[str] | None = None

    def fits(self, other: Believed) -> bool:
        """Whether nothing that is believed of this one contradicts the other."""
        return self.uid in {None, other.uid} and self.flags in {None, other.flags}


class Observer:
    """A client's view of the mailbox that it has selected."""

    def __init__(self) -> None:
        self.messages: list[Believed] = []
        self.named: frozenset[str] = frozenset()
        """Flags that messages may carry here."""
        self.saved: frozenset[int] = frozenset()
        """The UIDs that ``$`` stands for."""

    def hear(self, response: str, *, command: str = "") -> None:
        """Believe one untagged response, which came while ``command`` was carried out.

        AssertionError where it contradicts what was told before, or comes when it may not.
        """
        if found := _EXISTS.fullmatch(response):
            assert int(found[1]) >= len(self.messages), response
            self.messages += [Believed() for _ in range(int(found[1]) - len(self.messages))]
        elif found := _EXPUNGE.fullmatch(response):
            assert not command.startswith(_QUIET), (command, response)
            del self.messages[int(found[1]) - 1]
        elif found := _VANISHED.fullmatch(response):
            assert not command.startswith(_QUIET), (command, response)
            for uid in _uids(found[1]):
                self._vanished(uid)
        elif found := _NAMED.fullmatch(response):
            self.named = frozenset(found[1].split())
        elif found := _FETCH.fullmatch(response):
            self._fetched(int(found[1]), found[2])
        known = [message.uid for message in self.messages if message.uid is not None]
        assert known == sorted(set(known)), (response, known)

    def resynchronise(self, responses: Sequence[str]) -> None:
        """Believe the answer to a SELECT with QRESYNC, from a client that knew every message by its UID.

        Numbers in it are those of the folder as it is now (RFC 7162 section 3.2.5).
        """
        told = [each for each in responses if not _EARLIER.fullmatch(each) and not _EXISTS.fullmatch(each)]
        gone = {uid for each in responses if (found := _EARLIER.fullmatch(each)) for uid in _uids(found[1])}
        fetched = {int(uid[1]) for each in told if _FETCH.fullmatch(each) and (uid := _UID.search(each))}
        kept = [each for each in self.messages if each.uid not in gone | fetched]
        self.messages = sorted([*kept, *map(Believed, fetched)], key=lambda each: each.uid or 0)
        exists = [int(found[1]) for each in responses if (found := _EXISTS.fullmatch(each))]
        assert exists == [len(self.messages)], (responses, self.messages)
        for each in told:
            self.hear(each)

    def assume(self, command: str) -> None:
        """A client takes what it stores silently for done, until it is told otherwise (RFC 3501 6.4.6)."""
        if not (found := _SILENT.match(command)):
            return
        by_uid, change = bool(found[1]) or found[2] == "$", frozenset(found[4].split())
        known = [message.uid for message in self.messages if message.uid is not None]
        places = range(1, len(self.messages) + 1)
        chosen = self.saved if found[2] == "$" else _chosen(found[2], known if by_uid else places)
        for place, message in enumerate(self.messages, 1):
            if by_uid and message.uid is None:
                message.flags = None  # perhaps it was one of them
            elif message.flags is not None and (message.uid if by_uid else place) in chosen:
                message.flags = _applied(found[3], change, message.flags)

    def agrees_with(self, other: Observer) -> bool:
        """Whether both know of as many messages, and nothing that one believes contradicts the other."""
        return len(self.messages) == len(other.messages) and all(
            mine.fits(theirs) for mine, theirs in zip(self.messages, other.messages, strict=True)
        )

    def _fetched(self, number: int, items: str) -> None:
        message = self.messages[number - 1]
        if uid := _UID.search(items):
            assert message.uid in {None, int(uid[1])}, (number, items, message)
            message.uid = int(uid[1])
        if flags := _FLAGS.search(items):
            message.flags = frozenset(flags[1].split()) - {r"\Recent"}
            assert message.flags <= self.named, (items, self.named)

    def _vanished(self, uid: int) -> None:
        """Where the client has not seen a UID, it stands behind all smaller ones that it has seen."""
        known = [message.uid for message in self.messages]
        if uid in known:
            del self.messages[known.index(uid)]
        else:
            smaller = [place for place, each in enumerate(known) if each is not None and each < uid]
            place = max(smaller, default=-1) + 1
            assert known[place] is None, (uid, known)
            del self.messages[place]


def _applied(sign: str, change: frozenset[str], flags: frozenset[str]) -> frozenset[str]:
    if sign == "+":
        return flags | change
    return flags - change if sign == "-" else change


def _chosen(text: str, among: Sequence[int]) -> frozenset[int]:
    return frozenset(numbers.read(text.encode()).select(among))


def _uids(text: str) -> Sequence[int]:
    return numbers.read(text.encode()).select(range(1, _MOST))
