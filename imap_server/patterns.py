# SPDX-License-Identifier: Apache-2.0
"""Mailbox patterns of LIST (RFC 3501 section 6.3.8): ``*`` fits anything, ``%`` stops at a delimiter.

Not a regular expression: a pattern of many wildcards would make one backtrack for minutes.  This
follows all positions in the name at once, so its time is bounded by pattern times name.
"""

from __future__ import annotations

DELIMITER = "/"

_LONGEST = 1024
"""Characters of a pattern; a longer one fits nothing (RFC 5258 section 3), as matching is one step."""


def fits(pattern: str, name: str) -> bool:
    """Whether a pattern fits a whole name; INBOX in any case."""
    if len(pattern) > _LONGEST:
        return False
    if name == "INBOX":
        pattern = pattern.upper()
    reached = {0}
    for character in pattern:
        if character in "*%":
            reached = _spread(reached, name, everywhere=character == "*")
        else:
            reached = {at + 1 for at in reached if name[at : at + 1] == character}
        if not reached:
            return False
    return len(name) in reached


def _spread(reached: set[int], name: str, *, everywhere: bool) -> set[int]:
    spread: set[int] = set()
    for start in sorted(reached):
        at = start
        while at not in spread:
            spread.add(at)
            if at == len(name) or (name[at] == DELIMITER and not everywhere):
                break
            at += 1
    return spread
