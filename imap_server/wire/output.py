# SPDX-License-Identifier: Apache-2.0
"""Answers that wait to be written: joined once, not concatenated, and always of known size."""

from __future__ import annotations

from collections.abc import Iterable


class Output:
    """Pieces in the order in which they go out."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0
        """Octets that wait."""

    def add(self, piece: bytes) -> None:
        """One more piece: a whole line, or a line with its literals."""
        self._pieces.append(piece)
        self.size += len(piece)

    def extend(self, pieces: Iterable[bytes]) -> None:
        """Several pieces."""
        for piece in pieces:
            self.add(piece)

    def take(self) -> bytes:
        """Everything that waits; nothing waits afterwards."""
        joined = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.clear()
        return joined

    def clear(self) -> None:
        """Forget what waits."""
        self._pieces.clear()
        self.size = 0
