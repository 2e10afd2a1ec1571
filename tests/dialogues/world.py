# SPDX-License-Identifier: Apache-2.0
"""What a dialogue needs of the world around it, so that one file runs over many servers.

The runner knows this protocol only.  The world in memory is one of them; the whole product, over
each of its stores, is another.
"""

from __future__ import annotations

import enum
import ssl
from typing import Protocol

import msgspec


class Standing(enum.Enum):
    """How a subscriber stands with the service; the value is what a dialogue writes."""

    ACTIVE = "active"
    NOT_INITIALIZED = "not initialized"
    NOT_PROVISIONED = "not provisioned"
    NOT_ACTIVATED = "not activated"
    BLOCKED = "blocked"
    UNKNOWN_CLIENT = "with an unknown client"
    NEW = "new"
    """Active, and the new-user tutorial is open."""
    NEW_ON_VVM3 = "new on VVM3"
    """The same with Verizon's dialect, and no PIN was ever set."""
    LENIENT = "with a lenient client"
    """Active, with a client that the operator calls lenient."""
    MAIL_CLIENT = "with a mail client"
    """Active, and not held to what OMTP allows."""
    APPLE = "with an Apple client"
    ATT = "with a client of AT&T"


class Credentials(msgspec.Struct, frozen=True):
    """What a handset logs in with."""

    user: str
    password: str


class World(Protocol):
    """A server to talk to, and the hands that make things happen behind its back."""

    host: str
    port: int
    """STARTTLS is offered here."""
    tls_port: int
    """TLS from the first octet."""
    tls: ssl.SSLContext
    """A client's context that trusts the server."""

    async def provide(self, msisdn: str, *, messages: int, standing: Standing) -> Credentials:
        """A new subscriber with so many messages in INBOX, UIDs from 1."""
        ...

    async def deposit(self, msisdn: str, *, seconds: float, caller: str) -> int:
        """A voice message arrives; its UID."""
        ...

    async def block(self, msisdn: str) -> None:
        """The operator blocks a subscriber, whoever is logged in."""
        ...

    async def forget_changes(self) -> None:
        """The journals begin anew: what happened before is old enough to be forgotten."""
        ...

    async def outage(self, *, down: bool) -> None:
        """The storage stops answering, or answers again."""
        ...
