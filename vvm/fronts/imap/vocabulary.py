# SPDX-License-Identifier: Apache-2.0
"""Flags: their names on the wire and their bits in the store (OMTP 1.3 2.1.1, 2.7).

A folder knows few flags, and a client may set no other there, unless its profile says so.  Apple's
clients mark the greeting that is on by a keyword of their own; it is the same bit under a second name,
so each side reads what the other one wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from imap_server.backend import FlagChange, FlagMode, NotAllowed
from imap_server.flags import ANY_OTHER
from vvm.domain.message import Flags
from vvm.store.port import KeywordChange

_NAMES: Mapping[Flags, tuple[str, ...]] = {
    Flags.SEEN: ("\\Seen",),
    Flags.DELETED: ("\\Deleted",),
    Flags.ANSWERED: ("\\Answered",),
    Flags.FLAGGED: ("\\Flagged",),
    Flags.DRAFT: ("\\Draft",),
    Flags.GREETING_ON: ("$CNS-Greeting-On", "$AppleVM-ActiveGreeting"),
}
_BITS = {name.lower(): flag for flag, names in _NAMES.items() for name in names}
_LISTS = tuple(
    tuple(name for flag, names in _NAMES.items() if flag & bits for name in names)
    for bits in range(max(Flags) * 2)
)
"""The names of every combination of flags, by its bits."""
_NAMES_OF = tuple(map(frozenset, _LISTS))
_LONGEST_KEYWORD = 64
_NOTHING = Flags(0)


def names_of(flags: Flags, keywords: frozenset[str]) -> frozenset[str]:
    """What FETCH answers."""
    return _NAMES_OF[flags] | keywords if keywords else _NAMES_OF[flags]


class Said(msgspec.Struct, frozen=True):
    """Flags that a client wrote, told apart."""

    flags: Flags
    keywords: frozenset[str]


class Change(msgspec.Struct, frozen=True):
    """What a STORE means to the store."""

    add: Flags
    remove: Flags
    keywords: KeywordChange


class Vocabulary(msgspec.Struct, frozen=True):
    """The flags that one client may set in one folder."""

    settable: Flags
    lenient: bool
    """Any other flag is ignored instead of refused."""
    keywords: frozenset[str] = frozenset()
    any_keyword: bool = False

    def names(self, known: Sequence[str] = ()) -> tuple[str, ...]:
        """As FLAGS tells them: these, and the keywords that the folder knows."""
        own = (*_LISTS[self.settable], *sorted(self.keywords))
        if not known:
            return own
        taken = {name.lower() for name in self.keywords}
        return (*own, *(name for name in known if name.lower() not in taken))

    def permanent(self, known: Sequence[str] = ()) -> tuple[str, ...]:
        r"""As PERMANENTFLAGS tells them: what may be set, ``\*`` where keywords may be invented."""
        return (*self.names(known), ANY_OTHER) if self.any_keyword else self.names()

    def read(self, names: Iterable[str]) -> Said:
        """What a client wrote, in any case.  Raises NotAllowed for a flag that it may not set here."""
        flags, keywords = _NOTHING, set[str]()
        for name in names:
            if flag := _BITS.get(name.lower(), _NOTHING) & self.settable:
                flags |= flag
            elif keyword := self._keyword(name):
                keywords.add(keyword)
            elif not self.lenient:
                raise NotAllowed
        return Said(flags, frozenset(keywords))

    def change(self, change: FlagChange) -> Change:
        """What is not settable stays as it is, whatever the client says.  Raises NotAllowed."""
        said = self.read(change.flags)
        match change.mode:
            case FlagMode.ADD:
                return Change(said.flags, _NOTHING, KeywordChange(said.keywords))
            case FlagMode.REMOVE:
                return Change(_NOTHING, said.flags, KeywordChange(remove=said.keywords))
            case FlagMode.REPLACE:
                cleared = None if self.any_keyword else self.keywords
                return Change(said.flags, self.settable, KeywordChange(said.keywords, cleared))

    def _keyword(self, name: str) -> str | None:
        """The keyword that is meant; None for a system flag, for one of the names above, and for others."""
        if name.startswith("\\") or name.lower() in _BITS:
            return None
        for known in self.keywords:
            if known.lower() == name.lower():
                return known
        return name if self.any_keyword and len(name) <= _LONGEST_KEYWORD else None
