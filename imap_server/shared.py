# SPDX-License-Identifier: Apache-2.0
"""What a server gives to each of its connections."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection

import msgspec

from imap_server.backend import Backend
from imap_server.dispatch import Table
from imap_server.metrics import Metrics
from imap_server.settings import ImapSettings


class Shared(msgspec.Struct, frozen=True):
    """What all connections of a server have in common."""

    backend: Backend
    settings: ImapSettings
    metrics: Metrics
    commands: Table
    capabilities: Collection[bytes]
    tls: ssl.SSLContext | None
    end_point: Callable[[], bytes | None]
    """Of the certificate that a handshake shows now; see ``Peer.end_point``."""
    received: memoryview
    """Where octets lie between the socket and the connection whose they are, one after another."""
