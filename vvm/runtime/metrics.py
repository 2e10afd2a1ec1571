# SPDX-License-Identifier: Apache-2.0
"""Prometheus figures of what goes on, for the rooms that only know Protocols of their own.

docs/operations.md says what each one means and which deserve an alarm.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from imap_server.metrics import Limit
from sms_gateway.port import MessageState
from vvm.domain.errors import VvmError
from vvm.domain.message import Envelope
from vvm.domain.notification import Leased
from vvm.domain.numbers import Msisdn
from vvm.runtime.command_times import FAST, CommandTimes
from vvm.services.deposit import Deposited, Depositor
from vvm.services.retention import KINDS
from vvm.store.port import Told

_GROUPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_REMOTE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_LONG = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0, 3600.0, 86400.0)


class ImapMetrics:
    """imap_server.metrics.Metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._connections = Gauge("vvm_imap_connections", "Open connections", registry=registry)
        self._logins = Counter("vvm_imap_logins", "Logins by outcome", ["outcome"], registry=registry)
        self._commands = CommandTimes(registry)
        self._limits = Counter(
            "vvm_imap_limits", "Connections ended or refused by a limit", ["limit"], registry=registry
        )

    def connection_opened(self) -> None:
        self._connections.inc()

    def connection_closed(self) -> None:
        self._connections.dec()

    def login(self, outcome: str) -> None:
        self._logins.labels(outcome).inc()

    def command(self, name: str, outcome: str, seconds: float) -> None:
        self._commands.observe(name, outcome, seconds)

    def limit_reached(self, limit: Limit) -> None:
        self._limits.labels(limit.name.lower()).inc()


class SmsMetrics:
    """sms_gateway.port.Metrics for the SMSCs of these names.

    Each has its sample before its first bind: an alarm cannot compare what is absent.
    """

    def __init__(self, registry: CollectorRegistry, smscs: Iterable[str]) -> None:
        self._bound = Gauge("vvm_smsc_bound", "Binds that stand", ["smsc"], registry=registry)
        self._refused = Counter(
            "vvm_smsc_credentials_refused", "Refusals of our name or password", ["smsc"], registry=registry
        )
        self._window = Gauge("vvm_smsc_window", "Submits without an answer", ["smsc"], registry=registry)
        self._submits = Histogram(
            "vvm_sms_submit_seconds",
            "Submits by command_status, none for no answer",
            ["smsc", "status"],
            buckets=_REMOTE,
            registry=registry,
        )
        self._inbound = Counter(
            "vvm_sms_inbound", "SMS from handsets by result", ["smsc", "result"], registry=registry
        )
        self._receipts = Counter(
            "vvm_sms_receipts", "Receipts by state", ["smsc", "state"], registry=registry
        )
        for smsc in smscs:
            self._bound.labels(smsc).set(0)
            self._refused.labels(smsc)
            self._window.labels(smsc).set(0)

    def bound(self, smsc: str, *, up: bool) -> None:
        self._bound.labels(smsc).inc(1 if up else -1)

    def credentials_refused(self, smsc: str) -> None:
        self._refused.labels(smsc).inc()

    def submitted(self, smsc: str, status: int | None, seconds: float) -> None:
        label = "none" if status is None else f"0x{status:08x}"
        self._submits.labels(smsc, label).observe(seconds)

    def window(self, smsc: str, in_flight: int) -> None:
        self._window.labels(smsc).set(in_flight)

    def inbound(self, smsc: str, result: str) -> None:
        self._inbound.labels(smsc, result).inc()

    def receipt(self, smsc: str, state: MessageState) -> None:
        self._receipts.labels(smsc, state.value).inc()


