# SPDX-License-Identifier: Apache-2.0
"""A message as the store describes it: a part of ``vvm.store.port``, where its words are explained."""

from __future__ import annotations

from datetime import datetime

import msgspec

from vvm.domain.message import Flags, Kind
from vvm.message.writer import PartSpan
from vvm.store.keywords import NO_KEYWORDS


class Layout(msgspec.Struct, frozen=True, array_like=True):
    """What FETCH answers without reading a message: computed once, at deposit (vvm.message.writer)."""

    header: bytes
    envelope: bytes
    body: bytes
    body_structure: bytes
    parts: tuple[PartSpan, ...]


class MessageRecord(msgspec.Struct, frozen=True):
    uid: int
    flags: Flags
    modseq: int
    kind: Kind
    caller: str | None
    received_at: datetime
    seconds: int
    size: int
    layout: Layout
    identity: str
    """Digits and ``-``: no other message of the mailbox was ever called so, but copies are."""
    keywords: frozenset[str] = NO_KEYWORDS
