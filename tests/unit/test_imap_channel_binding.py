# SPDX-License-Identifier: Apache-2.0
"""SCRAM-SHA-256-PLUS over TLS 1.3: a client that computes the binding from what its own TLS saw."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from imap_server.server import ImapServer, Listener
from imap_server.settings import ImapSettings
from tests.unit.test_imap_sasl import KnowingBackend, ScramClient
from vvm.runtime.keys import CertificateWatch, end_point, tls_context

SETTINGS = ImapSettings(
    sasl_mechanisms=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), failed_login_seconds=0.0
)
Binding = Callable[[bytes], bytes]
"""What a client makes of the certificate that it saw."""


def certificate_hash(der: bytes) -> bytes:
    return hashlib.sha256(der).digest()


class Serving:
    """A server with a certificate of its own, and what its clients trust."""

    def __init__(self, folder: Path, found: Callable[[], bytes | None] | None) -> None:
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        context = tls_context(certificate, key, host="localhost", made_here=True)
        watch = CertificateWatch(context, certificate, key)
        self.trusted = ssl.create_default_context(cafile=certificate)
        self.server = ImapServer(
            KnowingBackend(), SETTINGS, tls=context, end_point=found or (lambda: watch.end_point)
        )
        self.server.bind([Listener("127.0.0.1", 0, implicit_tls=True), Listener("127.0.0.1", 0)])


@asynccontextmanager
async def server(found: Callable[[], bytes | None] | None = None) -> AsyncIterator[Serving]:
    with TemporaryDirectory() as folder:
        serving = Serving(Path(folder), found)
        async with asyncio.TaskGroup() as group:
            group.create_task(serving.server.serve())
            try:
                yield serving
            finally:
                await serving.server.stop(1.0)


class Talk:
    """One connection, and lines of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def line(self) -> bytes:
        return (await asyncio.wait_for(self.reader.readline(), 10)).rstrip(b"\r\n")

    async def say(self, line: bytes) -> bytes:
        self.writer.write(line + b"\r\n")
        return await self.line()

    async def login(self, mechanism: bytes, header: bytes, binding: Binding = lambda _: b"") -> bytes:
        """The tagged answer of a whole conversation."""
        client = ScramClient(header=header)
        said = await self.say(b"a AUTHENTICATE " + mechanism + b" " + b64encode(client.first(b"")))
        seen = self.writer.get_extra_info("ssl_object")
        assert seen.version() == "TLSv1.3"
        client.header += binding(seen.getpeercert(binary_form=True))
        for step in (client.final, client.verify):
            if not said.startswith(b"+ "):
                return said
            said = await self.say(b64encode(step(b64decode(said[2:]))))
        return said


@asynccontextmanager
async def talk(serving: Serving, *, starttls: bool = False) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        serving.server.ports[starttls],
        ssl=None if starttls else serving.trusted,
        server_hostname=None if starttls else "localhost",
    )
    talking = Talk(reader, writer)
    try:
        assert (await talking.line()).startswith(b"* OK")
        if starttls:
            assert (await talking.say(b"s STARTTLS")).startswith(b"s OK")
            await writer.start_tls(serving.trusted, server_hostname="localhost")
        yield talking
    finally:
        writer.close()


@pytest.mark.parametrize("starttls", [False, True])
async def test_who_saw_our_certificate_gets_in(*, starttls: bool) -> None:
    async with server() as serving, talk(serving, starttls=starttls) as talking:
        assert b"AUTH=SCRAM-SHA-256-PLUS" in await talking.say(b"c CAPABILITY")
        assert (await talking.line()).startswith(b"c OK")
        said = await talking.login(b"SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,", certificate_hash)
        assert said.startswith(b"a OK ")


async def test_who_saw_another_certificate_does_not() -> None:
    async with server(lambda: bytes(32)) as serving, talk(serving) as talking:
        said = await talking.login(b"SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,", certificate_hash)
        assert said == b"a BAD SCRAM message does not fit the one before"


@pytest.mark.parametrize(
    ("mechanism", "header", "answer"),
    [
        (b"SCRAM-SHA-256-PLUS", b"p=tls-exporter,,", b"a NO "),
        (b"SCRAM-SHA-256-PLUS", b"n,,", b"a BAD "),
        (b"SCRAM-SHA-256", b"p=tls-server-end-point,,", b"a NO "),
        (b"SCRAM-SHA-256", b"y,,", b"a NO the server does support channel binding"),
        (b"SCRAM-SHA-256", b"n,,", b"a OK "),
    ],
)
async def test_what_a_client_says_of_binding_is_held_against_what_is_offered(
    mechanism: bytes, header: bytes, answer: bytes
) -> None:
    async with server() as serving, talk(serving) as talking:
        assert (await talking.login(mechanism, header)).startswith(answer)


async def test_it_is_not_offered_where_there_is_nothing_to_bind() -> None:
    async with server(lambda: None) as serving, talk(serving) as talking:
        assert b"-PLUS" not in await talking.say(b"c CAPABILITY")
        await talking.line()
        assert (await talking.say(b"a AUTHENTICATE SCRAM-SHA-256-PLUS")).startswith(b"a NO ")
        assert (await talking.login(b"SCRAM-SHA-256", b"y,,")).startswith(b"a OK ")


def made(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, signed: hashes.SHA384 | None) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vvm.example.net")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=1))
    return built.sign(key, signed).public_bytes(serialization.Encoding.PEM)


def test_the_hash_is_that_of_the_signature() -> None:
    chain = made(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384())
    der = x509.load_pem_x509_certificate(chain).public_bytes(serialization.Encoding.DER)
    assert end_point(chain) == hashlib.sha384(der).digest()
    assert end_point(made(ed25519.Ed25519PrivateKey.generate(), None)) is None
