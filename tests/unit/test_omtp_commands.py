# SPDX-License-Identifier: Apache-2.0
"""The arguments of OMTP's own commands, as clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvm.domain.secrets import Secret
from vvm.omtp.commands import (
    ChangeLanguage,
    ChangePin,
    InvalidParameter,
    parse_change_language,
    parse_change_pin,
    parse_close_tutorial,
)

CHANGE = ChangePin(Secret("4711"), Secret("2580"))


# rows: PIN-01
@pytest.mark.parametrize(
    "arguments",
    [
        " PWD=4711 OLD_PWD=2580",
        " OLD_PWD=2580 PWD=4711",
        " pwd=4711 Old_Pwd=2580",
        "  PWD=4711   OLD_PWD=2580 ",
    ],
)
def test_the_two_pins_come_in_any_order_and_case(arguments: str) -> None:
    assert parse_change_pin(arguments) == CHANGE


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_change_pin("PWD=a=b OLD_PWD==").new == Secret("a=b")


# rows: PIN-07
def test_att_says_whose_pin_it_is() -> None:
    assert parse_change_pin(" USER=a@b.c PWD=4711 OLD_PWD=2580").user == "a@b.c"


@pytest.mark.parametrize(
    "arguments",
    ["", " PWD=4711", " OLD_PWD=2580", " PWD=1 PWD=2 OLD_PWD=3", " PWD=1 OLD_PWD=2 X=3", " 4711 2580"],
)
def test_other_arguments_are_refused_without_being_repeated(arguments: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_change_pin(arguments)
    assert str(refused.value) == "invalid parameter"


def test_a_pin_does_not_show_itself() -> None:
    assert "4711" not in repr(CHANGE)
    assert "2580" not in repr(CHANGE)


# rows: LNG-01
@pytest.mark.parametrize("arguments", [" LANG=eng", " Lang=eng", " lang=eng"])
def test_the_key_of_a_language_has_any_case(arguments: str) -> None:
    assert parse_change_language(arguments) == ChangeLanguage("eng")


def test_to_close_the_tutorial_takes_no_argument() -> None:
    parse_close_tutorial(" ")
    with pytest.raises(InvalidParameter):
        parse_close_tutorial(" NOW=1")


@given(st.text())
def test_any_text_is_either_arguments_or_refused(text: str) -> None:
    for parse in (parse_change_pin, parse_change_language, parse_close_tutorial):
        try:
            parse(text)
        except InvalidParameter:
            continue
