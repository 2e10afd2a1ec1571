# SPDX-License-Identifier: Apache-2.0
"""TLS to the SMSC: the certificate must be signed by whom the operator trusts, and name the host."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from sms_gateway.errors import OutcomeUnknown
from sms_gateway.esme import bound
from sms_gateway.meter import Meter
from sms_gateway.port import NoMetrics
from sms_gateway.settings import SmscSettings, TlsSettings
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from sms_gateway.smpp.pdu import Command
from tests.unit.certificate import self_signed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "smsc.pem")


def simulator(certificate: Path, *, asks: bool = False) -> SimulatedSmsc:
    """``asks``: the SMSC wants a certificate of its ESMEs, and trusts this same one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if asks:
        context.load_verify_locations(certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return SimulatedSmsc(SimulatorSettings(tls=context))


async def bind(port: int, tls: TlsSettings) -> None:
    settings = SmscSettings(port=port, password="secret", tls=tls)
    meter = Meter("main", NoMetrics())
    async with bound(settings, Command.BIND_TRANSCEIVER, meter) as esme:
        assert esme.link.usable


async def test_a_trusted_certificate_is_accepted(certificate: Path) -> None:
    smsc = simulator(certificate)
    async with smsc.running():
        await bind(smsc.port, TlsSettings(ca=str(certificate)))
        await smsc.until(lambda: smsc.unbinds == 1)


async def test_a_certificate_that_nobody_signed_is_refused(certificate: Path) -> None:
    smsc = simulator(certificate)
    async with smsc.running():
        with pytest.raises(ssl.SSLCertVerificationError):
            await bind(smsc.port, TlsSettings())


async def test_a_certificate_of_another_host_is_refused(certificate: Path) -> None:
    smsc = simulator(certificate)
    async with smsc.running():
        with pytest.raises(ssl.SSLCertVerificationError):
            await bind(smsc.port, TlsSettings(ca=str(certificate), server_name="smsc.example.net"))


async def test_an_smsc_that_asks_for_our_certificate_gets_it(certificate: Path) -> None:
    smsc = simulator(certificate, asks=True)
    async with smsc.running():
        await bind(smsc.port, TlsSettings(ca=str(certificate), certificate=str(certificate)))
        await smsc.until(lambda: smsc.unbinds == 1)


async def test_without_our_certificate_such_an_smsc_lets_nobody_in(certificate: Path) -> None:
    smsc = simulator(certificate, asks=True)
    async with smsc.running():
        # TLS 1.3 refuses after the handshake, so the link is lost in the middle of the bind.
        with pytest.raises((ssl.SSLError, ConnectionError, OutcomeUnknown)):
            await bind(smsc.port, TlsSettings(ca=str(certificate)))
        assert smsc.bound == 0


async def test_a_renewed_certificate_counts_from_the_next_bind(certificate: Path, tmp_path: Path) -> None:
    ours = tmp_path / "ours.pem"
    tls = TlsSettings(ca=str(certificate), certificate=str(ours))
    smsc = simulator(certificate, asks=True)
    async with smsc.running():
        with pytest.raises(FileNotFoundError):
            await bind(smsc.port, tls)
        ours.write_bytes(certificate.read_bytes())
        await bind(smsc.port, tls)
