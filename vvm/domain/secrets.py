# SPDX-License-Identifier: Apache-2.0
"""Values that must not show themselves in a log, a traceback or a repr."""

from __future__ import annotations

import msgspec


class Secret(msgspec.Struct, frozen=True):
    """A password, PIN or token.  Prints as stars; ``reveal`` is the only way to the text."""

    _text: str

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)
