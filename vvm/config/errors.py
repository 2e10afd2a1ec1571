# SPDX-License-Identifier: Apache-2.0
"""What is wrong in a configuration, told so that an operator can put it right without us."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from vvm.domain.errors import Refusal


class Mistake(msgspec.Struct, frozen=True):
    """One thing to put right."""

    key: str
    """The dotted path, for example ``imap.listen[0]``; "" when the whole source cannot be read."""
    right: str
    """What would be right."""
    value: str = ""
    """The value as it would stand in the file; "" when there is none, or when it may be a secret."""
    source: str = ""
    """The file or the environment variable that says so."""

    def __str__(self) -> str:
        place = f"{self.key} = {self.value}" if self.value else self.key
        return ": ".join(part for part in (self.source, place, self.right) if part)


class ConfigError(Refusal):
    """The configuration cannot be used.  Its text has a line for each mistake."""

    code = "bad_config"

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def within(key: str, outer: str) -> bool:
    """``key`` is ``outer`` or stands somewhere in it."""
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def further(found: Iterable[Mistake], told: Sequence[Mistake]) -> list[Mistake]:
    """Without what is only wrong because something that was told of is missing now.

    A secret whose file was told of is told of too.
    """
    keys = [key for mistake in told for key in (mistake.key, mistake.key.removesuffix("_file"))]
    return [
        mistake
        for mistake in found
        if not any(within(mistake.key, key) or within(key, mistake.key) for key in keys)
    ]
