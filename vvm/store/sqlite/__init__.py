# SPDX-License-Identifier: Apache-2.0
"""The store's embedded adapter: one SQLite file, one writer thread, reads on the event loop."""

from vvm.store.sqlite.adapter import SqliteStore, open_sqlite
from vvm.store.sqlite.engine import CommitMetrics

__all__ = ["CommitMetrics", "SqliteStore", "open_sqlite"]
