# SPDX-License-Identifier: Apache-2.0
"""Numbers: E.164 with its plus sign, and nothing that only a country would understand."""

from __future__ import annotations

import pytest

from vvm.domain.errors import InvalidNumber
from vvm.domain.numbers import international, parse_msisdn


@pytest.mark.parametrize("text", ["+33612345678", "+1415555", "+123456", "+999999999999999"])
def test_e164_is_taken_as_it_is(text: str) -> None:
    assert parse_msisdn(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "49151123456",
        "0151123456",
        "0049151123456",
        "+0151123456",
        "+12345",
        "+1234567890123456",
        "+33 151123456",
        "+49151123456\n",
        " +49151123456",
        "++49151123456",
        "+3361234567a",
        "+٣٣٦١٢٣٤٥٦٧٨",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidNumber) as refused:
        parse_msisdn(text)
    assert text.strip(" +\n") == "" or text not in str(refused.value)


@pytest.mark.parametrize("digits", ["33612345678", "+33612345678"])
def test_international_digits_need_no_plus_sign(digits: str) -> None:
    assert international(digits) == "+33612345678"


@pytest.mark.parametrize("digits", ["", "0612345678", "5511", "++33612345678", "alice"])
def test_what_is_not_international_stays_refused(digits: str) -> None:
    with pytest.raises(InvalidNumber):
        international(digits)
