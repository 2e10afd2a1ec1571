# SPDX-License-Identifier: Apache-2.0
"""What the load and the checker are told: where the nodes are, and who lives there."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import msgspec

QUIET = ("+33612345670", "+33612345671")
"""Nobody touches their messages: phones wait in IDLE, on every node."""
BUSY = ("+33612345672", "+33612345673")
"""Their phones fetch, mark and delete, now on this node and now on that."""


class NodeAddress(msgspec.Struct, frozen=True):
    name: str
    host: str
    http: int
    imap: int
    """STARTTLS."""


class Plan(msgspec.Struct, frozen=True):
    nodes: tuple[NodeAddress, ...]
    token: str
    """Of the HTTP API."""
    certificate: str
    """What the nodes show is signed by this file."""
    database: str
    """URL of the PostgreSQL behind them."""
    smsc_host: str
    smsc_port: int
    """Where the load's SMSC listens."""
    record: str
    """The file into which the load writes."""

    @classmethod
    def read(cls, path: str) -> Self:
        return msgspec.json.decode(Path(path).read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.encode(self))

    def node(self, name: str) -> NodeAddress:
        return next(node for node in self.nodes if node.name == name)
