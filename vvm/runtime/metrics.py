# SPDX-License-Identifier: Apache-2.0
"""Prometheus figures for the two libraries, which only know Protocols of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from imap_server.metrics import Limit
from sms_gateway.port import MessageState

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)
_REMOTE = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class ImapMetrics:
    """imap_server.metrics.Metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._connections = Gauge("vvm_imap_connections", "Open connections", registry=registry)
        self._logins = Counter("vvm_imap_logins", "Logins by outcome", ["outcome"], registry=registry)
        self._commands = Histogram(
            "vvm_imap_command_seconds",
            "Commands by name and outcome",
            ["command", "outcome"],
            buckets=_FAST,
            registry=registry,
        )
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
        self._commands.labels(name, outcome).observe(seconds)

    def limit_reached(self, limit: Limit) -> None:
        self._limits.labels(limit.name.lower()).inc()


class SmsMetrics:
    """sms_gateway.port.Metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bound = Gauge("vvm_smsc_bound", "Binds that stand", ["smsc"], registry=registry)
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

    def bound(self, smsc: str, *, up: bool) -> None:
        self._bound.labels(smsc).inc(1 if up else -1)

    def submitted(self, smsc: str, status: int | None, seconds: float) -> None:
        label = "none" if status is None else f"0x{status:08x}"
        self._submits.labels(smsc, label).observe(seconds)

    def window(self, smsc: str, in_flight: int) -> None:
        self._window.labels(smsc).set(in_flight)

    def inbound(self, smsc: str, result: str) -> None:
        self._inbound.labels(smsc, result).inc()

    def receipt(self, smsc: str, state: MessageState) -> None:
        self._receipts.labels(smsc, state.value).inc()
