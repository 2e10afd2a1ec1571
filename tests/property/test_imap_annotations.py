# SPDX-License-Identifier: Apache-2.0
"""METADATA: what is written as a command is read as meant, and what is selected is what a list would give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imap_server import metadata
from imap_server.abilities import Annotation
from imap_server.commands import getmetadata, setmetadata
from imap_server.metadata import Wanted
from imap_server.wire.lexer import Lexer

LEVELS = st.lists(st.sampled_from(["a", "B", "comment", "x-1"]), min_size=1, max_size=3)
NAMES = st.builds(
    lambda scope, levels: "/".join([scope, *levels]), st.sampled_from(["/private", "/shared"]), LEVELS
)
VALUES = st.binary(max_size=8)


@given(st.dictionaries(NAMES, st.none() | VALUES, min_size=1, max_size=5))
def test_what_is_set_is_read_as_it_was_written(values: dict[str, bytes | None]) -> None:
    parts, text = [], b" INBOX ("
    for name, value in values.items():
        text += name.encode() + b" "
        if value is None:
            text += b"NIL "
        else:
            parts += [text + b"~{%d}\r\n" % len(value), value]
            text = b" "
    command = setmetadata.parse(Lexer((*parts, text.rstrip(b" ") + b")\r\n")))
    assert command.mailbox == "INBOX"
    last = {name.lower(): (name, value) for name, value in values.items()}
    assert dict(command.values) == dict(last.values())


@given(
    st.lists(NAMES, min_size=1, max_size=4),
    st.sampled_from([("0", 0), ("1", 1), ("infinity", None)]),
    st.none() | st.integers(0, 9),
    st.booleans(),
)
def test_what_is_asked_is_read_wherever_the_options_stand(
    names: list[str], depth: tuple[str, int | None], most: int | None, behind: bool
) -> None:
    options = f"(DEPTH {depth[0]}" + ("" if most is None else f" MAXSIZE {most}") + ")"
    entries = f"({' '.join(names)})" if len(names) > 1 else names[0]
    words = ["INBOX", options] if behind else [options, "INBOX"]
    command = getmetadata.parse(Lexer((f" {' '.join(words)} {entries}\r\n".encode(),)))
    assert command.wanted == Wanted(tuple(names), depth[1], most)


@given(
    st.dictionaries(NAMES.map(str.lower), VALUES, max_size=6),
    st.lists(NAMES, min_size=1, max_size=3),
    st.sampled_from([0, 1, None]),
    st.none() | st.integers(0, 8),
)
def test_what_is_selected_is_what_a_walk_finds(
    kept: dict[str, bytes], names: list[str], depth: int | None, most: int | None
) -> None:
    found = metadata.select([Annotation(*each) for each in kept.items()], Wanted(tuple(names), depth, most))
    reached = {
        name
        for name in kept
        for root in (each.lower() for each in names)
        if (name + "/").startswith(root + "/") and (depth is None or name[len(root) :].count("/") <= depth)
    }
    short = {name: kept[name] for name in reached if most is None or len(kept[name]) <= most}
    given = {name.lower(): value for name, value in found.values.items() if value is not None}
    assert given == short
    assert found.longest == max((len(kept[name]) for name in reached - set(short)), default=0)
    absent = {name.lower() for name, value in found.values.items() if value is None}
    assert absent == ({name.lower() for name in names} - set(kept) if depth == 0 else set())
