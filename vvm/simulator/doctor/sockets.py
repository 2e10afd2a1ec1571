# SPDX-License-Identifier: Apache-2.0
"""Who answers at an address, asked as a stranger would."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from vvm.config.address import Address

SECONDS = 5.0
"""For each answer: a handset gives up soon after."""
_LINE = 1024


class NoAnswer(Exception):
    """Nobody is there, or nobody who says what was expected; the text says which."""


def reachable(address: Address) -> Address:
    """Where to knock for a listener: a wildcard is reached on this machine."""
    with suppress(ValueError):
        if ip_address(address.host).is_unspecified:
            return Address("::1" if ":" in address.host else "127.0.0.1", address.port)
    return address


async def knock(host: str, port: int) -> None:
    """Connect, and go.  Raises NoAnswer."""
    async with _connected(host, port):
        pass


async def greeting(host: str, port: int, *, implicit_tls: bool) -> str:
    """The first line of an IMAP server.  Raises NoAnswer when it is none."""
    async with _connected(host, port, trusting() if implicit_tls else None) as (reader, _):
        line = await _line(reader)
    if not line.startswith("* OK"):
        raise NoAnswer("something answers there, and it is no IMAP server")
    return line


async def shown_certificate(host: str, port: int, *, implicit_tls: bool) -> bytes:
    """The certificate (DER) that a handset would see, by STARTTLS or at once.  Raises NoAnswer."""
    async with _connected(host, port, trusting() if implicit_tls else None) as (reader, writer):
        await _line(reader)
        if not implicit_tls:
            writer.write(b"d1 STARTTLS\r\n")
            while not (line := await _line(reader)).startswith("d1 "):
                pass
            if not line.startswith("d1 OK"):
                raise NoAnswer("STARTTLS is refused")
            try:
                async with asyncio.timeout(SECONDS):
                    await writer.start_tls(trusting(), server_hostname=host)
            except (OSError, TimeoutError) as error:
                raise NoAnswer(f"no TLS: {error}") from None
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return bytes(shown)


def trusting() -> ssl.SSLContext:
    """Takes any certificate: it is looked at, not relied upon."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@asynccontextmanager
async def _connected(
    host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    except TimeoutError:
        raise NoAnswer(f"no answer within {SECONDS:.0f} s") from None
    except socket.gaierror:
        raise NoAnswer("the name is not known in the DNS") from None
    except ConnectionRefusedError:
        raise NoAnswer("nobody listens there (connection refused)") from None
    except OSError as error:
        raise NoAnswer(error.strerror or str(error)) from None
    try:
        yield reader, writer
    finally:
        writer.close()


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            line = await reader.readline()
    except (OSError, TimeoutError, ValueError):
        raise NoAnswer("something listens there and says nothing that is IMAP") from None
    if not line:
        raise NoAnswer("the connection is closed at once")
    return line[:_LINE].decode("ascii", "replace").rstrip()
