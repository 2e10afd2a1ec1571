# SPDX-License-Identifier: Apache-2.0
"""What to tell the outbox after a failed submit.  Pure: the table of docs/spec/smpp.md in code."""

from __future__ import annotations

from datetime import timedelta

from sms_gateway.backoff import doubling
from sms_gateway.port import Outcome, Refused, Retry
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.smpp.status import Action


def after_rejection(
    status: int, action: Action, *, attempt: int, pause_seconds: float, settings: SmscSettings
) -> Outcome:
    """The SMSC said no: ``action`` is what its status means, ``pause_seconds`` what throttling asks."""
    match action:
        case Action.REFUSE:
            return Refused(status, reason=f"smsc_{smpp_status.name(status).lower()}")
        case Action.SLOW_DOWN:
            return _retry(pause_seconds, status, counted=False)
        case Action.REBIND:
            return _retry(settings.reconnect_first_seconds, status, counted=False)
        case Action.HOLD:
            wait = doubling(settings.hold_first_seconds, settings.hold_last_seconds, attempt)
            return _retry(wait, status, counted=True)
        case Action.LATER:
            wait = doubling(settings.retry_first_seconds, settings.retry_last_seconds, attempt)
            return _retry(wait, status, counted=True)


def not_sent() -> Retry:
    """The SMSC never saw it; whoever is bound next, or leases it next, may take it at once."""
    return _retry(0.0, None, counted=False)


def unknown(settings: SmscSettings) -> Retry:
    """It may have been taken.  Sent again, for a duplicate does less harm than a loss; counted, so
    that an SMS which breaks the link does not do so for ever.
    """
    return _retry(settings.unknown_seconds, None, counted=True)


def _retry(seconds: float, status: int | None, *, counted: bool) -> Retry:
    return Retry(timedelta(seconds=seconds), status, counted)
