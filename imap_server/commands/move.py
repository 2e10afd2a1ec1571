# SPDX-License-Identifier: Apache-2.0
"""MOVE (RFC 6851): messages leave this mailbox for another one in one step."""

from __future__ import annotations

from imap_server.abilities import copying
from imap_server.commands import copy
from imap_server.commands.copy import Copy, copy_uid
from imap_server.errors import No
from imap_server.session import SELECTED, Session

NAME = b"MOVE"
STATES = SELECTED
CAPABILITY = None
parse = copy.parse


async def run(session: Session, command: Copy) -> None:
    """By sequence number."""
    await answer(session, command, by_uid=False)


async def answer(session: Session, command: Copy, *, by_uid: bool) -> None:
    """What MOVE and UID MOVE share: the new UIDs come before the EXPUNGEs (RFC 6851 section 4.3)."""
    selected = session.selected
    mailbox = copying(selected.mailbox)
    if selected.read_only:
        raise No("mailbox is open read-only")
    view = await session.refresh()
    uids = view.resolve(command.numbers, by_uid=by_uid)
    moved = await mailbox.move(uids, command.name)
    if moved is None:
        raise No("no such mailbox", code="TRYCREATE")
    code = copy_uid(moved)
    if code is not None:
        session.untagged(f"OK [{code}] moved".encode())
    await session.refresh()
    session.expunged("moved")
