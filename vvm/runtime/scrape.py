# SPDX-License-Identifier: Apache-2.0
"""Prometheus figures that are looked up when somebody asks for them, because nobody counts them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vvm.domain.clock import Clock
from vvm.domain.errors import Outage
from vvm.fronts.asterisk.depositor import Outcome
from vvm.fronts.asterisk.service import AsteriskFront
from vvm.store.port import OutboxCounts, OutboxStore

log = structlog.get_logger(__name__)


class OutboxMetrics:
    """How much is owed to phones, since when, and what was given up.  Call ``refresh`` before a scrape."""

    def __init__(
        self, registry: CollectorRegistry, outbox: OutboxStore, *, clock: Clock, seconds: float
    ) -> None:
        """``seconds`` is how long the store may take to answer."""
        self._outbox = outbox
        self._clock = clock
        self._seconds = seconds
        self._owed = Gauge("vvm_outbox_owed", "Notifications that are owed", registry=registry)
        self._oldest = Gauge(
            "vvm_outbox_oldest_due_seconds",
            "How long the oldest owed notification has been due; 0 when none is",
            registry=registry,
        )
        self._carrier_owed = Gauge(
            "vvm_outbox_carrier_owed", "Notifications that are owed", ["carrier"], registry=registry
        )
        self._carrier_oldest = Gauge(
            "vvm_outbox_carrier_oldest_due_seconds",
            "How long the oldest owed notification of a carrier has been due",
            ["carrier"],
            registry=registry,
        )
        self._dead = Gauge("vvm_outbox_dead_letters", "Dead letters that are kept", registry=registry)

    async def refresh(self) -> None:
        """Ask the store.  When it does not answer the figures are NaN, and /metrics works all the same."""
        try:
            async with asyncio.timeout(self._seconds):
                self._show(await self._outbox.counts())
        except (Outage, TimeoutError) as error:
            log.warning("outbox_not_counted", error=str(error))
            for gauge in (self._owed, self._oldest, self._dead):
                gauge.set(math.nan)
            self._carrier_owed.clear()
            self._carrier_oldest.clear()

    def _show(self, counts: OutboxCounts) -> None:
        due_at = counts.oldest_due_at
        self._owed.set(counts.owed)
        self._oldest.set(0.0 if due_at is None else self._age(due_at))
        self._dead.set(counts.dead)
        self._carrier_owed.clear()
        self._carrier_oldest.clear()
        for carrier, count in counts.by_carrier.items():
            self._carrier_owed.labels(carrier).set(count.owed)
            self._carrier_oldest.labels(carrier).set(self._age(count.oldest_due_at))

    def _age(self, due_at: datetime) -> float:
        return max((self._clock.now() - due_at).total_seconds(), 0.0)


class AsteriskMetrics(Collector):
    """What one media node is doing."""

    def __init__(self, front: AsteriskFront) -> None:
        self._front = front

    def collect(self) -> Iterator[Metric]:
        """The front counts by itself; here its counts get their names."""
        front = self._front
        yield GaugeMetricFamily(
            "vvm_ari_connected",
            "1 while calls are taken, else the dialplan's fallback takes them",
            front.connected,
        )
        recordings = CounterMetricFamily(
            "vvm_recordings", "Recordings and spooled messages by outcome of a try", labels=["outcome"]
        )
        for outcome in Outcome:
            recordings.add_metric([outcome.value], front.delivery.counts[outcome])
        yield recordings
        if front.spool is not None:
            yield GaugeMetricFamily(
                "vvm_spool_waiting", "Messages that the last look left in the spool", front.spool.waiting
            )
            yield CounterMetricFamily(
                "vvm_spool_failures", "Looks into the spool that failed", front.spool.failures
            )
