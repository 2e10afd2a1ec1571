# SPDX-License-Identifier: Apache-2.0
"""The messages of a mailbox at one instant, in a form that many sessions can share."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

Flags = frozenset[str]
"""Flags of one message in canonical spelling: system flags as ``\\Seen``, keywords as first stored."""

_SEEN = "\\Seen"


class MessageState(msgspec.Struct, frozen=True):
    """What of a message can change: its flags, and the MODSEQ of their last change."""

    uid: int
    flags: Flags
    modseq: int


class Roster:
    """Who is there, ascending by UID.  It never changes: what moves makes another one.

    A backend that keeps the last roster of a mailbox answers the next SELECT by what moved since,
    whatever the mailbox holds; a session copies it only when its own view begins to differ.
    """

    __slots__ = ("_seen_up_to", "states", "uids")

    def __init__(self, messages: Iterable[MessageState] = ()) -> None:
        self.states = {message.uid: message for message in messages}
        self.uids = list(self.states)
        self._seen_up_to = 0
        """So many at the beginning are known to be seen."""

    def after(self, changed: Sequence[MessageState], expunged: Sequence[int]) -> Roster:
        """What these changes, all that came since, make of it."""
        if not changed and not expunged:
            return self
        states = dict(self.states)
        for uid in expunged:
            states.pop(uid, None)
        states.update((message.uid, message) for message in changed)
        moved = Roster()
        moved.states, moved.uids = states, list(states)
        first = min((*expunged, *(message.uid for message in changed)))
        moved._seen_up_to = min(self._seen_up_to, bisect_left(self.uids, first))
        return moved

    def first_unseen(self) -> int | None:
        """The sequence number of the first message without ``\\\\Seen``; asked again, it costs nothing."""
        unseen = (
            at
            for at in range(self._seen_up_to, len(self.uids))
            if _SEEN not in self.states[self.uids[at]].flags
        )
        self._seen_up_to = next(unseen, len(self.uids))
        return self._seen_up_to + 1 if self._seen_up_to < len(self.uids) else None
