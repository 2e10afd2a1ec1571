# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about the adapters of the store."""

from __future__ import annotations

from typing import Literal

import msgspec

HintBus = Literal["store", "process", "sockets", "postgres", "redis"]


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
    programs: str = ""
    """Directory of pg_dump, pg_restore and psql, for vvm backup; "" looks where Debian and PGDG put them,
    and in PATH."""


class HintSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the news of a change reaches those who wait for it in other processes.

    Hints spare time and carry nothing: who misses one finds the change at its next look into the store.
    """

    bus: HintBus = "store"
    """The store's own way (a SQLite file is looked at, PostgreSQL notifies), this process alone, sockets
    between the processes of one machine, PostgreSQL, or Redis and Valkey."""
    directory: str = ""
    """For sockets: where each process has its own; "" makes hints in state.directory."""
    url: str = "redis://127.0.0.1:6379/0"
    """For redis: redis://HOST:PORT/DATABASE, rediss:// with TLS, or unix:///PATH."""
    password: str = ""
    """For redis; "" where the server asks for none."""
    timeout_seconds: float = 5.0
    """For redis: how long an answer may take, and after how much silence the server is asked for a sign."""
