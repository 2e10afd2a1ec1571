# SPDX-License-Identifier: Apache-2.0
"""The store's adapter beyond one machine: PostgreSQL, and what speaks its protocol."""

from vvm.store.postgres.adapter import PostgresStore, open_postgres

__all__ = ["PostgresStore", "open_postgres"]
