# SPDX-License-Identifier: Apache-2.0
"""What the server counts, and the reasons for which it ends a connection, with the text the client hears."""

from __future__ import annotations

import enum
from typing import Protocol


class Limit(enum.Enum):
    """Why the server ended or refused a connection: the text of BYE; logs and metrics use the name.

    A literal that comes unasked and is too big has its code (RFC 7888 section 5).
    """

    CONNECTIONS = "too many connections"
    CONNECTIONS_PER_ADDRESS = "too many connections from your address"
    DESCRIPTORS = "too many open files"
    LINE = "line too long"
    COMMAND = "[TOOBIG] command too long"
    BAD_COMMANDS = "too many bad commands"
    FAILED_LOGINS = "too many failed logins"
    LOGIN_TIME = "no login in time"
    IDLE_TIME = "idle for too long"
    COMMAND_TIME = "command took too long"
    WRITE_TIME = "answers not taken in time"
    HANDSHAKE = "TLS handshake failed"
    PROXY = "only by way of our load balancers"
    FOREIGN_PROTOCOL = "this is an IMAP server"
    PIPELINED_TLS = "octets after STARTTLS"
    COMPRESSION = "not compressed as agreed"
    SHUTDOWN = "server is shutting down"


class Metrics(Protocol):
    """Where the figures go; every method is called on the event loop and must not block."""

    def connection_opened(self) -> None:
        """A connection was accepted."""
        ...

    def connection_closed(self) -> None:
        """A connection that was accepted has ended."""
        ...

    def login(self, outcome: str) -> None:
        """A login ended: ``ok``, ``denied``, ``unavailable`` or ``refused_in_clear``."""
        ...

    def command(self, name: str, outcome: str, seconds: float) -> None:
        """A known command ended ``ok``, ``no``, ``bad`` or ``bye`` after ``seconds``."""
        ...

    def limit_reached(self, limit: Limit) -> None:
        """A limit ended a connection or refused one; ``DESCRIPTORS``: lets peers wait."""
        ...


class NoMetrics:
    """Counts nothing."""

    def connection_opened(self) -> None:
        """Ignored."""

    def connection_closed(self) -> None:
        """Ignored."""

    def login(self, outcome: str) -> None:
        """Ignored."""

    def command(self, name: str, outcome: str, seconds: float) -> None:
        """Ignored."""

    def limit_reached(self, limit: Limit) -> None:
        """Ignored."""
