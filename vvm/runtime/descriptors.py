# SPDX-License-Identifier: Apache-2.0
"""File descriptors: a shell's soft limit of 1,024 is less than the connections that we promise to hold."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger(__name__)

_OTHERS = 512
"""What else is open: the store, its readers, HTTP, SMSCs, transcoders."""


def allow_connections(most: int) -> None:
    """Raise the soft limit so far that ``most`` peers can connect; log where the hard one forbids it."""
    wanted = most + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    given = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < given:
        resource.setrlimit(resource.RLIMIT_NOFILE, (given, hard))
    if given < wanted:
        log.warning("descriptors_few", hard_limit=hard, wanted=wanted, setting="imap.limits.max_connections")
