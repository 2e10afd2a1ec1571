# SPDX-License-Identifier: Apache-2.0
"""Answers that wait to be written: joined once, not concatenated, and always of known size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Octets: TypeAlias = "bytes | memoryview"
"""A view is of octets that nobody changes."""


class Output:
    """Pieces in the order in which they go out."""

    def __init__(self) -> None:
        self._pieces: list[Octets] = []
        self.size = 0
        """Octets that wait."""

    def add(self, piece: Octets) -> None:
        """One more piece: a whole line, a line with its literals, or some of those."""
        self._pieces.append(piece)
        self.size += len(piece)

    def extend(self, pieces: Iterable[Octets]) -> None:
        """Several pieces."""
        for piece in pieces:
            self.add(piece)

    def take(self) -> bytes:
        """Everything that waits; nothing waits afterwards."""
        first = self._pieces[0]
        joined = first if len(self._pieces) == 1 and isinstance(first, bytes) else b"".join(self._pieces)
        self.clear()
        return joined

    def clear(self) -> None:
        """Forget what waits."""
        self._pieces.clear()
        self.size = 0
