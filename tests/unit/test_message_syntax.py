# SPDX-License-Identifier: Apache-2.0
"""Strings of RFC 3501 section 9 that no client misreads (sheet section 12, traps 3 and 4)."""

from __future__ import annotations

import pytest

from vvm.message.syntax import nstring, parameters, string


@pytest.mark.parametrize("value", ["", "voicemail.amr", "a b(c)%*]~"])
def test_plain_text_is_quoted(value: str) -> None:
    assert string(value) == f'"{value}"'.encode()


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ('a"b', b'{3}\r\na"b'),
        ("a\\b", b"{3}\r\na\\b"),
        ("é", b"{2}\r\n\xc3\xa9"),
        ("a\r\nb", b"{4}\r\na\r\nb"),
        ("a\n", b"{2}\r\na\n"),
    ],
)
def test_what_a_quoted_string_cannot_hold_is_a_literal_of_its_octets(value: str, literal: bytes) -> None:
    assert string(value) == literal


def test_half_a_character_is_a_question_mark() -> None:
    assert string("\ud800") == b'"?"'


def test_nothing_is_nil() -> None:
    assert nstring(None) == b"NIL"
    assert parameters(()) == b"NIL"


def test_parameters_stand_in_turn() -> None:
    assert parameters((("a", "b"), ("c", 'd"'))) == b'("a" "b" "c" {2}\r\nd")'
