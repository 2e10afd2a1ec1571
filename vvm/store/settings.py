# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about the adapters of the store."""

from __future__ import annotations

import msgspec


class PostgresSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of use with a postgresql URL only."""

    password: str = ""
    """Of the user in store.url; "" leaves it to the URL, PGPASSFILE, ~/.pgpass, or the server."""
    connections: int = 10
    """Most connections of a process that wait for the disk or read, and as many that do not wait."""
    connect_seconds: float = 5.0
    """How long a request waits for a connection."""
    statement_seconds: float = 10.0
    """How long a statement may take; the server is told too."""
    partitions: int = 16
    """Into how many each table is divided when the database is made; later it cannot be changed."""