class NotificationMetrics:
    """vvm.fronts.sms.NotificationMetrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "vvm_notification_seconds",
            "From the first cause of a notification to its acceptance by an SMSC, by cause",
            ["carrier", "smsc", "cause"],
            buckets=_LONG,
            registry=registry,
        )
        self._receipt = Histogram(
            "vvm_notification_receipt_seconds",
            "From the acceptance of a notification to the receipt that its phone has it, by cause",
            ["carrier", "smsc", "cause"],
            buckets=_LONG,
            registry=registry,
        )
        self._delivered = Histogram(
            "vvm_notification_delivered_seconds",
            "From the first cause of a notification to the receipt that its phone has it, by cause",
            ["carrier", "smsc", "cause"],
            buckets=_LONG,
            registry=registry,
        )

    def told(self, row: Leased, smsc: str, at: datetime) -> None:
        seconds = (at - row.owed_at).total_seconds()
        self._seconds.labels(row.carrier, smsc, row.cause.value).observe(seconds)

    def delivered(self, told: Told, smsc: str, at: datetime) -> None:
        labels = (told.carrier, smsc, str(told.cause))
        self._receipt.labels(*labels).observe((at - told.accepted_at).total_seconds())
        self._delivered.labels(*labels).observe((at - told.owed_at).total_seconds())


class FetchMetrics:
    """vvm.services.first_fetch.FetchMetrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "vvm_notification_fetch_seconds",
            "From the acceptance of a SYNC by an SMSC to the first message that its client fetched",
            ["carrier", "smsc"],
            buckets=_LONG,
            registry=registry,
        )

    def fetched(self, told: Told, at: datetime) -> None:
        seconds = (at - told.accepted_at).total_seconds()
        self._seconds.labels(told.carrier, told.smsc).observe(seconds)


class StoreMetrics:
    """vvm.store.metrics.CommitMetrics; called in SQLite's writer thread, which Prometheus allows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "vvm_store_commit_seconds",
            "Commits, each of a group of transactions that share one fsync",
            buckets=FAST,
            registry=registry,
        )
        self._group = Histogram(
            "vvm_store_commit_group", "Transactions in a commit", buckets=_GROUPS, registry=registry
        )
        self._failed = Counter("vvm_store_commits_failed", "Commits that failed", registry=registry)

    def committed(self, jobs: int, seconds: float) -> None:
        self._seconds.observe(seconds)
        self._group.observe(jobs)

    def failed(self) -> None:
        self._failed.inc()


class BlobMetrics:
    """vvm.store.metrics.BlobMetrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "vvm_blob_seconds",
            "Operations on blobs by where they lie, and outcome: ok, absent, or the code of the error",
            ["backend", "operation", "outcome"],
            buckets=_REMOTE,
            registry=registry,
        )
        self._octets = Counter(
            "vvm_blob_octets", "Octets put and got", ["backend", "operation"], registry=registry
        )
        self._lookups = Counter(
            "vvm_blob_cache", "Questions to the local copies", ["outcome"], registry=registry
        )
        self._swept = Counter("vvm_blobs_swept", "Blobs deleted that no message had", registry=registry)
        for outcome in ("hit", "miss"):
            self._lookups.labels(outcome)

    def operated(self, backend: str, operation: str, outcome: str, *, octets: int, seconds: float) -> None:
        self._seconds.labels(backend, operation, outcome).observe(seconds)
        if octets:
            self._octets.labels(backend, operation).inc(octets)

    def looked_up(self, *, hit: bool) -> None:
        self._lookups.labels("hit" if hit else "miss").inc()

    def swept(self, blobs: int) -> None:
        self._swept.inc(blobs)


class RetentionMetrics:
    """vvm.services.retention.RetentionMetrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = Counter("vvm_forgotten_rows", "Rows removed by age", ["what"], registry=registry)
        for what in KINDS:
            self._rows.labels(what)

    def forgotten(self, what: str, rows: int) -> None:
        self._rows.labels(what).inc(rows)


class DepositMetrics:
    """How long deposits take, by the front that brought them and by what became of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "vvm_deposit_seconds",
            "Deposits by front and outcome: stored, repeated, or the code of the error",
            ["front", "outcome"],
            buckets=_REMOTE,
            registry=registry,
        )

    def measured(self, deposit: Depositor, front: str) -> Depositor:
        """The same use case, measured."""

        async def measure(
            recipient: Msisdn, audio: bytes, envelope: Envelope, *, key: str | None = None
        ) -> Deposited:
            started, outcome = time.perf_counter(), "cancelled"
            try:
                deposited = await deposit(recipient, audio, envelope, key=key)
                outcome = "stored" if deposited.created else "repeated"
            except VvmError as error:
                outcome = error.code
                raise
            except Exception:
                outcome = VvmError.code
                raise
            finally:
                self._seconds.labels(front, outcome).observe(time.perf_counter() - started)
            return deposited

        return measure


class Metrics(msgspec.Struct, frozen=True):
    """What one process has for Prometheus, and what more than one of its parts counts in."""

    registry: CollectorRegistry
    deposits: DepositMetrics


def new_metrics() -> Metrics:
    """All at nought, without the ``_created`` series that double every counter and tell nothing."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has not annotated it
    registry = CollectorRegistry()
    return Metrics(registry, DepositMetrics(registry))
