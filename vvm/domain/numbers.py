# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers.  An ``Msisdn`` is E.164 with its plus sign, for example +33612345678."""

from __future__ import annotations

import re
from typing import NewType

from vvm.domain.errors import InvalidNumber

Msisdn = NewType("Msisdn", str)

_E164 = re.compile(r"\+[1-9][0-9]{5,14}\Z")


def parse_msisdn(text: str) -> Msisdn:
    """Take a number in E.164 form with its plus sign.  Raises InvalidNumber.

    Anything that needs a country to be understood is refused here: fronts that hear
    national numbers bring them to this form first (``international``).
    """
    if not _E164.match(text):
        raise InvalidNumber("a number must be E.164 with a plus sign, for example +33612345678")
    return Msisdn(text)


def international(digits: str) -> Msisdn:
    """Take what SMPP carries with TON 1: digits with or without the plus sign.  Raises InvalidNumber."""
    return parse_msisdn("+" + digits.removeprefix("+"))
