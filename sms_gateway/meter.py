# SPDX-License-Identifier: Apache-2.0
"""Figures of one SMSC, summed over its binds before they reach the host's Metrics."""

from __future__ import annotations

from sms_gateway.port import Metrics


class Meter:
    """Counts for all connections to one SMSC."""

    def __init__(self, smsc: str, metrics: Metrics) -> None:
        self._smsc = smsc
        self._metrics = metrics
        self._in_flight = 0

    def bound(self, *, up: bool) -> None:
        self._metrics.bound(self._smsc, up=up)

    def credentials_refused(self) -> None:
        self._metrics.credentials_refused(self._smsc)

    def in_flight(self, change: int) -> None:
        """One of the connections has so many more submits without an answer, or fewer."""
        self._in_flight += change
        self._metrics.window(self._smsc, self._in_flight)

    def answered(self, status: int | None, seconds: float) -> None:
        """``status`` None: there was no answer."""
        self._metrics.submitted(self._smsc, status, seconds)
