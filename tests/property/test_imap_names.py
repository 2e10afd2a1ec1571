# SPDX-License-Identifier: Apache-2.0
"""Mailbox names in modified UTF-7: every name has one wire form that reads back, and nothing else hurts."""

from __future__ import annotations

import contextlib
import re

from hypothesis import given
from hypothesis import strategies as st

from imap_server.wire import encoder, utf7
from imap_server.wire.lexer import Lexer

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(NAMES)
def test_a_name_reads_back(name: str) -> None:
    wire = utf7.encode(name)
    assert re.fullmatch(rb"[\x20-\x7e]*", wire)
    assert utf7.decode(wire) == name


@given(st.binary(max_size=20) | st.from_regex(rb"(&[A-Za-z0-9+,]{0,6}-?|[a-z~]){0,4}", fullmatch=True))
def test_octets_are_a_name_or_a_value_error(octets: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert "\0" not in utf7.decode(octets)


@given(NAMES, st.booleans())
def test_what_the_server_writes_the_server_reads(name: str, utf8: bool) -> None:
    written = encoder.mailbox(name, utf8=utf8)
    line = Lexer(_parts(written + b"\r\n"), utf8_names=utf8)
    expected = "INBOX" if name.upper() == "INBOX" else name
    assert line.mailbox() == expected
    line.end()


def _parts(wire: bytes) -> tuple[bytes, ...]:
    announced = re.match(rb"\{(\d+)\}\r\n", wire)
    if announced is None:
        return (wire,)
    end = announced.end() + int(announced[1])
    return (announced[0], wire[announced.end() : end], wire[end:])
