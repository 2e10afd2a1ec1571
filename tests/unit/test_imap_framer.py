# SPDX-License-Identifier: Apache-2.0
"""The framer: where a command ends, whatever it means."""

from __future__ import annotations

from imap_server.wire.framer import Continue, Frame, Framer, Refused, TooBig


def framer() -> Framer:
    return Framer(max_line=64, max_command=1024)


def test_synchronising_literal_asks_for_a_continuation() -> None:
    wire = framer()
    wire.feed(b"a LOGIN {5}\r\n")
    assert list(wire.events()) == [Continue()]
    wire.feed(b"alice secret\r\n")
    assert list(wire.events()) == [Frame((b"a LOGIN {5}\r\n", b"alice", b" secret\r\n"))]


def test_a_literal_that_is_not_synchronising_needs_no_continuation() -> None:
    wire = framer()
    wire.feed(b"a LOGIN {5+}\r\nalice {6+}\r\nsecret\r\n")
    assert list(wire.events()) == [
        Frame((b"a LOGIN {5+}\r\n", b"alice", b" {6+}\r\n", b"secret", b"\r\n")),
    ]


def test_a_literal_that_was_only_announced_costs_one_command() -> None:
    wire = framer()
    wire.feed(b"a APPEND Greetings {9999}\r\nb NOOP\r\n")
    assert list(wire.events()) == [
        TooBig(b"a APPEND Greetings {9999}\r\n"),
        Frame((b"b NOOP\r\n",)),
    ]


def test_a_literal_that_comes_anyway_and_is_too_big_is_refused() -> None:
    wire = framer()
    wire.feed(b"a APPEND Greetings {4294967295+}\r\n")
    assert list(wire.events()) == [Refused("command")]


def test_a_length_that_is_no_number_any_more_announces_a_literal_all_the_same() -> None:
    """Read as text, it would let the octets that follow pass for commands."""
    wire = framer()
    wire.feed(b"a SELECT {" + b"9" * 30 + b"}\r\n")
    assert list(wire.events()) == [TooBig(b"a SELECT {" + b"9" * 30 + b"}\r\n")]
    wire.feed(b"b SELECT {" + b"9" * 30 + b"+}\r\nc LOGOUT\r\n")
    assert list(wire.events()) == [Refused("command")]


def test_the_literals_of_a_command_count_together() -> None:
    wire = framer()
    wire.feed(b"a SEARCH TEXT {600+}\r\n" + b"x" * 600 + b" TEXT {600}\r\n")
    assert list(wire.events()) == [TooBig(b"a SEARCH TEXT {600+}\r\n")]


def test_a_line_over_the_limit_is_refused() -> None:
    wire = framer()
    wire.feed(b"x" * 64)
    assert list(wire.events()) == [Refused("line")]


def test_the_limits_of_a_peer_that_has_logged_in_hold_from_the_next_line_on() -> None:
    wire = framer()
    wire.feed(b"x" * 64)
    wire.allow(max_line=128, max_command=1024, max_append=1024)
    wire.feed(b"\r\n")
    assert list(wire.events()) == [Frame((b"x" * 64 + b"\r\n",))]


def test_a_line_may_end_in_a_bare_newline() -> None:
    wire = framer()
    wire.feed(b"a NOOP\nb NOOP\r\n")
    assert list(wire.events()) == [Frame((b"a NOOP\n",)), Frame((b"b NOOP\r\n",))]


def test_pending_counts_what_no_frame_has_delivered() -> None:
    wire = framer()
    wire.feed(b"a NOOP\r\nb LOGIN {5}\r\nal")
    assert list(wire.events()) == [Frame((b"a NOOP\r\n",)), Continue()]
    assert wire.pending == len(b"b LOGIN {5}\r\nal")
    assert wire.peek(1) == b"b"


def test_append_has_a_limit_of_its_own_and_other_commands_have_not() -> None:
    wire = framer()
    wire.allow(max_line=64, max_command=100, max_append=1000)
    wire.feed(b"a append INBOX {900}\r\n")
    assert list(wire.events()) == [Continue()]
    wire.feed(b"x" * 900 + b"\r\nb SEARCH TEXT {900}\r\n")
    frame, refused = wire.events()
    assert isinstance(frame, Frame)
    assert frame.parts[1] == b"x" * 900
    assert refused == TooBig(b"b SEARCH TEXT {900}\r\n")
