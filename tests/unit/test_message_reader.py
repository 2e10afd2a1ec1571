# SPDX-License-Identifier: Apache-2.0
"""Messages that clients bring: their parts, their content, and the limits."""

from __future__ import annotations

import pytest

from vvm.message.reader import ReadLimits, ReadMessage, Unreadable, read_message

LIMITS = ReadLimits(max_parts=4, max_depth=2, max_header_bytes=200)


def read(text: str, *, line_end: str = "\r\n") -> ReadMessage:
    return read_message(text.replace("\n", line_end).encode(), LIMITS)


def bodies(message: ReadMessage) -> dict[str, bytes]:
    return {span.number: message.octets[span.body_start : span.body_end] for span in message.parts}


NESTED = """\
From: Ann <ann@example.net>, bob@example.net
Subject: two
 lines
Content-Type: multipart/mixed; boundary="a b"

preamble
--a b
Content-Type: multipart/alternative; boundary=inner

--inner

one
--inner
Content-Type: text/html; charset=utf-8
Content-ID: <x>

two
--inner--
--a b
Content-Type: audio/amr; name*=utf-8''gr%C3%BC%C3%9Fe
Content-Disposition: attachment; filename=x.amr
Content-Transfer-Encoding: Base64

AAEC
--a b--
epilogue
"""


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_parts_are_numbered_as_fetch_names_them(line_end: str) -> None:
    found = bodies(read(NESTED, line_end=line_end))
    assert list(found) == ["1", "1.1", "1.2", "2"]
    assert (found["1.1"], found["1.2"], found["2"]) == (b"one", b"two", b"AAEC")


def test_the_structure_is_told_in_the_order_of_the_standard() -> None:
    assert read(NESTED).body_structure == (
        b'((("text" "plain" NIL NIL NIL "7bit" 3 1 NIL NIL NIL NIL)'
        b'("text" "html" ("charset" "utf-8") "<x>" NIL "7bit" 3 1 NIL NIL NIL NIL)'
        b' "alternative" ("boundary" "inner") NIL NIL NIL)'
        b'("audio" "amr" ("name" {7}\r\n'
        + "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e".encode()
        + b') NIL NIL "base64" 4 NIL ("attachment" ("filename" "x.amr")) NIL NIL)'
        b' "mixed" ("boundary" "a b") NIL NIL NIL)'
    )


def test_the_envelope_has_unfolded_fields_and_from_where_sender_is_missing() -> None:
    both = b'(("Ann" NIL "ann" "example.net")(NIL NIL "bob" "example.net"))'
    assert read(NESTED).envelope == b'(NIL "two lines" %b %b %b NIL NIL NIL NIL NIL)' % (both, both, both)


def test_a_field_is_found_in_any_case_and_only_once() -> None:
    message = read("X-Type: first\nx-type: second\n\n")
    assert message.field("X-TYPE") == "first"
    assert message.field("Y") is None


EMBEDDED = """\
Content-Type: multipart/mixed; boundary=q

--q
Content-Type: message/rfc822

Subject: inside

text
--q
Content-Type: message/rfc822

Content-Type: multipart/mixed; boundary=r

--r

first
--r--
--q--
"""


def test_the_parts_of_an_embedded_message_count_below_its_own_number() -> None:
    message = read_message(EMBEDDED.encode(), ReadLimits())
    spans = {span.number: span.message for span in message.parts}
    assert spans == {"1": True, "1.1": False, "2": True, "2.1": False}
    assert bodies(message)["2.1"] == b"first"
    assert b'("message" "rfc822" NIL NIL NIL "7bit" 21 (NIL "inside" ' in message.body_structure


@pytest.mark.parametrize(
    ("encoding", "text", "content"),
    [
        ("base64", "AA\n EC*=\n", b"\x00\x01\x02"),
        ("QUOTED-PRINTABLE", "a=3Db=\nc", b"a=bc"),
        ("8bit", "as it is", b"as it is"),
        ("", "as it is", b"as it is"),
    ],
)
def test_content_comes_out_of_its_transfer_encoding(encoding: str, text: str, content: bytes) -> None:
    field = f"Content-Transfer-Encoding: {encoding}\n" if encoding else ""
    message = read(f"{field}Content-Type: audio/amr\n\n{text}", line_end="\n")
    (part,) = message.leaves
    assert part.media_type == "audio"
    assert message.content(part) == content


@pytest.mark.parametrize(("encoding", "text"), [("base64", "AAE"), ("x-uuencode", "abc")])
def test_content_that_is_not_what_its_header_says_is_refused(encoding: str, text: str) -> None:
    message = read(f"Content-Transfer-Encoding: {encoding}\n\n{text}")
    with pytest.raises(Unreadable):
        message.content(message.leaves[0])


@pytest.mark.parametrize(
    "text",
    [
        "X: " + "x" * 300 + "\n\n",
        "Content-Type: multipart/mixed; boundary=q\n\n" + "--q\n\n" * 5,
        "Content-Type: multipart/mixed; boundary=q\n\n--q\nX: " + "x" * 300,
    ],
)
def test_a_message_beyond_the_limits_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_a_message_that_nests_without_end_is_refused() -> None:
    with pytest.raises(Unreadable, match="deeper than 2"):
        read("Content-Type: message/rfc822\n\n" * 4)


@pytest.mark.parametrize(
    "text", ["", "\n", "no field here", "Content-Type: multipart/mixed\n\nno boundary", "X: y"]
)
def test_anything_is_some_message_of_one_part(text: str) -> None:
    message = read(text)
    assert [span.number for span in message.parts] == ["1"]
    assert message.octets[: message.header_size] + bodies(message)["1"] == message.octets


@pytest.mark.parametrize("charset", ["", "none", "\0", "\x80", "utf-8\xe9", "idna"])
def test_a_parameter_in_a_character_set_that_is_none_is_read_as_it_is_written(charset: str) -> None:
    """Python's ``email`` raises ValueError for some, which is no reason to turn a message away."""
    octets = f"Content-Type: multipart/mixed; Boundary*={charset}''q\r\n\r\n--q\r\n\r\none\r\n--q--\r\n"
    message = read_message(octets.encode("latin-1"), LIMITS)
    assert bodies(message) == {"1": b"one"}


def test_a_field_with_a_parameter_in_pieces_that_do_not_fit_has_no_parameters() -> None:
    """Python's ``email`` raises TypeError, which is no reason to turn a message away either."""
    part = "Content-Type: audio/amr; name*=utf-8''a; name*2*=b"
    octets = f"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n{part}\r\n\r\none\r\n--q--\r\n"
    message = read_message(octets.encode(), LIMITS)
    assert bodies(message) == {"1": b"one"}
    assert b'("audio" "amr" NIL ' in message.body
    whole = read_message(
        f"{part.replace('audio/amr', 'multipart/mixed')}; boundary=q\r\n\r\none".encode(), LIMITS
    )
    assert bodies(whole) == {"1": b"one"}


def test_a_nul_in_a_header_is_told_to_nobody() -> None:
    assert read("Subject: a\0b\n\n").envelope.split()[1] == b'"ab"'
