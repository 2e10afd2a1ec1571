# SPDX-License-Identifier: Apache-2.0
"""The text of a notification in the dialect of its client (sheet section 2).

OMTP, CVVM and VVM3 share one grammar and differ in prefix and fields; Apple's has its own.
"""

from __future__ import annotations

from collections.abc import Callable

from vvm.domain.subscriber import ClientProfile, Dialect
from vvm.omtp.apple import render_mailbox_update, render_state
from vvm.omtp.status import StatusReply, render_status
from vvm.omtp.sync import Sync, render_sync

DEFAULT_PREFIX = "//VVM"


def status_text(reply: StatusReply, client: ClientProfile) -> str:
    """A STATUS.  It may hold a password: never log it."""
    if client.dialect is Dialect.APPLE:
        return render_state(reply)
    return render_status(reply, client.prefix, client.dialect)


def sync_text(sync: Sync, client: ClientProfile, account: Callable[[], StatusReply]) -> str:
    """A SYNC.  Apple's repeats the credentials, which only it asks ``account`` for: never log it."""
    if client.dialect is Dialect.APPLE:
        return render_mailbox_update(sync.count, account())
    return render_sync(sync, client.prefix)
