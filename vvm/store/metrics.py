# SPDX-License-Identifier: Apache-2.0
"""Who hears of commits, whichever adapter made them, and of blobs, wherever they lie."""

from __future__ import annotations

from typing import Protocol


class CommitMetrics(Protocol):
    """Hears of every commit; of SQLite's in its writer's thread."""

    def committed(self, jobs: int, seconds: float) -> None:
        """``jobs`` transactions shared one commit; from its beginning to the end of its fsync."""
        ...


class NoCommitMetrics:
    """Nobody listens."""

    def committed(self, jobs: int, seconds: float) -> None:
        pass


class BlobMetrics(Protocol):
    def operated(self, backend: str, operation: str, outcome: str, *, octets: int, seconds: float) -> None:
        """A put, get or delete ended: ``ok``, ``absent``, ``cancelled``, or with the code of an error."""
        ...

    def looked_up(self, *, hit: bool) -> None:
        """The cache was asked for a blob."""
        ...

    def swept(self, blobs: int) -> None:
        """So many were deleted that no message had any more."""
        ...


class NoBlobMetrics:
    """Nobody listens."""

    def operated(self, backend: str, operation: str, outcome: str, *, octets: int, seconds: float) -> None:
        pass

    def looked_up(self, *, hit: bool) -> None:
        pass

    def swept(self, blobs: int) -> None:
        pass
