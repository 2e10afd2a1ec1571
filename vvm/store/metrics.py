# SPDX-License-Identifier: Apache-2.0
"""Who hears of commits, whichever adapter made them."""

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
