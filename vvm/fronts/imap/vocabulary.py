# SPDX-License-Identifier: Apache-2.0
"""Flags: their names on the wire and their bits in the store (OMTP 1.3 2.1.1, 2.7).

A folder knows few flags, and a client may set no other there.  Apple's clients mark the greeting
that is on by a keyword of their own; it is the same bit under a second name, so each side reads what
the other one wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from imap_server.backend import NotAllowed
from vvm.domain.message import GREETINGS, Flags

_NAMES: Mapping[Flags, tuple[str, ...]] = {
    Flags.SEEN: ("\\Seen",),
    Flags.DELETED: ("\\Deleted",),
    Flags.ANSWERED: ("\\Answered",),
    Flags.FLAGGED: ("\\Flagged",),
    Flags.DRAFT: ("\\Draft",),
    Flags.GREETING_ON: ("$CNS-Greeting-On", "$AppleVM-ActiveGreeting"),
}
_BITS = {name.lower(): flag for flag, names in _NAMES.items() for name in names}
_NAMES_OF = tuple(
    frozenset(name for flag, names in _NAMES.items() if flag & bits for name in names)
    for bits in range(max(Flags) * 2)
)
"""The names of every combination of flags, by its bits."""


def names_of(flags: Flags) -> frozenset[str]:
    """What FETCH answers."""
    return _NAMES_OF[flags]


class Vocabulary(msgspec.Struct, frozen=True):
    """The flags that one client may set in one folder."""

    settable: Flags
    lenient: bool
    """Any other flag is ignored instead of refused."""

    @property
    def names(self) -> tuple[str, ...]:
        """As FLAGS and PERMANENTFLAGS tell them."""
        return tuple(name for flag, names in _NAMES.items() if flag & self.settable for name in names)

    def bits(self, names: Iterable[str]) -> Flags:
        """What a client wrote, in any case.  Raises NotAllowed for a flag that it may not set here."""
        bits = Flags(0)
        for name in names:
            flag = _BITS.get(name.lower(), Flags(0)) & self.settable
            if not flag and not self.lenient:
                raise NotAllowed
            bits |= flag
        return bits


def vocabulary(folder: str, *, lenient: bool) -> Vocabulary:
    """INBOX knows played and deleted; in Greetings one can be switched on as well."""
    settable = Flags.SEEN | Flags.DELETED
    return Vocabulary(settable | Flags.GREETING_ON if folder == GREETINGS else settable, lenient)
