# SPDX-License-Identifier: Apache-2.0
"""Ports that a configuration must name before anybody listens on them."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

_NEVER_EPHEMERAL = (20_000, 32_000)


def free_port() -> int:
    """A TCP port that nobody has at this moment, and that the system gives to no client meanwhile."""
    while True:
        port = random.randrange(*_NEVER_EPHEMERAL)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
