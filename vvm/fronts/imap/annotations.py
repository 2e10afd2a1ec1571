# SPDX-License-Identifier: Apache-2.0
"""What clients keep beside the messages, as imap_server.abilities.Annotations.

A client of AT&T keeps its settings under a name of its vendor, and would keep a PIN there as well
(spec/omtp-vvm.md 20.2): a PIN is nothing that is kept where it can be read again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from imap_server.abilities import Annotation
from imap_server.backend import NotAllowed
from vvm.fronts.imap.opened import Opened, told
from vvm.services.filing import place
from vvm.store import port

Find = Callable[[str], Awaitable[port.FolderState | None]]
"""A folder that the client may see."""

_SECRET = "tuipassword"  # noqa: S105 - the last level of a name


class FolderAnnotations:
    """Of the folders that one client sees, and with "" of the mailbox as a whole."""

    def __init__(self, opened: Opened, find: Find) -> None:
        self._mailbox = opened.mailbox
        self._filing = opened.services.filing
        self._find = find

    async def read(self, mailbox: str) -> Sequence[Annotation] | None:
        if mailbox and await self._find(mailbox) is None:
            return None
        kept = await told(self._filing.annotations(self._mailbox, place(mailbox)))
        return [Annotation(each.name, each.value) for each in kept]

    async def write(self, mailbox: str, values: Mapping[str, bytes | None]) -> bool:
        if mailbox and await self._find(mailbox) is None:
            return False
        if any(name.lower().endswith("/" + _SECRET) for name in values):
            raise NotAllowed("a PIN is changed by XCHANGE_TUI_PWD", code="CANNOT")
        await told(self._filing.annotate(self._mailbox, place(mailbox), values))
        return True
