# SPDX-License-Identifier: Apache-2.0
"""Which PINs are refused, and for which reason first."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvm.domain.pin import PinFault, PinRules, fault

RULES = PinRules(min_digits=4, max_digits=9, refuse_repeats=True, refuse_runs=True, refuse_own_digits=True)
ANYTHING_GOES = PinRules(
    min_digits=4, max_digits=9, refuse_repeats=False, refuse_runs=False, refuse_own_digits=False
)
OWN = "+33612345678"


@pytest.mark.parametrize(
    ("pin", "expected"),
    [
        ("2580", None),
        ("258025802", None),
        ("1123", None),
        ("9012", None),
        ("258", PinFault.TOO_SHORT),
        ("", PinFault.TOO_SHORT),
        ("2580258025", PinFault.TOO_LONG),
        ("25a0", PinFault.INVALID_CHARACTERS),
        ("25 0", PinFault.INVALID_CHARACTERS),
        ("\u0662\u0665\u0668\u0660", PinFault.INVALID_CHARACTERS),
        ("-258", PinFault.INVALID_CHARACTERS),
        ("0000", PinFault.TOO_WEAK),
        ("6789", PinFault.TOO_WEAK),
        ("9876", PinFault.TOO_WEAK),
        ("3361", PinFault.TOO_WEAK),
        ("5678", PinFault.TOO_WEAK),
    ],
)
# rows: PIN-02
def test_a_pin_is_judged_by_its_first_fault(pin: str, expected: PinFault | None) -> None:
    assert fault(pin, RULES, msisdn=OWN) is expected


@pytest.mark.parametrize("rule", ["refuse_repeats", "refuse_runs", "refuse_own_digits"])
@pytest.mark.parametrize(
    ("pin", "refused_by"),
    [("0000", "refuse_repeats"), ("9876", "refuse_runs"), ("3361", "refuse_own_digits")],
)
def test_each_kind_of_weakness_has_its_own_rule(pin: str, refused_by: str, rule: str) -> None:
    rules = msgspec.structs.replace(ANYTHING_GOES, **{rule: True})
    assert fault(pin, rules, msisdn=OWN) is (PinFault.TOO_WEAK if rule == refused_by else None)


# rows: PIN-05
@given(st.text(alphabet="0123456789", max_size=12))
def test_without_rules_only_the_length_counts(pin: str) -> None:
    found = fault(pin, ANYTHING_GOES, msisdn=OWN)
    assert (found is None) == (4 <= len(pin) <= 9)
