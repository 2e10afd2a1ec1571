# SPDX-License-Identifier: Apache-2.0
"""Python's collector of reference cycles, told that what the start made stays."""

from __future__ import annotations

import gc

_YOUNG = 10_000
"""New objects that set off a look at the young ones; Python's own 700 are a few sessions of IMAP."""


def leave_alone_what_is_there() -> None:
    """Collect once, and never look again at what is left: modules, services, tables of commands.

    Nothing of ours makes cycles in passing (a connection undoes its own), so a look now and then does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
