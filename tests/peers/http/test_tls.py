# SPDX-License-Identifier: Apache-2.0
"""The API over TLS, as curl and openssl see it: with the right certificate, with another, with none."""

from __future__ import annotations

import asyncio
import subprocess
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from tests.unit.http_api import TOKEN, api_services
from tests.unit.services_world import World
from vvm.domain.secrets import Secret
from vvm.fronts.http.app import build_app
from vvm.fronts.http.doors import Place, Refused
from vvm.fronts.http.server import serving_at
from vvm.fronts.http.settings import HttpSettings
from vvm.runtime.keys import BadKeyFile, MutualTls, mutual_tls_context

pytestmark = pytest.mark.peers

_NOT_TRUSTED = 60
"""curl's exit code for a server whose certificate nobody vouches for."""


class Office:
    """An authority and those it vouches for, made by openssl."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, name
        directory.mkdir(exist_ok=True)
        self.ca, self._ca_key = self.files(name)
        self._openssl(
            "req", "-x509", "-days", "2", "-keyout", self._ca_key, "-out", self.ca, "-subj", f"/CN={name}"
        )

    def files(self, who: str) -> tuple[Path, Path]:
        return self._directory / f"{who}.crt", self._directory / f"{who}.key"

    def certify(self, who: str) -> tuple[Path, Path]:
        """A certificate and its key, in place of those that were there."""
        certificate, key = self.files(who)
        request = self._directory / f"{who}.csr"
        names = self._directory / f"{who}.names"
        names.write_text("subjectAltName=DNS:localhost")
        self._openssl("req", "-keyout", key, "-out", request, "-subj", f"/CN={who}")
        signing = ("-CA", self.ca, "-CAkey", self._ca_key, "-CAcreateserial", "-days", "1", "-extfile", names)
        self._run("x509", "-req", "-in", request, *signing, "-out", certificate)
        return certificate, key

    def _openssl(self, command: str, *words: object) -> None:
        self._run(command, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *words)

    def _run(self, *words: object) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


async def run(*words: object) -> tuple[int, str]:
    """Exit code and output of a program that is given nothing to read."""
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")


async def curl(port: int, ca: Path, *words: object) -> tuple[int, str]:
    """Ask for the classes of service, with the token."""
    bearer = ("--header", f"Authorization: Bearer {TOKEN}")
    return await run("curl", "-sS", "--cacert", ca, *bearer, *words, f"https://localhost:{port}/v1/cos")


class Listening(NamedTuple):
    mutual: int
    """A port that asks for a certificate."""
    simple: int
    """One that asks none."""
    tls: tuple[MutualTls, MutualTls]
    """Their contexts."""
    refused: asyncio.Queue[Refused]
    """Why connections were not let in, by the server's account."""

    async def saw(self, reason: Refused) -> None:
        """The server is told of the end of a handshake after the client."""
        async with asyncio.timeout(20):
            assert await self.refused.get() is reason
        assert self.refused.empty()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "office", "office")


@pytest.fixture
async def listening(office: Office) -> AsyncIterator[Listening]:
    certificate, key = office.certify("server")
    asking, open_to_all = (MutualTls(certificate, key, ca) for ca in (office.ca, None))
    settings = HttpSettings(handshake_seconds=2.0)
    registry = CollectorRegistry()
    app = build_app(api_services(World()), settings, token=Secret(TOKEN), registry=registry)
    places = [Place("127.0.0.1", 0, partial(getattr, tls, "context")) for tls in (asking, open_to_all)]
    refused: asyncio.Queue[Refused] = asyncio.Queue()
    async with serving_at(app, settings, places, report=refused.put_nowait) as (mutual, simple):
        yield Listening(mutual, simple, (asking, open_to_all), refused)


async def test_with_a_certificate_of_the_authority_a_client_is_served(
    office: Office, listening: Listening
) -> None:
    certificate, key = office.certify("crm")
    code, said = await curl(listening.mutual, office.ca, "--cert", certificate, "--key", key)
    assert (code, said) == (0, '{"classes":[],"next":null}')


async def test_without_one_or_with_that_of_another_no_request_is_heard(
    office: Office, listening: Listening, tmp_path: Path
) -> None:
    certificate, key = Office(tmp_path / "elsewhere", "elsewhere").certify("crm")
    bad = ("--cert", certificate, "--key", key)
    for words, reason in (((), Refused.NO_CERTIFICATE), (bad, Refused.CERTIFICATE)):
        code, said = await curl(listening.mutual, office.ca, *words)
        assert code != 0
        assert "classes" not in said
        await listening.saw(reason)


