# SPDX-License-Identifier: Apache-2.0
"""Messages leave a folder: kept so that they can be restored (vvm.store.recovery), or for ever."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from vvm.domain.subscriber import MailboxId
from vvm.store.sql import named_statements
from vvm.store.sqlite.contents import release_content

_SQL = named_statements("vvm.store.sqlite.queries", "recovery.sql")
_GREETINGS_ID = 2


def let_go(
    connection: sqlite3.Connection,
    mailbox: MailboxId,
    folder_id: int,
    messages: Iterable[tuple[int, int, int | None]],
) -> None:
    """Delete messages (UID, content, original) from a folder: so that they can be restored, or for ever.

    Counters and journal are the caller's.
    """
    held, days, now = connection.execute(_SQL["keeping"], (mailbox,)).fetchone()
    kept = held or (days and folder_id != _GREETINGS_ID)
    for uid, content, original in messages:
        if kept:
            which = {"mailbox": mailbox, "folder_id": folder_id, "uid": uid, "days": days, "now": now}
            connection.execute(_SQL["keep_message"], which)
        connection.execute(_SQL["delete_message"], (mailbox, folder_id, uid))
        if not kept:
            release_content(connection, mailbox, content, original)
