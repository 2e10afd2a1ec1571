# SPDX-License-Identifier: Apache-2.0
"""The store's embedded adapter: one SQLite file, one writer thread, reads on the event loop."""

from vvm.store.sqlite.adapter import SqliteStore, migrate_sqlite, open_sqlite

__all__ = ["SqliteStore", "migrate_sqlite", "open_sqlite"]
