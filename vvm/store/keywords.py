# SPDX-License-Identifier: Apache-2.0
"""Flags that mail clients invent (RFC 3501 section 2.3.2): every adapter counts and spells them alike."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from vvm.domain.errors import TooManyKeywords

KEYWORDS_LIMIT = 64
"""How many different ones a folder ever learns: each is told at every SELECT."""

NO_KEYWORDS: frozenset[str] = frozenset()


class KeywordChange(msgspec.Struct, frozen=True):
    """Remove, then add.  Names compare without case and are spelled as the folder first saw them."""

    add: frozenset[str] = NO_KEYWORDS
    remove: frozenset[str] | None = NO_KEYWORDS
    """None removes every one."""

    def applied_to(self, carried: frozenset[str]) -> frozenset[str]:
        """What a message carries afterwards; all names are spelled as the folder spells them."""
        return self.add if self.remove is None else (carried - self.remove) | self.add

    def spelled(self, known: tuple[str, ...]) -> tuple[KeywordChange, tuple[str, ...]]:
        """The same change in a folder's spelling, and what the folder knows afterwards.

        Raises TooManyKeywords.
        """
        known, add = spelled(known, self.add)
        if self.remove is None:
            return KeywordChange(add, None), known
        leaving = {name.lower() for name in self.remove}
        return KeywordChange(add, frozenset(name for name in known if name.lower() in leaving)), known


SAME_KEYWORDS = KeywordChange()


def spelled(known: tuple[str, ...], wanted: Collection[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """What a folder knows once ``wanted`` are among it, and ``wanted`` in its spelling.

    Raises TooManyKeywords.
    """
    if not wanted:
        return known, NO_KEYWORDS
    spelling = {name.lower(): name for name in known}
    for name in sorted(wanted):
        spelling.setdefault(name.lower(), name)
    if len(spelling) > max(KEYWORDS_LIMIT, len(known)):
        raise TooManyKeywords(limit=KEYWORDS_LIMIT)
    return tuple(spelling.values()), frozenset(spelling[name.lower()] for name in wanted)
