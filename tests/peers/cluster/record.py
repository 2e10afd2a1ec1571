# SPDX-License-Identifier: Apache-2.0
"""What the load saw, one JSON object a line: promises of the nodes, and what reached the phones.

Begun without an end is allowed to have happened or not; acknowledged is not.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec


class Fact(msgspec.Struct, frozen=True, tag_field="fact", kw_only=True):
    at: float = msgspec.field(default_factory=time.time)
    """Seconds since 1970, by the load's clock."""


class Begun(Fact, tag="deposit_begun"):
    msisdn: str
    key: str
    """The idempotency key, and the caller."""


class Deposited(Fact, tag="deposited"):
    """A node has acknowledged it."""

    msisdn: str
    key: str
    uid: int
    node: str


class Again(Fact, tag="tried_again"):
    """A deposit had no answer, or a 503, and goes to the next node."""

    key: str
    node: str
    why: str


class Changing(Fact, tag="change_begun"):
    msisdn: str
    uid: int
    deleted: bool
    """Else it is marked as heard."""


class Changed(Fact, tag="changed"):
    """A node has acknowledged it."""

    msisdn: str
    uid: int
    deleted: bool


class Lost(Fact, tag="session_lost"):
    """An IMAP session ended that its client would have gone on with."""

    node: str
    kind: str
    """``idle`` or ``sync``."""
    why: str


class Counted(Fact, tag="counted"):
    """A phone in IDLE was told how many messages there are."""

    node: str
    """On which its place is; a phone that lost its node is for a while on another."""
    msisdn: str
    messages: int


class Asked(Fact, tag="sms_acknowledged"):
    """A node took an SMS with a request for STATUS."""

    msisdn: str
    begun: float


class Told(Fact, tag="sms_heard"):
    """A phone has an SMS; ``uid`` of a SYNC NM, ``count`` of a SYNC MBU, the others of a STATUS."""

    msisdn: str
    uid: int | None = None
    count: int | None = None
    segments: int = 1
    user: str = ""
    password: str = ""


AnyFact = Begun | Deposited | Again | Changing | Changed | Lost | Counted | Asked | Told


class Record:
    """Everything that was noted, and what follows from it."""

    def __init__(self, facts: Iterable[AnyFact] = ()) -> None:
        self.facts: list[AnyFact] = []
        self.begun: dict[str, Begun] = {}
        self.deposits: dict[str, Deposited] = {}
        """By key."""
        self.changing: set[tuple[str, int, bool]] = set()
        """Mailbox, UID, and whether it is a deletion."""
        self.changed: set[tuple[str, int, bool]] = set()
        self.counted: dict[tuple[str, str], int] = {}
        """By node and phone, the last."""
        self.asked: dict[str, Asked] = {}
        """The last of each phone."""
        self.told: defaultdict[str, list[Told]] = defaultdict(list)
        for fact in facts:
            self.note(fact)

    def note(self, fact: AnyFact) -> None:
        self.facts.append(fact)
        match fact:
            case Begun(key=key):
                self.begun[key] = fact
            case Deposited(key=key):
                self.deposits[key] = fact
            case Changing():
                self.changing.add((fact.msisdn, fact.uid, fact.deleted))
            case Changed():
                self.changed.add((fact.msisdn, fact.uid, fact.deleted))
            case Counted():
                self.counted[fact.node, fact.msisdn] = fact.messages
            case Asked(msisdn=msisdn):
                self.asked[msisdn] = fact
            case Told(msisdn=msisdn):
                self.told[msisdn].append(fact)

    def lost(self) -> list[Lost]:
        return [fact for fact in self.facts if isinstance(fact, Lost)]

    def again(self) -> list[Again]:
        return [fact for fact in self.facts if isinstance(fact, Again)]

    def unanswered(self) -> list[str]:
        """Deposits without an end."""
        return sorted(self.begun.keys() - self.deposits.keys())

    def unannounced(self) -> list[Deposited]:
        """Messages of which no SYNC was heard: neither its NM nor an MBU that may have counted it.

        Of one that its phone found and deleted first, nothing is owed.
        """
        return [
            deposit
            for deposit in self.deposits.values()
            if (deposit.msisdn, deposit.uid, True) not in self.changing and not self._announced(deposit)
        ]

    def _announced(self, deposit: Deposited) -> bool:
        """In a mailbox that nobody touches, an MBU counts the first so many messages.

        In another only the time is known: it came after the deposit had begun.
        """
        touched = any(msisdn == deposit.msisdn for msisdn, _, _ in self.changing)
        begun = self.begun[deposit.key].at
        return any(
            told.uid == deposit.uid
            or (told.count is not None and (told.at >= begun if touched else told.count >= deposit.uid))
            for told in self.told[deposit.msisdn]
        )

    def unanswered_phones(self) -> list[str]:
        """Phones that asked, were acknowledged, and have heard no STATUS since."""
        return [
            msisdn
            for msisdn, asked in self.asked.items()
            if not any(told.user and told.at >= asked.begun for told in self.told[msisdn])
        ]

    def accounts(self) -> dict[str, tuple[str, str]]:
        """Login and password by phone, as the last STATUS told them."""
        return {
            msisdn: (told.user, told.password)
            for msisdn, heard in self.told.items()
            for told in heard
            if told.user
        }

    def messages_of(self, msisdn: str) -> int:
        return sum(deposit.msisdn == msisdn for deposit in self.deposits.values())

    def behind(self) -> list[tuple[str, str]]:
        """Node and phone of those in IDLE that have not been told of all messages."""
        return [place for place, count in self.counted.items() if count != self.messages_of(place[1])]


class Pen(Record):
    """A record that is being made, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("ab", buffering=0)

    def note(self, fact: AnyFact) -> None:
        super().note(fact)
        self._file.write(msgspec.json.encode(fact) + b"\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> Record:
    decoder = msgspec.json.Decoder(AnyFact)
    return Record(decoder.decode(line) for line in path.read_bytes().splitlines())
