# SPDX-License-Identifier: Apache-2.0
"""What a client believes of searches: answers agree with what it was told, ``$`` stays with its messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from imap_server.wire import numbers
from tests.observer import Observer

_ESEARCH = re.compile(r'\* ESEARCH \(TAG "[^"]*"\)( UID)?(.*)')
_MOST = 1_000_000
KEYS = {r"\Deleted": "DELETED", r"\Seen": "SEEN", r"\Flagged": "FLAGGED", "$Work": "KEYWORD $Work"}
"""A flag, and the key that finds it."""


class Found(msgspec.Struct):
    """One ESEARCH response (RFC 4731 section 3.1)."""

    by_uid: bool
    every: Sequence[int]
    least: int | None
    most: int | None
    count: int | None

    @classmethod
    def read(cls, responses: Iterable[str]) -> Found:
        """The only one among the responses to a SEARCH with RETURN (ALL COUNT MIN MAX …)."""
        (found,) = [found for each in responses if (found := _ESEARCH.fullmatch(each))]
        words = found[2].split()
        told = dict(zip(words[::2], words[1::2], strict=True))
        chosen = numbers.read(told["ALL"].encode()).select(range(1, _MOST)) if "ALL" in told else []
        made = cls(
            found[1] is not None, chosen, *(_number(told.get(item)) for item in ("MIN", "MAX", "COUNT"))
        )
        made.check()
        return made

    def check(self) -> None:
        """Nothing in it contradicts the rest."""
        ends = (min(self.every), max(self.every)) if self.every else (None, None)
        if self.count is not None:
            assert self.count == len(self.every), self
            assert (self.least, self.most) == ends, self

    def agrees_with(self, observer: Observer, flag: str) -> None:
        """After the command: whatever was found carries the flag, as far as the client knows.

        A message that carries it and was not found may be gone without the client's knowing yet.
        """
        for place, message in enumerate(observer.messages, 1):
            name = message.uid if self.by_uid else place
            if name in self.every and message.flags is not None:
                assert flag in message.flags, (self, flag, message)


def check_saved(found: Found, observer: Observer) -> None:
    """What ``UID SEARCH RETURN (ALL) $`` found: of the saved messages those that are there (RFC 5182)."""
    assert found.by_uid
    assert observer.saved >= set(found.every), (observer.saved, found)
    known = {message.uid for message in observer.messages}
    assert not (observer.saved - set(found.every)) & known, (observer.saved, found, known)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
