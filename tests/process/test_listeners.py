# SPDX-License-Identifier: Apache-2.0
"""The program's sockets with its own event loop under them, which the unit tests do not have."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from tests.process.program import Program

pytestmark = pytest.mark.process


async def test_a_handshake_that_begins_at_once_is_always_heard(program: Program) -> None:
    """The ClientHello may be there before the connection's first step runs (port 993)."""
    context = ssl.create_default_context(cafile=program.certificate)
    for _ in range(30):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", program.imap_tls_port, ssl=context, server_hostname="localhost"
            )
            assert (await reader.readline()).startswith(b"* OK ")
            writer.close()
            await writer.wait_closed()
