# SPDX-License-Identifier: Apache-2.0
"""Secrets that the first start makes."""

from __future__ import annotations

import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from vvm.runtime.keys import BadKeyFile, CertificateWatch, admin_token, master_key, tls_context


def test_the_master_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "master.key"
    key = master_key(path, store_exists=False)
    assert len(key) == 32
    assert master_key(path, store_exists=False) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["master.key"]


def test_a_master_key_of_another_length_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(b"short")
    with pytest.raises(BadKeyFile, match="5 octets; a master key has 32"):
        master_key(path, store_exists=False)


def test_beside_a_store_no_new_master_key_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile, match="restore the master key"):
        master_key(tmp_path / "master.key", store_exists=True)
    assert not list(tmp_path.iterdir())


def test_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "var" / "master.key"
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: master_key(path, store_exists=False), range(32)))
    assert len(keys) == 1


def test_an_admin_token_of_the_operator_is_taken_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    path.write_text("0123456789abcdef\n")
    assert admin_token(path).reveal() == "0123456789abcdef"


@pytest.mark.parametrize("text", ["", "short", "with\x07bell-and-more-letters"])
def test_an_admin_token_that_could_be_guessed_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "admin.token"
    path.write_text(text)
    with pytest.raises(BadKeyFile, match="at least 16"):
        admin_token(path)


# rows: TLS-03
def test_the_certificate_that_is_made_convinces_a_client_that_trusts_it(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    server = tls_context(certificate, key, host="vvm.example.net", made_here=True)
    before = certificate.read_bytes()
    tls_context(certificate, key, host="vvm.example.net", made_here=True)
    assert certificate.read_bytes() == before
    client = ssl.create_default_context(cafile=str(certificate))
    from_client, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, from_client, server_hostname="vvm.example.net")
    theirs = server.wrap_bio(from_client, to_client, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ours.version() == theirs.version() == "TLSv1.3"


def test_tls_is_spoken_from_1_2_on_with_the_suite_that_imap_asks_for(tmp_path: Path) -> None:
    server = tls_context(tmp_path / "tls.crt", tmp_path / "tls.key", host="vvm.example.net", made_here=True)
    assert server.minimum_version is ssl.TLSVersion.TLSv1_2
    assert server.maximum_version is ssl.TLSVersion.MAXIMUM_SUPPORTED
    suites = {suite["name"] for suite in server.get_ciphers()}
    assert "ECDHE-RSA-AES128-GCM-SHA256" in suites  # RFC 9051 section 11.1


def test_a_renewed_certificate_is_shown_to_new_connections_and_half_a_renewal_is_not(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    context = tls_context(certificate, key, host="vvm.example.net", made_here=True)
    watch = CertificateWatch(context, certificate, key)
    first, first_key = certificate.read_bytes(), key.read_bytes()
    key.unlink()
    tls_context(certificate, key, host="vvm.example.net", made_here=True)
    second = certificate.read_bytes()
    renewed_key = key.read_bytes()
    key.write_bytes(first_key)
    watch.look()
    assert shown(context) == ssl.PEM_cert_to_DER_cert(first.decode())
    key.write_bytes(renewed_key)
    watch.look()
    assert shown(context) == ssl.PEM_cert_to_DER_cert(second.decode())


def shown(context: ssl.SSLContext) -> bytes:
    """The certificate that a client of this moment sees."""
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    from_client, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = stranger.wrap_bio(to_client, from_client)
    theirs = context.wrap_bio(from_client, to_client, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    found = ours.getpeercert(binary_form=True)
    assert found is not None
    return found


def test_a_missing_certificate_of_the_operator_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile, match="are not a certificate and its key"):
        tls_context(tmp_path / "a.crt", tmp_path / "a.key", host="vvm.example.net", made_here=False)


def test_a_certificate_that_cannot_be_seen_for_a_moment_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    context = tls_context(certificate, key, host="vvm.example.net", made_here=True)
    watch = CertificateWatch(context, certificate, key)
    shown_before = shown(context)
    certificate.unlink()
    watch.look()
    assert shown(context) == shown_before
