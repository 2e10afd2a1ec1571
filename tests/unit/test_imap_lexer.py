# SPDX-License-Identifier: Apache-2.0
"""The lexer: each word of the grammar, and that malformed ones are Bad and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from imap_server.errors import Bad
from imap_server.wire.lexer import Lexer


def lexer(*parts: bytes) -> Lexer:
    return Lexer(parts)


def test_the_login_of_aosp_has_a_bare_name_and_escapes_in_its_password() -> None:
    line = lexer(rb'15551230001@vvm.example.net "a\"b\\c"' + b"\r\n")
    assert line.text() == "15551230001@vvm.example.net"
    line.space()
    assert line.text() == r'a"b\c'
    line.end()


def test_a_literal_joins_the_parts_of_its_frame() -> None:
    line = lexer(b"{5}\r\n", b"al\r\nb", b' "x"\r\n')
    assert line.astring() == b"al\r\nb"
    line.space()
    assert line.astring() == b"x"
    line.end()


def test_nil_and_the_string_nil_differ() -> None:
    line = lexer(b'NIL "NIL" nil\r\n')
    assert line.nstring() is None
    line.space()
    assert line.nstring() == b"NIL"
    line.space()
    assert line.nstring() is None


@pytest.mark.parametrize("written", [b"INBOX", b"inbox", b'"InBox"'])
def test_inbox_is_one_mailbox_in_any_case(written: bytes) -> None:
    assert lexer(written + b"\r\n").mailbox() == "INBOX"


def test_system_flags_get_their_spelling_and_keywords_keep_theirs() -> None:
    line = lexer(rb"\SEEN \deleted $Cns-Greeting-On" + b"\r\n")
    assert line.flag() == r"\Seen"
    line.space()
    assert line.flag() == r"\Deleted"


def test_dates_are_read_quoted_and_bare() -> None:
    line = lexer(b'1-feb-2026 "28-Feb-2026"\r\n')
    assert line.date() == date(2026, 2, 1)
    line.space()
    assert line.date() == date(2026, 2, 28)


def test_numbers_may_have_leading_zeros() -> None:
    assert lexer(b"0042\r\n").number() == 42


MALFORMED: list[tuple[Callable[[Lexer], object], bytes]] = [
    (Lexer.atom, b"(x)\r\n"),
    (Lexer.atom, b"\r\n"),
    (Lexer.astring, b'"never ends\r\n'),
    (Lexer.astring, b'"a\\x"\r\n'),
    (Lexer.astring, b"{5}\r\n"),
    (Lexer.astring, b"\xff\r\n"),
    (Lexer.text, b'"\xff"\r\n'),
    (Lexer.nstring, b"NILL\r\n"),
    (Lexer.number, b"4294967296\r\n"),
    (Lexer.number, b"-1\r\n"),
    (Lexer.number_set, b"1:\r\n"),
    (Lexer.number_set, b"0\r\n"),
    (Lexer.number_set, b"1,,2\r\n"),
    (Lexer.number_set, b"1:2:3\r\n"),
    (Lexer.flag, b"\\\r\n"),
    (Lexer.date, b"30-Feb-2026\r\n"),
    (Lexer.date, b"1-Foo-2026\r\n"),
    (Lexer.date, b'"1-Feb-2026\r\n'),
    (Lexer.space, b"x\r\n"),
    (Lexer.end, b" \r\n"),
]


@pytest.mark.parametrize(("read", "text"), MALFORMED)
def test_what_is_malformed_is_bad(read: Callable[[Lexer], object], text: bytes) -> None:
    with pytest.raises(Bad):
        read(lexer(text))


def test_a_literal_with_a_nul_is_no_text() -> None:
    with pytest.raises(Bad, match="NUL"):
        lexer(b"{3}\r\n", b"a\0b", b"\r\n").text()


def test_a_date_time_keeps_its_zone_and_forgives_a_leap_second() -> None:
    moment = Lexer((b'" 7-mar-2026 23:59:60 -0330"\r\n',)).date_time()
    assert moment.isoformat() == "2026-03-07T23:59:59-03:30"


@pytest.mark.parametrize(
    "text", [b'"07-Mar-2026 18:18:01"', b'"07-Mrz-2026 18:18:01 +0000"', b'"07-Mar-2026 25:00:00 +0000"']
)
def test_what_is_no_date_time_is_bad(text: bytes) -> None:
    with pytest.raises(Bad):
        Lexer((text + b"\r\n",)).date_time()
