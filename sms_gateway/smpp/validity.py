# SPDX-License-Identifier: Apache-2.0
"""validity_period in relative form (SMPP 3.4 section 7.1.1)."""

from __future__ import annotations

from datetime import timedelta

_LONGEST = timedelta(days=99)
"""What two digits of days can say; no SMSC keeps an SMS for longer anyway."""


def relative(period: timedelta) -> bytes:
    """``YYMMDDhhmmss000R``, 16 octets; empty, the SMSC's own default, for no period at all."""
    seconds = int(min(period, _LONGEST).total_seconds())
    if seconds <= 0:
        return b""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R".encode()