async def test_where_no_certificate_is_asked_the_token_is_enough(
    office: Office, listening: Listening
) -> None:
    assert await curl(listening.simple, office.ca) == (0, '{"classes":[],"next":null}')


async def test_a_client_that_does_not_know_the_authority_turns_away(
    listening: Listening, tmp_path: Path
) -> None:
    stranger = Office(tmp_path / "elsewhere", "elsewhere")
    assert (await curl(listening.simple, stranger.ca))[0] == _NOT_TRUSTED
    await listening.saw(Refused.BY_PEER)


@pytest.mark.parametrize(("version", "agreed"), [("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)])
async def test_old_versions_of_tls_are_refused(
    office: Office, listening: Listening, version: str, *, agreed: bool
) -> None:
    place = ("-connect", f"localhost:{listening.simple}", "-CAfile", office.ca)
    _, said = await run("openssl", "s_client", version, *place)
    assert ("Cipher is (NONE)" not in said) is agreed, said
    if not agreed:
        await listening.saw(Refused.VERSION)


async def test_a_renewed_certificate_is_seen_without_a_restart(office: Office, listening: Listening) -> None:
    async def serial() -> str:
        place = f"localhost:{listening.simple}"
        _, said = await run("openssl", "s_client", "-connect", place, "-CAfile", office.ca)
        process = await asyncio.create_subprocess_exec(
            "openssl", "x509", "-noout", "-serial", stdin=PIPE, stdout=PIPE
        )
        out, _ = await process.communicate(said.encode())
        return out.decode()

    before = await serial()
    office.certify("server")
    listening.tls[1].look()
    after = await serial()
    assert before.startswith("serial=")
    assert after != before
    assert (await curl(listening.simple, office.ca))[0] == 0


async def test_who_never_speaks_tls_is_hung_up_on(listening: Listening) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.mutual)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()
    await listening.saw(Refused.TIME)


async def test_who_speaks_http_in_clear_is_hung_up_on(listening: Listening) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.mutual)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with suppress(ConnectionResetError):
        assert b"HTTP" not in await reader.read()
    writer.close()
    await listening.saw(Refused.NO_TLS)


async def test_who_leaves_in_the_handshake_is_counted(listening: Listening) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", listening.mutual)
    writer.write(b"\x16\x03\x01\x02\x00")
    writer.transport.abort()
    await listening.saw(Refused.LOST)


async def test_authorities_are_renewed_too(office: Office, listening: Listening, tmp_path: Path) -> None:
    other = Office(tmp_path / "elsewhere", "elsewhere")
    certificate, key = other.certify("crm")
    words = ("--cert", certificate, "--key", key)
    ours = office.certify("crm")
    assert (await curl(listening.mutual, office.ca, *words))[0] != 0
    trusted = office.ca.read_bytes()
    office.ca.write_bytes(b"half a renewal")
    listening.tls[0].look()
    roots = tmp_path / "server.roots"
    roots.write_bytes(trusted)
    assert (await curl(listening.mutual, roots, "--cert", ours[0], "--key", ours[1]))[0] == 0
    office.ca.write_bytes(other.ca.read_bytes())
    listening.tls[0].look()
    assert (await curl(listening.mutual, roots, *words))[0] == 0
    assert (await curl(listening.mutual, roots, "--cert", ours[0], "--key", ours[1]))[0] != 0


async def test_a_handshake_takes_a_seat(office: Office) -> None:
    certificate, key = office.certify("server")
    tls = MutualTls(certificate, key, None)
    settings = HttpSettings(max_connections=1)
    app = build_app(api_services(World()), settings, token=Secret(TOKEN), registry=CollectorRegistry())
    refused: list[Refused] = []
    place = Place("127.0.0.1", 0, lambda: tls.context)
    async with serving_at(app, settings, [place], report=refused.append) as (port,):
        _, silent = await asyncio.open_connection("127.0.0.1", port)
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        assert refused == [Refused.CONNECTIONS]
        silent.close()
        second.close()
    assert refused == [Refused.CONNECTIONS]


def test_an_authority_that_is_none_stops_the_start(office: Office) -> None:
    certificate, key = office.certify("server")
    with pytest.raises(BadKeyFile, match="holds no certificate of an authority"):
        mutual_tls_context(certificate, key, key)
