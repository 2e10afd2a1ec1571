# SPDX-License-Identifier: Apache-2.0
"""Laws of the wire codec."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from imap_server.errors import Bad
from imap_server.wire import encoder, numbers
from imap_server.wire.framer import Frame, Framer, Refused
from imap_server.wire.lexer import Lexer


def framer() -> Framer:
    return Framer(max_line=64, max_command=1024)


PIECES = st.sampled_from(
    [b"a NOOP\r\n", b"b X {3}\r\n", b"{2+}\r\n", b"{9999}\r\n", b"xyz", b"\n"],
) | st.binary(max_size=70)


@given(st.lists(PIECES))
def test_how_the_network_cuts_the_octets_does_not_matter(pieces: list[bytes]) -> None:
    at_once, cut = framer(), framer()
    at_once.feed(b"".join(pieces))
    seen: list[object] = []
    for piece in pieces:
        cut.feed(piece)
        seen += cut.events()
        if any(isinstance(event, Refused) for event in seen):
            break
    assert seen == list(at_once.events())


def framed(encoded: bytes) -> Lexer:
    """The lexer of what a client would have sent, its literals announced as the server's are."""
    wire = Framer(max_line=100_000, max_command=1_000_000)
    wire.feed(encoded + b"\r\n")
    (frame,) = (event for event in wire.events() if isinstance(event, Frame))
    return Lexer(frame.parts)


@given(st.binary())
def test_a_string_is_read_back_as_it_was_written(value: bytes) -> None:
    line = framed(encoder.string(value))
    assert line.string() == value
    line.end()


@given(st.binary())
def test_an_astring_is_read_back_as_it_was_written(value: bytes) -> None:
    line = framed(encoder.astring(value))
    assert line.astring() == value
    line.end()


@given(st.none() | st.binary())
def test_an_nstring_is_read_back_as_it_was_written(value: bytes | None) -> None:
    line = framed(encoder.nstring(value))
    assert line.nstring() == value
    line.end()


@given(st.binary())
def test_what_is_quoted_reads_the_same_without_looking_at_backslashes(value: bytes) -> None:
    written = encoder.string(value)
    if written.startswith(b'"'):
        assert written[1:].partition(b'"') == (value, b'"', b"")


NUMBERS = st.sets(st.integers(1, 2**32 - 1) | st.integers(1, 40))


@given(NUMBERS)
def test_numbers_are_read_back_as_they_were_written(chosen: set[int]) -> None:
    ascending = sorted(chosen)
    if ascending:
        assert numbers.read(numbers.write(ascending)).select(ascending) == ascending


ENDS = st.integers(1, 12) | st.just(numbers.STAR)


@given(st.lists(st.tuples(ENDS, ENDS), min_size=1), st.sets(st.integers(1, 12)))
def test_a_set_chooses_what_its_ranges_say_one_by_one(ranges: list[tuple[int, int]], exist: set[int]) -> None:
    ascending = sorted(exist)
    last = ascending[-1] if ascending else 0
    expected = [
        number
        for number in ascending
        if any(min(a or last, b or last) <= number <= max(a or last, b or last) for a, b in ranges)
    ]
    assert numbers.NumberSet(tuple(ranges)).select(ascending) == expected


READERS = [
    Lexer.atom,
    Lexer.string,
    Lexer.astring,
    Lexer.nstring,
    Lexer.text,
    Lexer.mailbox,
    Lexer.list_mailbox,
    Lexer.number,
    Lexer.number_set,
    Lexer.flag,
    Lexer.date,
]


@given(st.sampled_from(READERS), st.lists(st.binary(max_size=30), min_size=1, max_size=4))
def test_the_lexer_reads_or_says_bad_and_nothing_else(read: object, parts: list[bytes]) -> None:
    assert callable(read)
    with suppress(Bad):  # any other exception fails
        read(Lexer(tuple(parts)))
