# SPDX-License-Identifier: Apache-2.0
"""validity_period in relative form (SMPP 3.4 section 7.1.1)."""

from __future__ import annotations

from datetime import timedelta

_MOST_DAYS = 99
"""What two digits of days can say; no SMSC keeps an SMS for longer anyway."""


def relative(period: timedelta) -> bytes:
    """``YYMMDDhhmmss000R``, 16 octets; empty, the SMSC's own default, for no period at all."""
    days, seconds = period.days, period.seconds
    if days < 0 or not (days or seconds):
        return b""
    if days >= _MOST_DAYS:
        days, seconds = _MOST_DAYS, 0
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return b"0000%02d%02d%02d%02d000R" % (days, hours, minutes, seconds)
