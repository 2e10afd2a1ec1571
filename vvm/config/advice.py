# SPDX-License-Identifier: Apache-2.0
"""What is allowed and still seldom meant: told by ``vvm config check``, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import msgspec
from cryptography import x509

from vvm.config.address import parse_address
from vvm.config.sections import Config, StoreSettings
from vvm.services.settings import ServiceSettings

_EXAMPLE = ServiceSettings().imap_host


class Advice(msgspec.Struct, frozen=True):
    """One thing to think about."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"


def advise(config: Config) -> list[Advice]:
    """For a configuration without mistakes.  Raises ValueError and OSError only for one that has some."""
    rules = (_certificate, _reach, _in_clear, _store, _sources, _nodes)
    return [advice for rule in rules for advice in rule(config)]


def _certificate(config: Config) -> Iterator[Advice]:
    host = config.vvm.imap_host
    if not config.tls.certificate:
        yield Advice("tls.certificate", "self-signed, which handsets refuse; good enough for a trial")
    elif not names(x509.load_pem_x509_certificate(Path(config.tls.certificate).read_bytes()), host):
        yield Advice("tls.certificate", f"does not name vvm.imap_host, {host}: handsets refuse it")


def _reach(config: Config) -> Iterator[Advice]:
    hosts = [parse_address(text).host for text in (*config.imap.listen, *config.imap.listen_tls)]
    if all(_is_loopback(host) for host in hosts):
        yield Advice("imap.listen", "only this machine can reach it; a handset needs an address of yours")
    if config.vvm.imap_host == _EXAMPLE:
        yield Advice("vvm.imap_host", "still that of the example; STATUS sends handsets there")


def _in_clear(config: Config) -> Iterator[Advice]:
    """What the network could read: tokens, passwords, messages."""
    if not _is_loopback(parse_address(config.http.listen).host):
        text = "plain HTTP, tokens in clear, beyond this machine: keep it private, or use http.listen_tls"
        yield Advice("http.listen", text)
    service = config.self_service
    if service.listen and not service.certificate and not _is_loopback(parse_address(service.listen).host):
        text = (
            "plain HTTP beyond this machine: give self_service.certificate, or let only a TLS proxy reach it"
        )
        yield Advice("self_service.listen", text)
    if not config.imap.limits.require_tls:
        yield Advice("imap.limits.require_tls", "logins without TLS: who sees the network sees passwords")


def _store(config: Config) -> Iterator[Advice]:
    """Three slashes where four are meant: the file would be made anew under the working directory."""
    path = config.store.path
    if path is None or path.is_absolute() or path.parent.exists():
        return
    meant = Path("/") / path
    if config.store != StoreSettings() and meant.parent.is_dir():
        text = f"{path} under the working directory; {meant} is written with four slashes, sqlite:///{meant}"
        yield Advice("store.url", text)


def _sources(config: Config) -> Iterator[Advice]:
    if not config.sms.names:
        yield Advice("sms.smsc", "no SMSC: no handset can be activated or told of a message")
    if config.asterisk is None:
        yield Advice("asterisk", "no Asterisk: messages come in over HTTP only")


def _nodes(config: Config) -> Iterator[Advice]:
    if config.store.path is None and not config.secrets.master_key_file:
        yield Advice("secrets.master_key_file", "made at the first start; every node needs the same one")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def names(certificate: x509.Certificate, host: str) -> bool:
    """The certificate is one for ``host`` (RFC 6125 section 6.4: a wildcard is the whole first label)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    known = {name.lower() for name in found.value.get_values_for_type(x509.DNSName)}
    known |= {str(address) for address in found.value.get_values_for_type(x509.IPAddress)}
    return not known.isdisjoint({host.lower(), f"*.{host.lower().partition('.')[2]}"})
