# SPDX-License-Identifier: Apache-2.0
"""Self-service over TLS: clients of one's own ask for a code; what is not TLS is counted and not heard."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.process.program import running
from vvm.runtime.keys import tls_context

pytestmark = pytest.mark.process

_NO_SMSC = 9
COUNTED = 'vvm_http_connections_refused_total{listener="self_service",reason="no_tls"} 1.0'


async def test_clients_are_heard_over_tls_and_only_so(tmp_path: Path) -> None:
    certificate, key = tmp_path / "made" / "tls.crt", tmp_path / "made" / "tls.key"
    tls_context(certificate, key, host="localhost", made_here=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    more = (
        f'[self_service]\nlisten = "127.0.0.1:{port}"\nurl = "https://localhost:{port}"\n'
        f'certificate = "{certificate}"\nkey = "{key}"\n'
    )
    trusting = ssl.create_default_context(cafile=certificate)
    async with (
        running(tmp_path, smsc_port=_NO_SMSC, more=more) as program,
        aiohttp.ClientSession() as client,
        asyncio.timeout(30),
    ):
        asked = await client.post(
            f"https://localhost:{port}/client/v1/codes", json={"msisdn": "+33612345678"}, ssl=trusting
        )
        assert asked.status == 202
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with suppress(ConnectionResetError):
            assert b"HTTP" not in await reader.read()
        writer.close()
        figures = await client.get(f"http://127.0.0.1:{program.http_port}/metrics")
        assert COUNTED in await figures.text()
