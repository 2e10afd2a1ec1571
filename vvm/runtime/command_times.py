# SPDX-License-Identifier: Apache-2.0
"""How long the commands of IMAP take, as a histogram of Prometheus."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)
"""Seconds."""
_AT_MOST = (*FAST, math.inf)


class _Times:
    """Of one command and outcome."""

    def __init__(self) -> None:
        self.counts = [0] * len(_AT_MOST)
        self.seconds = 0.0


class CommandTimes(Collector):
    """For the event loop alone: the library's own histogram locks itself twice for each observation, and
    a handset's short commands notice that.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._times: dict[tuple[str, str], _Times] = {}
        registry.register(self)

    def observe(self, name: str, outcome: str, seconds: float) -> None:
        times = self._times.get((name, outcome))
        if times is None:
            times = self._times[name, outcome] = _Times()
        times.counts[bisect_left(_AT_MOST, seconds)] += 1
        times.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "vvm_imap_command_seconds", "Commands by name and outcome", labels=["command", "outcome"]
        )
        for labels, times in self._times.items():
            counts = zip(map(floatToGoString, _AT_MOST), accumulate(times.counts), strict=True)
            family.add_metric(labels, [(at_most, float(count)) for at_most, count in counts], times.seconds)
        yield family
