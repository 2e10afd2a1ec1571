# SPDX-License-Identifier: Apache-2.0
"""The mark of a store that becomes another one, or has (vvm.store.copying)."""

from __future__ import annotations

from typing import Literal

import msgspec

from vvm.domain.errors import BadStart


class Handover(msgspec.Struct, frozen=True):
    role: Literal["source", "target"]
    place: str
    """Of the other one."""


class HandedOver(BadStart):
    """Nothing may be done with this store."""

    code = "handed_over"

    def __init__(self, role: str, place: str) -> None:
        super().__init__(
            f"this store was moved to {place}: store.url must name that (or see vvm store reopen)"
            if role == "source"
            else f"the copy of {place} into this store is not whole: run vvm store copy again"
        )
