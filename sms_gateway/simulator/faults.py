# SPDX-License-Identifier: Apache-2.0
"""What can go wrong at an SMSC, to order."""

from __future__ import annotations

from enum import Enum, auto

import msgspec


class Fault(Enum):
    """How to treat one submit, instead of answering it properly.

    Only RECEIPT_FIRST, NO_BODY and DRIBBLE accept the message.
    """

    SILENCE = auto()
    """Never answer."""
    DROP = auto()
    """Close the connection without an answer."""
    HALF_PDU = auto()
    """Send the first half of the answer, then close."""
    OVERSIZED = auto()
    """Answer with a length that no PDU has."""
    RECEIPT_FIRST = auto()
    """Send the receipt, and the answer only after the receipt was answered or a while has passed."""
    NO_BODY = auto()
    """Answer with a header only."""
    DRIBBLE = auto()
    """Send the answer octet by octet."""


class Nack(msgspec.Struct, frozen=True):
    """Answer with a generic_nack of this command_status."""

    status: int
