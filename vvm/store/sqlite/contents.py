# SPDX-License-Identifier: Apache-2.0
"""What never changes of a message: written once, shared by its copies, gone with the last of them."""

from __future__ import annotations

import sqlite3

from vvm.domain.subscriber import MailboxId
from vvm.store.blobs.port import Blob, BlobSwept
from vvm.store.sql import named_statements

_SQL = named_statements("vvm.store.sqlite.queries", "contents.sql")


def insert_content(connection: sqlite3.Connection, layout: bytes, octets: bytes | Blob) -> int:
    """The id of a content that has one message.  Raises BlobSwept."""
    if isinstance(octets, Blob):
        what = {"layout": layout, "blob": octets.key, "size": octets.size}
        row = connection.execute(_SQL["insert_blob_content"], what).fetchone()
        if row is None:
            raise BlobSwept
        return int(row[0])
    found = connection.execute(_SQL["insert_content"], (layout, octets)).lastrowid
    assert found is not None  # noqa: S101 - an INSERT has just given it
    return found


def share_content(connection: sqlite3.Connection, mailbox: MailboxId, content: int) -> None:
    """One message more has it."""
    connection.execute(_SQL["share_content"], {"mailbox": mailbox, "content": content})


def release_content(
    connection: sqlite3.Connection, mailbox: MailboxId, content: int, original: int | None
) -> None:
    """One message less has it, and the original that goes along with it."""
    which = {"mailbox": mailbox, "content": content}
    left = connection.execute(_SQL["release_shared"], which).fetchall()
    if left == [(1,)]:
        connection.execute(_SQL["forget_shared"], which)
    if left:
        return
    connection.execute(_SQL["delete_content"], (content,))
    if original is not None:
        connection.execute(_SQL["delete_content"], (original,))
