# SPDX-License-Identifier: Apache-2.0
"""What the doctor says: one line a hop, and for each that failed a stable name and a way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec


class Hop(StrEnum):
    """The way of a message, in the order in which it is walked."""

    CODEC = "codec"
    CERTIFICATE = "certificate"
    SERVICE = "service"
    STORE = "store"
    CLOCK = "clock"
    IMAP = "imap"
    ADDRESS = "address"
    SMSC = "smsc"
    SUBSCRIBER = "subscriber"
    SERVICE_NUMBER = "service_number"
    CREDENTIALS = "credentials"
    MAILBOX = "mailbox"
    STATUS = "status"
    DEPOSIT = "deposit"
    SYNC = "sync"
    FETCH = "fetch"
    SOUND = "sound"
    CLEAN_UP = "clean_up"


class Outcome(StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOTE = "note"
    """Nothing fails here, and somebody should know."""
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    hop: Hop
    outcome: Outcome
    text: str
    fault: str = ""
    """The stable name of what failed: docs/doctor.md lists them."""
    cure: str = ""
    """What to do about it."""


def ok(hop: Hop, text: str) -> Finding:
    return Finding(hop=hop, outcome=Outcome.OK, text=text)


def note(hop: Hop, text: str) -> Finding:
    return Finding(hop=hop, outcome=Outcome.NOTE, text=text)


def skipped(hop: Hop, text: str) -> Finding:
    return Finding(hop=hop, outcome=Outcome.SKIPPED, text=text)


def failed(hop: Hop, fault: str, text: str, cure: str) -> Finding:
    return Finding(hop=hop, outcome=Outcome.FAILED, fault=fault, text=text, cure=cure)


class Report(msgspec.Struct, frozen=True):
    msisdn: str | None
    """None: the installation only."""
    healthy: bool
    findings: Sequence[Finding]


def report(msisdn: str | None, findings: Iterable[Finding]) -> Report:
    found = tuple(findings)
    return Report(msisdn, not failures(found), found)


def failures(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome is Outcome.FAILED]
