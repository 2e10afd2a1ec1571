# SPDX-License-Identifier: Apache-2.0
"""The store's embedded adapter: one SQLite file, one writer thread, reads on the event loop."""

from vvm.store.sqlite.adapter import SqliteStore, open_sqlite

__all__ = ["SqliteStore", "open_sqlite"]
