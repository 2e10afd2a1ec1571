# SPDX-License-Identifier: Apache-2.0
"""The text of a notification in the dialect of its client (sheet section 2).

OMTP, CVVM and VVM3 share one grammar and differ in prefix and fields; Apple's has its own.
"""

from __future__ import annotations

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


def sync_text(sync: Sync, client: ClientProfile, reply: StatusReply) -> str:
    """A SYNC.  Apple's repeats the credentials of ``reply``: never log it."""
    if client.dialect is Dialect.APPLE:
        return render_mailbox_update(sync.count, reply)
    return render_sync(sync, client.prefix)
