# SPDX-License-Identifier: Apache-2.0
"""What a PIN of the telephone menus may be (OMTP 1.3 2.3), as a pure function.

A PIN is short and typed on a telephone, so a few of them open half of all mailboxes.  Those are
refused; the limit on tries (services.pins) does the rest.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

import msgspec

LONGEST_PIN = 30
"""OMTP 1.3 2.9.1 gives a PIN no more than any other field of a text."""


class PinFault(StrEnum):
    """What is wrong with a new PIN; OMTP has a text for each."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID_CHARACTERS = "invalid_characters"
    TOO_WEAK = "too_weak"


class PinRules(msgspec.Struct, frozen=True):
    min_digits: int
    max_digits: int
    refuse_repeats: bool
    """0000 and its kind."""
    refuse_runs: bool
    """1234, 9876 and their kind."""
    refuse_own_digits: bool
    """Digits that stand so in the subscriber's own number."""

    @property
    def told(self) -> str:
        """In words."""
        refused = {
            "one digit repeated": self.refuse_repeats,
            "a run up or down": self.refuse_runs,
            "digits that stand so in the own number": self.refuse_own_digits,
        }
        no = " nor ".join(what for what, refuses in refused.items() if refuses)
        return f"{self.min_digits} to {self.max_digits} digits" + (f", and not {no}" if no else "")


def fault(pin: str, rules: PinRules, *, msisdn: str) -> PinFault | None:
    """The first fault in the order in which a subscriber can mend them; None when there is none."""
    if len(pin) < rules.min_digits:
        return PinFault.TOO_SHORT
    if len(pin) > rules.max_digits:
        return PinFault.TOO_LONG
    if not (pin.isascii() and pin.isdigit()):
        return PinFault.INVALID_CHARACTERS
    steps = {int(after) - int(before) for before, after in pairwise(pin)}
    repeats = rules.refuse_repeats and steps == {0}
    runs = rules.refuse_runs and steps in ({1}, {-1})
    own = rules.refuse_own_digits and pin in msisdn
    return PinFault.TOO_WEAK if repeats or runs or own else None
