# SPDX-License-Identifier: Apache-2.0
"""Who hears of commits, whichever adapter made them, and of blobs, wherever they lie."""

from __future__ import annotations

from typing import Protocol


class CommitMetrics(Protocol):
    """Hears of every commit; of SQLite's in its writer's thread."""

    def committed(self, jobs: int, seconds: float) -> None:
        """``jobs`` transactions shared one commit; from its beginning to the end of its fsync."""
        ...

    def failed(self) -> None:
        """A commit, of however many, did not come about: the store or its disk failed."""
        ...


class NoCommitMetrics:
    """Nobody listens."""

    def committed(self, jobs: int, seconds: float) -> None:
        pass

    def failed(self) -> None:
        pass


class CommitWatch:
    """Passes on what it hears, and knows how the last commit ended."""

    def __init__(self, metrics: CommitMetrics | None) -> None:
        self._metrics = metrics or NoCommitMetrics()
        self.failing = False
        """The last one failed, and none has succeeded since."""

    def committed(self, jobs: int, seconds: float) -> None:
        self.failing = False
        self._metrics.committed(jobs, seconds)

    def failed(self) -> None:
        self.failing = True
        self._metrics.failed()


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
