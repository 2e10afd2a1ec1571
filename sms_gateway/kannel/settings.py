# SPDX-License-Identifier: Apache-2.0
"""One Kannel as an operator configures it: a ``[[sms.kannel]]`` table of the configuration."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from sms_gateway.intake import IntakeLimits
from sms_gateway.port import Coding


class KannelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A smsbox that sends for us, and reports to ``sms.kannel_listen``.  Durations end in ``_seconds``."""

    name: str = "kannel"
    """Names it in logs, metrics and receipts, and in the path of its reports: /NAME/mo and /NAME/dlr."""
    url: str = "http://127.0.0.1:13013/cgi-bin/sendsms"
    """Where its smsbox takes SMS."""
    username: str = "vvm"
    """Our name at the smsbox, of its sendsms-user."""
    password: str = ""
    """Our password there."""
    smsc: str = ""
    """The smsc-id by which Kannel shall send; empty leaves that to Kannel."""
    callback_url: str = "http://127.0.0.1:8081"
    """Where Kannel reaches `sms.kannel_listen`."""
    callback_password: str = ""
    """What Kannel must say as `token` in its reports: without it anybody could be any handset."""
    weight: int = 1
    """Part of the SMS that it gets, against the SMSCs; 0 only while no other one takes any."""
    carriers: tuple[str, ...] = ()
    """The carrier profiles whose subscribers' SMS it takes; none: everybody's."""
    window: int = 10
    """Requests at a time."""
    rate: float = 50.0
    """Segments a second, of all nodes together."""
    slowest_rate: float = 1.0
    """Segments a second that it never goes below when Kannel says that it is too much."""
    throttle_pause_seconds: float = 2.0
    """Silence after it said so."""
    dlr_mask: int = 19
    """Which reports to ask for: 1 delivered, 2 not deliverable, 4 buffered, 8 accepted, 16 rejected."""
    gsm7_unsafe: Coding = Coding.GSM7
    """Coding in place of gsm7 for texts with `@`, `_`, `$` or others that some SMSC's table garbles."""

    request_seconds: float = 30.0
    """For a request and its answer; then its outcome is unknown."""
    drain_seconds: float = 5.0
    """For what is in flight when the gateway is told to stop."""
    retry_first_seconds: float = 10.0
    """Wait after a temporary failure; doubles with each attempt."""
    retry_last_seconds: float = 600.0
    """Where that doubling ends."""
    unknown_seconds: float = 5.0
    """Wait when nobody knows whether Kannel took the SMS, and when it was not there."""
    locked_out_seconds: float = 60.0
    """Wait after a refused password."""
    circuit_failures: int = 20
    """After so many temporary failures in a row nothing more is sent for a while."""
    circuit_first_seconds: float = 5.0
    """That while; doubles each time that one SMS on trial fails too."""
    circuit_last_seconds: float = 300.0
    """Where that doubling ends."""
    idle_seconds: float = 5.0
    """How often the outbox is asked without a hint."""
    hold_limit_seconds: float = 10.0
    """Never lease more than `rate` sends in so long."""

    inbox_seconds: float = 4.0
    """For the inbox to keep an SMS."""
    partial_limit: int = 1000
    """Unfinished concatenated SMS that are kept."""
    partial_each: int = 5
    """Unfinished concatenated SMS of one handset that are kept."""
    partial_segments: int = 10
    """Segments of an unfinished SMS; one that announces more is no request of a client."""
    partial_seconds: float = 3600.0
    """For how long unfinished SMS are kept."""

    def __repr__(self) -> str:
        # Without the passwords, wherever a traceback may show it.
        return f"KannelSettings(name={self.name!r}, url={self.url!r})"

    @property
    def longest_hold(self) -> timedelta:
        """How long a leased SMS of three segments may be in our hands; a lease lasts longer."""
        return timedelta(
            seconds=self.hold_limit_seconds + self.throttle_pause_seconds + 6 * self.request_seconds
        )

    @property
    def intake(self) -> IntakeLimits:
        """What SMS from handsets may take."""
        return IntakeLimits(
            inbox_seconds=self.inbox_seconds,
            partial_limit=self.partial_limit,
            partial_each=self.partial_each,
            partial_segments=self.partial_segments,
            partial_seconds=self.partial_seconds,
        )
