# SPDX-License-Identifier: Apache-2.0
"""What types cannot say: each rule looks at the whole configuration and tells what it finds wrong.

Better a refusal here than a handset that ignores its STATUS, which nobody would see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from vvm.config import choices, places
from vvm.config.address import MAX_PORT, Address, is_host, is_ipv6, parse_address
from vvm.config.carriers import read_carriers
from vvm.config.errors import Mistake
from vvm.config.numbers import numbers
from vvm.config.routing import routing
from vvm.config.sections import POSTGRES, SQLITE, Config
from vvm.config.toml import render
from vvm.domain.client import client_faults
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ProvisioningStatus
from vvm.omtp.status import ReturnCode, StatusReply, UnfitField
from vvm.store.blobs.settings import FILE as BLOB_FILE
from vvm.store.blobs.settings import S3

Findings = Iterator[Mistake]

_ANY_PORT = 143
_LONGEST_NUMBER = "9" * 15  # E.164
_DIGITS = re.compile(r"[0-9]{1,20}\Z")
_STATUS = re.compile(r"0x[0-9A-Fa-f]{1,8}\Z|[1-9][0-9]{0,9}\Z")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9/._-]*)?\Z")
_PATH_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,200}(/[A-Za-z0-9._~-]+)*\Z")
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}\Z")
_SYSTEM_ID = 15  # SMPP 3.4 4.1.1: 16 octets with the NUL
_MASTER_PASSWORD = 16
_PASSWORD = 8  # SMPP 3.4 4.1.1: 9 octets with the NUL


def check(config: Config) -> list[Mistake]:
    """Everything that is wrong, in the order of the rules; empty when nothing is."""
    return list(chain.from_iterable(rule(config) for rule in _RULES))


def _listens(config: Config) -> Findings:
    """Each is an address, and no two of them want one port.

    Port 0 is whatever is free; a wildcard takes its port on every address of its family, and no other.
    """
    taken: dict[str, Address] = {}
    for key, text in _listeners(config):
        try:
            address = parse_address(text)
        except ValueError as error:
            yield Mistake(key, str(error), render(text))
            continue
        for other, known in taken.items():
            if _clash(address, known):
                yield Mistake(key, f"a port that no other listener has: {other} has it", render(text))
        taken[key] = address


def _listeners(config: Config) -> Iterator[tuple[str, str]]:
    for key, texts in (("imap.listen", config.imap.listen), ("imap.listen_tls", config.imap.listen_tls)):
        yield from ((f"{key}[{index}]", text) for index, text in enumerate(texts))
    yield "http.listen", config.http.listen
    if config.http.listen_tls:
        yield "http.listen_tls", config.http.listen_tls
    if config.self_service.listen:
        yield "self_service.listen", config.self_service.listen
    if config.sms.kannel:
        yield "sms.kannel_listen", config.sms.kannel_listen
    if config.asterisk is not None and config.asterisk.media_listen:
        yield "asterisk.media_listen", config.asterisk.media_listen


def _clash(one: Address, other: Address) -> bool:
    if one.port != other.port or one.port == 0:
        return False
    wildcard = "::" if ":" in one.host else "0.0.0.0"
    same_family = (":" in one.host) == (":" in other.host)
    return one.host == other.host or (same_family and wildcard in {one.host, other.host})


def _store(config: Config) -> Findings:
    """Whoever writes a password into the URL finds it in no message."""
    url = config.store.url
    if url.startswith(POSTGRES):
        yield from _postgres(url)
    elif not url.startswith(SQLITE) or url == SQLITE:
        right = f"{SQLITE}PATH, or {POSTGRES[0]}USER@HOST/DATABASE"
        yield Mistake("store.url", right, render(url) if "@" not in url else "")


def _postgres(url: str) -> Findings:
    try:
        parts = urlsplit(url)
        whole = parts.port != 0 and len(parts.path) > 1
    except ValueError:
        yield Mistake("store.url", f"{POSTGRES[0]}USER@HOST:PORT/DATABASE, the port a number")
        return
    if not whole:
        yield Mistake("store.url", f"{POSTGRES[0]}USER@HOST/DATABASE, the name of a database in it")
    if parts.password is not None or "password" in parse_qs(parts.query):
        yield Mistake("store.url", "no password in it: store.postgres.password_file, or PGPASSFILE")


def _hints(config: Config) -> Findings:
    hints = config.hints
    if hints.bus == "postgres" and not config.store.url.startswith(POSTGRES):
        yield Mistake("hints.bus", "another one, or PostgreSQL in store.url", render(hints.bus))
    if hints.bus != "redis":
        return
    url = urlsplit(hints.url)
    if url.scheme not in {"redis", "rediss", "unix"} or not (url.hostname or url.scheme == "unix"):
        right = "redis://HOST:PORT/DATABASE, rediss:// or unix:///PATH"
        yield Mistake("hints.url", right, render(hints.url) if "@" not in hints.url else "")
    elif url.password is not None or "password" in parse_qs(url.query):
        yield Mistake("hints.url", "no password in it: hints.password_file")


def _blobs(config: Config) -> Findings:
    blobs = config.blobs
    if not blobs.url:
        if blobs.encrypt:
            yield Mistake("blobs.encrypt", "false, or a blobs.url: the database is not encrypted", "true")
        return
    if blobs.url.startswith(BLOB_FILE):
        if not Path(blobs.place).is_absolute():
            yield Mistake("blobs.url", "file:///DIRECTORY, three slashes in a row", render(blobs.url))
    elif not _BUCKET.match(blobs.url):
        yield Mistake("blobs.url", 'file:///DIRECTORY or s3://BUCKET/PREFIX, or ""', render(blobs.url))
    if blobs.endpoint and not blobs.endpoint.startswith(("http://", "https://")):
        right = "an address, for example https://s3.example.net"
        yield Mistake("blobs.endpoint", right, render(blobs.endpoint))
    if blobs.access_key and not blobs.secret_key:
        yield Mistake("blobs.secret_key", "given together with access_key, or neither")
    if blobs.secret_key and not blobs.access_key:
        yield Mistake("blobs.access_key", "given together with secret_key, or neither", render(""))
    if blobs.cache_directory and not blobs.url.startswith(S3):
        right = '"": only an object store needs a cache'
        yield Mistake("blobs.cache_directory", right, render(blobs.cache_directory))


def _status(config: Config) -> Findings:
    """A STATUS with these facts must be one: otherwise none would ever reach a handset.

    Of several mistakes the first is told; ``_service`` tells of a list of languages that is empty.
    """
    service = config.vvm
    said = {
        "srv": ("imap_host", service.imap_host),
        "tui": ("tui_number", service.tui_number),
        "dn": ("service_number", service.service_number),
        "ipt": ("imap_port", service.imap_port),
        "u": ("domain", service.domain),
        "lang": ("languages", service.languages),
    }
    try:
        StatusReply(
            status=ProvisioningStatus.READY,
            return_code=ReturnCode.SUCCESS,
            server=service.imap_host,
            tui=service.tui_number or None,
            service_number=service.service_number,
            imap_port=service.imap_port or _ANY_PORT,
            user=f"{_LONGEST_NUMBER}@{service.domain}",
            password=Secret("password"),
            languages=service.languages or ("eng",),
            pin_length=(service.pin_min_digits, service.pin_max_digits),
        )
    except UnfitField as unfit:
        name, value = said[unfit.key]
        yield Mistake(f"vvm.{name}", str(unfit), render(value))


def _service(config: Config) -> Findings:
    service = config.vvm
    if service.imap_port == 0 and not config.imap.listen:
        yield Mistake("vvm.imap_port", "a port, because imap.listen has none to take", "0")
    if "." not in service.domain.strip(".") or not is_host(service.domain):
        yield Mistake("vvm.domain", "a domain with a dot, or AOSP shows no number", render(service.domain))
    if not service.languages:
        yield Mistake("vvm.languages", 'at least one code, for example ["eng"]', "[]")
    if any("|" in language for language in service.languages):
        yield Mistake("vvm.languages", "a list of codes, none of them with |", render(service.languages))
    if not _DIGITS.match(service.service_number):
        yield Mistake("vvm.service_number", "digits only, at most 20", render(service.service_number))
    for field, rule in client_faults(service.client):
        yield Mistake(f"vvm.client.{field}", rule, render(getattr(service.client, field)))
    if service.pin_min_digits > service.pin_max_digits:
        right = f"at most vvm.pin_max_digits, which is {service.pin_max_digits}"
        yield Mistake("vvm.pin_min_digits", right, render(service.pin_min_digits))


def _smscs(config: Config) -> Findings:
    names = [smsc.name for smsc in config.sms.smsc]
    for index, smsc in enumerate(config.sms.smsc):
        key = f"sms.smsc[{index}]"
        if smsc.name in names[:index]:
            yield Mistake(f"{key}.name", "a name that no other SMSC has", render(smsc.name))
        if not (is_host(smsc.host) or is_ipv6(smsc.host)):
            yield Mistake(f"{key}.host", "a bare host: no scheme, no port", render(smsc.host))
        if not 1 <= smsc.port <= MAX_PORT:
            yield Mistake(f"{key}.port", f"a port between 1 and {MAX_PORT}", render(smsc.port))
        if len(smsc.system_id.encode()) > _SYSTEM_ID:
            right = f"at most {_SYSTEM_ID} octets (SMPP 3.4 4.1.1)"
            yield Mistake(f"{key}.system_id", right, render(smsc.system_id))
        if len(smsc.password.encode()) > _PASSWORD:
            yield Mistake(f"{key}.password", f"at most {_PASSWORD} octets (SMPP 3.4 4.1.1)")
        for status in smsc.status_actions:
            if not _STATUS.match(status):
                yield Mistake(f"{key}.status_actions", 'numbers as keys, for example "0x40B"', render(status))


def _leases(config: Config) -> Findings:
    holds = [(f"sms.smsc[{index}]", smsc.longest_hold) for index, smsc in enumerate(config.sms.smsc)]
    holds += [(f"sms.kannel[{index}]", kannel.longest_hold) for index, kannel in enumerate(config.sms.kannel)]
    for key, hold in holds:
        if hold.total_seconds() >= config.notification.lease_seconds:
            right = f"longer than {key} may hold an SMS, which is {render(hold.total_seconds())} seconds"
            yield Mistake("notification.lease_seconds", right, render(config.notification.lease_seconds))


def _carriers(config: Config) -> Findings:
    read = read_carriers(config.vvm)
    yield from read.mistakes
    if read.mistakes:
        return
    carriers = read.carriers
    client = config.vvm.client
    if client.carrier and client.carrier not in carriers:
        yield Mistake("vvm.client.carrier", "the name of a profile in vvm.carriers", render(client.carrier))
    for index, smsc in enumerate(config.sms.smsc):
        if smsc.status_actions_of and smsc.status_actions_of not in carriers:
            right = "the name of a profile in vvm.carriers"
            yield Mistake(f"sms.smsc[{index}].status_actions_of", right, render(smsc.status_actions_of))
    yield from routing(config, carriers)


def _webhooks(config: Config) -> Findings:
    """A turn may last half its lease, and then still waits for one answer."""
    webhook = config.webhook
    if webhook.lease_seconds < 4 * webhook.post_seconds:
        right = f"at least {4 * webhook.post_seconds:g}, four times webhook.post_seconds"
        yield Mistake("webhook.lease_seconds", right, render(webhook.lease_seconds))


def _texts(config: Config) -> Findings:
    notification = config.notification
    for key, texts, needed, values in (
        ("notification.texts", notification.texts, "", ("count", "number")),
        ("notification.nearly_full_texts", notification.nearly_full_texts, "", ("percent", "number")),
        ("notification.expiry_texts", notification.expiry_texts, "", ("days", "notice", "number")),
        ("pin.texts", config.pin.texts, "{pin}", ("pin", "number")),
        ("device.texts", config.device.texts, "{code}", ("code",)),
    ):
        for language, text in texts.items():
            if needed not in text or not _fills(text, **dict.fromkeys(values, 1)):
                *others, last = (f"{{{value}}}" for value in values)
                named = f"{', '.join(others)} and {last}" if others else last
                right = f"a text with {named} at most" + (f", {needed} among them" if needed else "")
                yield Mistake(f"{key}.{language}", right, render(text))


def _fills(text: str, **values: object) -> bool:
    try:
        text.format(**values)
    except (LookupError, ValueError, AttributeError):
        return False
    return True


def _kannels(config: Config) -> Findings:
    for index, kannel in enumerate(config.sms.kannel):
        key = f"sms.kannel[{index}]"
        if config.sms.names.count(kannel.name) > 1 or not _PATH_NAME.match(kannel.name):
            right = "a name that no other SMSC has, of letters, digits, - and _"
            yield Mistake(f"{key}.name", right, render(kannel.name))
        for name, url in (("url", kannel.url), ("callback_url", kannel.callback_url)):
            if not url.startswith(("http://", "https://")):
                yield Mistake(f"{key}.{name}", "an address, for example http://127.0.0.1:13013", render(url))
        if not kannel.callback_password:
            yield Mistake(f"{key}.callback_password", "a secret: without it anybody could be any handset")


def _receipt_gate(config: Config) -> Findings:
    minutes, hours = config.notification.receipt_gate_minutes, config.notification.sync_hours
    if config.notification.receipt_gate and not 0 < minutes < 60 * hours:
        right = f"less than notification.sync_hours, which is {60 * hours} minutes"
        yield Mistake("notification.receipt_gate_minutes", right, render(minutes))
    for index, name in enumerate(config.notification.receipt_gate):
        if name not in config.sms.names:
            yield Mistake(f"notification.receipt_gate[{index}]", "the name of an SMSC", render(name))


def _self_service(config: Config) -> Findings:
    settings = config.self_service
    if settings.listen and not _URL.match(settings.url):
        right = "how clients reach self_service.listen, for example https://vvm.example.net"
        yield Mistake("self_service.url", right, render(settings.url))
    if not _COUNTRY.match(settings.country_code):
        yield Mistake("self_service.country_code", "1 to 3 digits", render(settings.country_code))


def _asterisk(config: Config) -> Findings:
    asterisk = config.asterisk
    if asterisk is not None and asterisk.ari and not asterisk.ari.startswith(("http://", "https://")):
        yield Mistake("asterisk.ari", "an address, for example http://127.0.0.1:8088", render(asterisk.ari))


def _networks(config: Config) -> Findings:
    for key, networks in (
        ("imap.master.networks", config.imap.master.networks),
        ("imap.proxies", config.imap.proxies),
    ):
        for index, network in enumerate(networks):
            try:
                ip_network(network)
            except ValueError:
                right = "a network without host bits, for example 192.0.2.0/24"
                yield Mistake(f"{key}[{index}]", right, render(network))


def _master(config: Config) -> Findings:
    """Who opens every mailbox is named and has a long password."""
    master = config.imap.master
    if master.user and len(master.password) < _MASTER_PASSWORD:
        right = f"at least {_MASTER_PASSWORD} characters while imap.master.user is given"
        yield Mistake("imap.master.password", right)
    if master.password and not master.user:
        yield Mistake("imap.master.user", "a name while a password is given", render(master.user))


_RULES: tuple[Callable[[Config], Iterable[Mistake]], ...] = (
    _listens,
    _store,
    _hints,
    _blobs,
    _status,
    _service,
    _carriers,
    _smscs,
    _kannels,
    _leases,
    _receipt_gate,
    _webhooks,
    _texts,
    _self_service,
    _asterisk,
    _networks,
    _master,
    numbers,
    *choices.RULES,
    *places.RULES,
)
