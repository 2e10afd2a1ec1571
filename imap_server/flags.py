# SPDX-License-Identifier: Apache-2.0
"""One spelling for each flag: clients write ``\\SEEN`` and ``\\Seen`` and mean the same (RFC 3501 2.3.2)."""

from __future__ import annotations

from functools import lru_cache

from imap_server.backend import FlagChange, FlagMode, Flags

SEEN = "\\Seen"
ANSWERED = "\\Answered"
FLAGGED = "\\Flagged"
DELETED = "\\Deleted"
DRAFT = "\\Draft"
RECENT = "\\Recent"
ANY_OTHER = "\\*"
"""In PERMANENTFLAGS: a client may invent keywords."""

_CANONICAL = {flag.lower(): flag for flag in (SEEN, ANSWERED, FLAGGED, DELETED, DRAFT, RECENT)}


def canonical(flag: str) -> str:
    """System flags as RFC 3501 spells them; keywords as they came."""
    return _CANONICAL.get(flag.lower(), flag)


def carries(flags: Flags, flag: str) -> bool:
    """Whether ``flag`` (canonical) is among ``flags``; keywords compare without case."""
    if flag in flags:
        return True
    return not flag.startswith("\\") and flag.lower() in {each.lower() for each in flags}


def apply(change: FlagChange, flags: Flags) -> Flags:
    """The flags a message has after ``change``, were nobody else to touch it."""
    if change.mode is FlagMode.REPLACE:
        return change.flags
    named = {flag.lower() for flag in change.flags}
    kept = frozenset(flag for flag in flags if flag.lower() not in named)
    return kept | change.flags if change.mode is FlagMode.ADD else kept


@lru_cache(maxsize=1024)
def write(flags: Flags) -> bytes:
    """The parenthesised list on the wire, in a stable order."""
    return b"(" + " ".join(sorted(flags)).encode() + b")"
