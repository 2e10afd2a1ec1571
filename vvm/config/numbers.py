# SPDX-License-Identifier: Apache-2.0
"""Numbers of a configuration that would stall the server, make it spin, or mean nothing."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vvm.config.errors import Mistake
from vvm.config.schema import fields
from vvm.config.sections import Config
from vvm.config.toml import render
from vvm.domain.pin import LONGEST_PIN
from vvm.services.provisioning import MAX_MESSAGES_LIMIT

_LARGEST = 2**53
"""A float, a column of any database and JSON hold it exactly."""
_LONGEST = {"days": 36_500, "hours": 876_000, "minutes": 52_560_000, "seconds": 3_153_600_000}
"""A century by the last word of a key: longer than anything here lasts, and every date can be written."""
_WITHIN = {
    "vvm.max_messages": (1, MAX_MESSAGES_LIMIT),
    "vvm.pin_min_digits": (1, LONGEST_PIN),
    "vvm.pin_max_digits": (1, LONGEST_PIN),
    # RFC 9106 section 3.1 begins at 8 KiB a lane; each PIN takes that memory and time
    "pin.memory_kib": (8, 4_194_304),
    "pin.passes": (1, 1000),
    "pin.made_digits": (4, LONGEST_PIN),
    # each is a thread, a process, a connection or a table
    "pin.threads": (1, 256),
    "deposit.transcoders": (1, 1024),
    "webhook.workers": (1, 1024),
    "store.postgres.connections": (1, 10_000),
    "store.postgres.partitions": (1, 1024),
}
"""Least and most of what would fail only when somebody calls, or take all that the machine has."""
_ANY_SIGN = frozenset({"silence_dbfs"})
_CODES = frozenset(
    {
        *("source_ton", "source_npi", "destination_ton", "destination_npi"),
        *("esm_mode", "protocol_id", "registered_delivery", "data_coding_octets", "dlr_mask"),
    }
)
"""Of a protocol, and no amounts: ``vvm.config.choices`` has their rules."""
_ZERO_MEANS_SOMETHING = frozenset(
    {
        # none, or whatever another key says
        *("imap_port", "port", "weight", "keep_days", "audit_days"),
        *("suspend_after_syncs", "retell_hours", "requests_per_second"),
        *("quarantine_days", "most_aliases", "close_grace_days"),
        *("min_milliseconds", "signature_seconds"),
        # do not wait
        *("failed_login_seconds", "linger_seconds", "drain_seconds", "unbind_seconds", "stop_seconds"),
        "notice_seconds",
        *("retry_after_seconds", "throttle_pause_seconds", "debounce_seconds", "status_spacing_seconds"),
        # wait for ever
        "max_silence_seconds",
    }
)
"""Everything else is a limit, a size, a period or a number of workers: nothing would work with none."""


def numbers(config: Config) -> Iterator[Mistake]:
    """Each number that is negative, endless, too large to be kept, or nought where nothing works then."""
    for key, value in _leaves(config, ""):
        name = key.rpartition(".")[2]
        if isinstance(value, bool) or not isinstance(value, int | float) or name in _ANY_SIGN | _CODES:
            continue
        may_be_zero = name in _ZERO_MEANS_SOMETHING
        least, most = _WITHIN.get(key, (0, _LONGEST.get(name.rpartition("_")[2], _LARGEST)))
        if not least <= value <= most or (value == 0 and not may_be_zero):
            from_zero = f"0 to {most}" if may_be_zero else f"more than 0, at most {most}"
            yield Mistake(key, f"{least} to {most}" if least else from_zero, render(value))


def _leaves(settings: msgspec.Struct, prefix: str) -> Iterator[tuple[str, object]]:
    for field in fields(type(settings)):
        key, value = prefix + field.name, getattr(settings, field.name)
        if isinstance(value, msgspec.Struct):
            yield from _leaves(value, f"{key}.")
        elif field.table and field.table.many:
            for index, item in enumerate(value):
                yield from _leaves(item, f"{key}[{index}].")
        else:
            yield key, value
