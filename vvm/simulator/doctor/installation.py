# SPDX-License-Identifier: Apache-2.0
"""The hops that are the same for everybody: codec, certificate, the running service, its clock, its doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography import x509
from prometheus_client.parser import text_string_to_metric_families

from vvm.config.address import Address, parse_address
from vvm.config.advice import names
from vvm.config.sections import Config
from vvm.domain.clock import Clock
from vvm.domain.errors import Outage
from vvm.message.audio.codec import probe
from vvm.services.trial_write import TrialWrite
from vvm.simulator.doctor.finding import Finding, Hop, failed, note, ok, skipped
from vvm.simulator.doctor.sockets import (
    SECONDS,
    NoAnswer,
    greeting,
    knock,
    reachable,
    shown_certificate,
)

SKEW = timedelta(seconds=5)
"""More than two clocks of one service may differ."""
_SOON = timedelta(days=14)


class Told(msgspec.Struct, frozen=True):
    """Where STATUS sends a handset."""

    host: str
    port: int


def codec() -> Finding:
    encoders = probe()
    if encoders:
        return ok(Hop.CODEC, f"AMR-NB is written by {encoders[0]}")
    return failed(
        Hop.CODEC,
        "codec_missing",
        "this machine cannot write AMR-NB: no recording becomes a message",
        "install the pinned PyAV wheel, or apt-get install -y libopencore-amrnb0, and restart the service",
    )


async def certificate(config: Config, clock: Clock) -> Finding:
    """The one that the listener shows, which may be older than the file; else the file."""
    doors = _doors(config)
    shown: x509.Certificate | None = None
    if doors:
        address, implicit_tls = doors[-1]
        try:
            octets = await shown_certificate(address.host, address.port, implicit_tls=implicit_tls)
            shown = x509.load_der_x509_certificate(octets)
        except (NoAnswer, ValueError):
            shown = None
    if shown is None and (shown := _on_disk(config.certificate_path)) is None:
        return skipped(Hop.CERTIFICATE, "the service shows none, and there is no file")
    return _judged(shown, config, clock.now())


def _on_disk(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _judged(shown: x509.Certificate, config: Config, now: datetime) -> Finding:
    first, last, host = shown.not_valid_before_utc, shown.not_valid_after_utc, config.vvm.imap_host
    if now >= last:
        return failed(
            Hop.CERTIFICATE,
            "certificate_expired",
            f"the certificate that handsets are shown expired at {last:%Y-%m-%d %H:%M} UTC",
            "renew tls.certificate; a running service takes the new file up by itself",
        )
    if now < first:
        return failed(
            Hop.CERTIFICATE,
            "certificate_not_yet_valid",
            f"the certificate that handsets are shown is good only from {first:%Y-%m-%d %H:%M} UTC",
            "look at this machine's clock, then at whoever issued the certificate",
        )
    if not names(shown, host):
        return failed(
            Hop.CERTIFICATE,
            "certificate_name",
            f"the certificate does not name vvm.imap_host, {host}: handsets refuse it",
            "have it issued for that name, or tell handsets the name that it has",
        )
    if not config.tls.certificate:
        return note(Hop.CERTIFICATE, "self-signed: handsets refuse it, a trial with the simulator does not")
    if last - now < _SOON:
        return note(Hop.CERTIFICATE, f"the certificate expires soon, at {last:%Y-%m-%d %H:%M} UTC")
    return ok(Hop.CERTIFICATE, f"good for {host} until {last:%Y-%m-%d}")


class Service(msgspec.Struct, frozen=True):
    """What the running service says of itself."""

    date: datetime | None
    """Its clock, to the second."""
    bound: dict[str, float]
    """Binds that stand, by SMSC."""


async def service(config: Config) -> tuple[Finding, Service | None]:
    """The process answers, and reaches its store."""
    address = reachable(parse_address(config.http.listen))
    base = f"http://{address}"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2 * SECONDS)) as client:
            async with client.get(f"{base}/readyz") as answer:
                date, ready = _date(answer.headers.get("Date", "")), answer.ok
            async with client.get(f"{base}/metrics") as answer:
                bound = _bound(await answer.text())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return (
            failed(
                Hop.SERVICE,
                "service_down",
                f"the service does not answer at {base} (http.listen)",
                "start it (vvm serve), or look into its log for why it ended",
            ),
            None,
        )
    seen = Service(date, bound)
    if not ready:
        cure = "look at the disk and the file of store.url, and into the log for store_unavailable"
        return failed(Hop.SERVICE, "store_unavailable", "the service runs without its store", cure), seen
    return ok(Hop.SERVICE, f"answers at {base}, and reaches its store"), seen


async def store(trial_write: TrialWrite) -> Finding:
    """It takes what it has to keep."""
    try:
        await trial_write()
    except Outage as outage:
        return failed(
            Hop.STORE,
            "store_full",
            f"the store does not take a durable write: {outage}",
            "look at the disk of store.url, its space and its rights, and into the log for commit_failed",
        )
    return ok(Hop.STORE, "takes a durable write")


def clock_agrees(seen: Service, clock: Clock, *, newest: datetime | None) -> Finding:
    """Ours, that of the service, and ``newest``, when the store was last told of a subscriber."""
    now = clock.now()
    for moment, whose in ((seen.date, "the service's clock"), (newest, "the store's last change")):
        if moment is None:
            continue
        ahead = moment - now
        if ahead > SKEW or (moment is seen.date and -ahead > SKEW + timedelta(seconds=1)):
            seconds, way = abs(ahead.total_seconds()), "ahead of" if ahead > timedelta() else "behind"
            return failed(
                Hop.CLOCK,
                "clock_skew",
                f"{whose} is {seconds:.0f} s {way} this machine's",
                "let one time server set every machine (chrony), then restart the service",
            )
    return ok(Hop.CLOCK, "this machine and the service agree on the time")


async def imap(config: Config) -> AsyncIterator[Finding]:
    """Every listener of the configuration."""
    for address, implicit_tls in _doors(config):
        where = f"{address}"
        try:
            await greeting(address.host, address.port, implicit_tls=implicit_tls)
        except NoAnswer as none:
            key = "imap.listen_tls" if implicit_tls else "imap.listen"
            yield failed(
                Hop.IMAP,
                "imap_closed",
                f"no IMAP at {where} ({key}): {none}",
                "run the role imap there (vvm serve --role imap), or open the port",
            )
        else:
            yield ok(Hop.IMAP, f"answers at {where}{' with TLS' if implicit_tls else ''}")


async def address(told: Told) -> Finding:
    """Where STATUS sends the handset, from here."""
    where = f"{told.host}:{told.port}"
    try:
        await greeting(told.host, told.port, implicit_tls=False)
    except NoAnswer as none:
        return failed(
            Hop.ADDRESS,
            "wrong_port",
            f"STATUS sends handsets to {where}, and there is no IMAP server: {none}",
            "put vvm.imap_host and vvm.imap_port (or status.imap_port of the carrier profile) right; "
            "where only handsets reach that address, use --no-address",
        )
    return ok(Hop.ADDRESS, f"an IMAP server answers where STATUS sends handsets, {where}")


async def smsc(config: Config, seen: Service | None) -> AsyncIterator[Finding]:
    """Each route to the handsets: is it bound, and if not, why not."""
    if not config.sms.names:
        yield failed(
            Hop.SMSC,
            "smsc_missing",
            "no SMSC is configured: no handset can be activated or told of a message",
            "add [[sms.smsc]] (docs/sms.md)",
        )
    for one in config.sms.smsc:
        yield await _route(one.name, one.host, one.port, seen)
    for gateway in config.sms.kannel:
        url = urlsplit(gateway.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        yield await _route(gateway.name, url.hostname or "", port, None)


async def _route(name: str, host: str, port: int, seen: Service | None) -> Finding:
    try:
        await knock(host, port)
    except NoAnswer as none:
        return failed(
            Hop.SMSC,
            "smsc_down",
            f"SMSC {name} does not answer at {host}:{port}: {none}",
            "ask its operator, or put host and port of its [[sms.smsc]] right",
        )
    if seen is None or name not in seen.bound:
        return note(Hop.SMSC, f"SMSC {name} answers at {host}:{port}; whether it is bound is not known here")
    if not seen.bound[name]:
        return failed(
            Hop.SMSC,
            "smsc_not_bound",
            f"SMSC {name} answers at {host}:{port}, and takes no bind",
            "look into the log for smsc_credentials_refused: our system_id, password or address is wrong",
        )
    return ok(Hop.SMSC, f"SMSC {name} is bound")


def _doors(config: Config) -> list[tuple[Address, bool]]:
    """Every IMAP listener, and whether TLS starts at once."""
    return [
        (reachable(parse_address(text)), implicit_tls)
        for texts, implicit_tls in ((config.imap.listen, False), (config.imap.listen_tls, True))
        for text in texts
    ]


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def _bound(text: str) -> dict[str, float]:
    return {
        sample.labels["smsc"]: sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "vvm_smsc_bound"
        for sample in family.samples
    }
