# SPDX-License-Identifier: Apache-2.0
"""UID STORE (RFC 3501 section 6.4.8)."""

from __future__ import annotations

from imap_server.commands import store
from imap_server.commands.store import Store
from imap_server.session import SELECTED, Session

NAME = b"UID STORE"
STATES = SELECTED
CAPABILITY = None
parse = store.parse


async def run(session: Session, command: Store) -> None:
    """By UID; EXPUNGE may follow the data."""
    await store.answer(session, command, by_uid=True)
