# SPDX-License-Identifier: Apache-2.0
"""``vvm doctor`` beside the real program: nothing wrong, then ten planted faults, each named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sms_gateway.smpp.status import Status
from tests.process.clinic import PATIENT, Clinic, clinic
from tests.process.ports import free_port

pytestmark = pytest.mark.process

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
WITHOUT_CODEC = """
import vvm.message.audio.opencore
import vvm.message.audio.pyav
vvm.message.audio.pyav.NAME = "no_such_codec"
vvm.message.audio.opencore.NAME = "no-such-library.so"
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Clinic]:
    async with clinic(tmp_path) as made:
        yield made


async def test_a_healthy_subscriber_is_walked_to_the_end_and_left_as_it_was(house: Clinic) -> None:
    before = await house.record()
    seen = await house.doctor(PATIENT)
    assert (seen.code, seen.faults, seen.report.healthy) == (0, [], True), seen
    walked = {finding.hop: finding.outcome for finding in seen.report.findings}
    hops = ("status", "deposit", "sync", "fetch", "sound", "clean_up")
    assert {hop: walked[hop] for hop in hops} == dict.fromkeys(hops, "ok")  # type: ignore[index]  # a StrEnum
    assert await house.record() == before
    phone = house.handsets
    assert len(phone.told[PATIENT]) == 2
    await phone.until(lambda: bool(phone.updated[PATIENT]))


async def test_without_sms_the_phone_hears_nothing(house: Clinic) -> None:
    before = await house.record()
    phone = house.handsets
    heard = len(phone.told[PATIENT]), len(phone.synced[PATIENT]), len(phone.updated[PATIENT])
    seen = await house.doctor(PATIENT, "--no-sms")
    assert (seen.code, seen.faults) == (0, []), seen
    assert await house.record() == before
    async with house.api() as api:  # whatever was owed before this leaves before it
        await api.deposit_speech(PATIENT)
    assert (len(phone.told[PATIENT]), len(phone.updated[PATIENT])) == (heard[0], heard[2])


async def test_without_a_number_the_installation_is_looked_at(house: Clinic) -> None:
    seen = await house.doctor()
    assert (seen.code, seen.faults, seen.report.msisdn) == (0, [], None), seen
    assert "subscriber" not in {finding.hop for finding in seen.report.findings}


async def assert_found(house: Clinic, fault: str, *words: str, env: dict[str, str] | None = None) -> None:
    """The doctor names this fault and no other, and says what to do."""
    seen = await house.doctor(PATIENT, *words, env=env)
    assert (seen.code, seen.faults) == (1, [fault]), seen
    (finding,) = (finding for finding in seen.report.findings if finding.fault)
    assert finding.text
    assert finding.cure
    assert fault in seen.errors


async def test_an_smsc_that_is_down(house: Clinic) -> None:
    await house.smsc.aclose()
    await assert_found(house, "smsc_down")


async def test_a_wrong_port_in_status(house: Clinic) -> None:
    await house.start(told_port=house.ports["http"])
    await house.bound()
    await assert_found(house, "wrong_port")
    await house.start(told_port=free_port())
    await house.bound()
    await assert_found(house, "wrong_port", "--no-sms")


async def test_an_expired_certificate(house: Clinic, tmp_path: Path) -> None:
    certificate, key = expired(tmp_path)
    await house.start(certificate=certificate, key=key)
    await house.bound()
    await assert_found(house, "certificate_expired")


async def test_a_blocked_subscriber(house: Clinic) -> None:
    async with house.api() as api:
        await api.change(PATIENT, blocked=True)
    await assert_found(house, "subscriber_blocked")


async def test_a_closed_subscriber(house: Clinic) -> None:
    async with house.api() as api:
        wanted = {"closed": True, "reason": "contract ended"}
        assert (await api.call("PUT", f"subscribers/{PATIENT}/closure", json=wanted))[0] == 200
    await assert_found(house, "subscriber_closed")


async def test_a_wrong_service_number(house: Clinic) -> None:
    await house.start(service_number="5522")
    await house.bound()
    await assert_found(house, "wrong_service_number", "--no-sms")


async def test_a_full_mailbox(house: Clinic) -> None:
    async with house.api() as api:
        await api.change(PATIENT, max_messages=1)
    await assert_found(house, "mailbox_full")


async def test_a_missing_codec(house: Clinic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(WITHOUT_CODEC)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    await house.start()
    await house.bound()
    await assert_found(house, "codec_missing")


async def test_a_clock_that_is_wrong(house: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FAKETIME is not None, "apt-get install -y --no-install-recommends faketime"
    with monkeypatch.context() as environment:
        environment.setenv("LD_PRELOAD", str(FAKETIME))
        environment.setenv("FAKETIME", "+300s")
        environment.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        await house.start()
    await house.bound()
    await assert_found(house, "clock_skew", "--no-sms")


async def test_credentials_that_the_phone_does_not_know(house: Clinic) -> None:
    house.handsets.smsc.inject(Status.RINVDSTADR)
    async with house.api() as api:
        await api.rotate(PATIENT)
        await api.until_a_dead_letter()
    await assert_found(house, "credentials_revoked")


async def test_a_closed_imap_port(house: Clinic) -> None:
    await house.start(arguments=["--role", "sms,http,worker"])
    await house.bound()
    seen = await house.doctor(PATIENT)
    assert (seen.code, set(seen.faults)) == (1, {"imap_closed"}), seen  # one for each listener


def expired(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that ended yesterday, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "old.crt", folder / "old.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_file, key_file
