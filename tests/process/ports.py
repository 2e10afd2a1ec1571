# SPDX-License-Identifier: Apache-2.0
"""Ports that a configuration must name before anybody listens on them."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NEVER_EPHEMERAL = (20_000, 32_000)


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that nobody else gets while the block runs, and on which one program may listen again and again.

    A socket that is bound and does not listen keeps it.
    """
    while True:
        with socket.socket() as keeper:
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                keeper.bind(("", random.randrange(*_NEVER_EPHEMERAL)))
            except OSError:
                continue
            port: int = keeper.getsockname()[1]
            yield port
            return


def free_port() -> int:
    """A TCP port that nobody has at this moment, and that the system gives to no client meanwhile."""
    while True:
        port = random.randrange(*_NEVER_EPHEMERAL)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
