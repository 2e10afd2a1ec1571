# SPDX-License-Identifier: Apache-2.0
"""Where HTTP is served over TLS, and the look for renewed files while it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

from vvm.config.address import parse_address
from vvm.fronts.http.doors import Place
from vvm.runtime.keys import MutualTls
from vvm.runtime.supervisor import Part, Ready

RENEWAL_SECONDS = 30.0
"""How soon a renewed certificate is shown."""


def tls_place(listen: str, *, certificate: str, key: str, client_ca: str = "") -> tuple[Place, Part]:
    """A place that speaks TLS, and the part that takes its renewed files.  Raises BadKeyFile."""
    address = parse_address(listen)
    files = MutualTls(Path(certificate), Path(key), Path(client_ca) if client_ca else None)

    async def renew(ready: Ready) -> None:
        ready()
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            files.look()

    return Place(address.host, address.port, lambda: files.context), renew
