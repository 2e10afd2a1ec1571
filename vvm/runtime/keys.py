# SPDX-License-Identifier: Apache-2.0
"""Secrets that the first start makes: the master key, the admin token, a self-signed certificate.

Each is written whole and fsynced under another name before it gets its own, so that a crash leaves
the old state or the new one and never half a key.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vvm.domain.errors import BadStart
from vvm.domain.secrets import Secret
from vvm.services.credentials import MASTER_KEY_BYTES

log = structlog.get_logger(__name__)

_CERTIFICATE_LIFE = timedelta(days=825)


class BadKeyFile(BadStart):
    """A key file that is there but is not what it should be; the text names the file and the cure."""

    code = "bad_key_file"


def master_key(path: Path, *, store_exists: bool) -> bytes:
    """The key of services.credentials, made at the first start.  Raises BadKeyFile.

    Beside a store that exists none is made: it could not open one password of it.
    """
    if store_exists and not path.exists():
        raise BadKeyFile(f"{path} is missing: restore the master key that belongs to this store")
    octets = _made_once(path, lambda: secrets.token_bytes(MASTER_KEY_BYTES))
    if len(octets) != MASTER_KEY_BYTES:
        raise BadKeyFile(f"{path} has {len(octets)} octets; a master key has {MASTER_KEY_BYTES}")
    return octets


def admin_token(path: Path) -> Secret:
    """The bearer token of the HTTP API, made at the first start.  Raises BadKeyFile."""
    text = _made_once(path, lambda: secrets.token_urlsafe(32).encode()).decode("ascii", "replace").strip()
    if len(text) < 16 or not text.isprintable():  # noqa: PLR2004 - shorter can be guessed
        raise BadKeyFile(f"{path} must hold one line of at least 16 printable ASCII characters")
    return Secret(text)


def tls_context(certificate: Path, key: Path, *, host: str, made_here: bool) -> ssl.SSLContext:
    """A server context.  With ``made_here`` the files are made when they are missing, for ``host``.

    Raises BadKeyFile.
    """
    if made_here:
        with _alone_in(certificate.parent):
            if not (certificate.exists() and key.exists()):
                key_octets, certificate_octets = _self_signed(host)
                _write(key, key_octets)
                _write(certificate, certificate_octets)
                log.warning("certificate_made", file=str(certificate), host=host, trusted_by_handsets=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 1  # who opens one connection after the other needs no second one
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise BadKeyFile(f"{certificate} and {key} are not a certificate and its key: {error}") from None
    return context


def mutual_tls_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """A server context that lets in only whom ``client_ca``, if given, vouches for.  Raises BadKeyFile."""
    context = tls_context(certificate, key, host="", made_here=False)
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            raise BadKeyFile(f"{client_ca} holds no certificate of an authority: {error}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Renewal:
    """Has files taken into use again when they have changed; the first of them is the certificate."""

    def __init__(self, files: Sequence[Path], take: Callable[[], None]) -> None:
        """``take`` raises OSError or BadKeyFile, and has then changed nothing."""
        self._files = files
        self._take = take
        self._seen = self._stamps()

    def look(self) -> None:
        """Half a renewal leaves the old files in use."""
        stamps = self._stamps()
        if stamps == self._seen or None in stamps:
            return
        self._seen = stamps
        try:
            self._take()
        except (OSError, BadKeyFile) as error:  # of which ssl.SSLError is one
            log.error("certificate_not_taken", file=str(self._files[0]), error=str(error))  # noqa: TRY400 - the text says it all
        else:
            log.info("certificate_taken", file=str(self._files[0]))

    def _stamps(self) -> list[int | None]:
        return [_stamp(path) for path in self._files]


class CertificateWatch:
    """Takes a renewed certificate into a context that is in use: new connections see it.

    ``end_point`` is what binds a channel to it (see ``end_point``).
    """

    def __init__(self, context: ssl.SSLContext, certificate: Path, key: Path) -> None:
        self._context = context
        self._files = (certificate, key)
        self._renewal = _Renewal(self._files, self._take)
        self.end_point = end_point(certificate.read_bytes())

    def look(self) -> None:
        """Load the files again if they have changed."""
        self._renewal.look()

    def _take(self) -> None:
        # A pair that does not fit must not reach the context in use.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
        self._context.load_cert_chain(*self._files)
        self.end_point = end_point(self._files[0].read_bytes())


class MutualTls:
    """The context for new connections, made anew of renewed files: one in use forgets no authority."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        """As ``mutual_tls_context``.  Raises BadKeyFile."""
        self._make = partial(mutual_tls_context, certificate, key, client_ca)
        files = [file for file in (certificate, key, client_ca) if file is not None]
        self._renewal = _Renewal(files, self._take)
        self.context = self._make()

    def look(self) -> None:
        """Read the files again if they have changed."""
        self._renewal.look()

    def _take(self) -> None:
        self.context = self._make()


def end_point(chain: bytes) -> bytes | None:
    """``tls-server-end-point`` of a PEM whose first certificate is the server's (RFC 5929 section 4.1).

    None for a signature that has no hash of its own (Ed25519), where the binding is not defined.
    """
    certificate = x509.load_pem_x509_certificate(chain)
    signed = certificate.signature_hash_algorithm
    if signed is None:
        return None
    weak = isinstance(signed, hashes.MD5 | hashes.SHA1)
    return certificate.fingerprint(hashes.SHA256() if weak else signed)


def _stamp(path: Path) -> int | None:
    """When a file was written last; None while it cannot be seen, for example in mid-renewal."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        with _alone_in(path.parent):
            if not path.exists():
                _write(path, make())
                log.info("secret_made", file=str(path))
        return path.read_bytes()
    except OSError as error:
        raise BadKeyFile(f"{path} cannot be read: {error.strerror}") from None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Several processes may have their first start at once: one of them makes the files."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, octets: bytes) -> None:
    """Put a file in place that is whole from its first moment; only its owner may read it."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(octets)
        draft.flush()
        os.fsync(draft.fileno())
    Path(draft.name).replace(path)


def _self_signed(host: str) -> tuple[bytes, bytes]:
    """Key and certificate (PEM): ECDSA P-256, whose handshake is the cheapest that everybody speaks."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.now(UTC)
    names = [_general_name(name) for name in dict.fromkeys((host, "localhost", "127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _CERTIFICATE_LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
