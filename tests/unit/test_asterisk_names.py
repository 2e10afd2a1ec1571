# SPDX-License-Identifier: Apache-2.0
"""The name of a recording carries its call."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vvm.domain.numbers import Msisdn
from vvm.fronts.asterisk.names import InvalidName, RecordingName, discreet, format_name, parse_name

UNIQUE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
AT = datetime.fromtimestamp(1795387537, UTC)
ALICE = Msisdn("+33612345678")


def name(caller: str | None) -> str:
    return format_name(RecordingName(subscriber=ALICE, started_at=AT, caller=caller, unique=UNIQUE))


def test_a_name_is_readable_by_an_operator() -> None:
    assert name("+33698765432") == (
        "vvm/33612345678-1795387537-_2b33698765432-0f8fad5bd9cb469fa16570867728950e"
    )


def test_a_log_does_not_say_who_called_whom() -> None:
    assert discreet(name("+33698765432")) == "vvm/*-0f8fad5bd9cb469fa16570867728950e"
    assert discreet("spool/node-1/vvm/0000/1795387537-00000001") == (
        "spool/node-1/vvm/0000/1795387537-00000001"
    )


def test_a_restricted_caller_leaves_nothing_in_the_name() -> None:
    assert name(None) == "vvm/33612345678-1795387537--0f8fad5bd9cb469fa16570867728950e"
    assert parse_name(name(None)).caller is None


@given(
    subscriber=st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True).filter(str.isascii),
    epoch=st.integers(0, 4_000_000_000),
    caller=st.none() | st.text(min_size=1, max_size=10),
    unique=st.uuids(),
)
def test_what_is_written_is_read(subscriber: str, epoch: int, caller: str | None, unique: UUID) -> None:
    known = RecordingName(
        subscriber=Msisdn(subscriber),
        started_at=datetime.fromtimestamp(epoch, UTC),
        caller=caller,
        unique=unique,
    )
    assert parse_name(format_name(known)) == known


@given(st.text(max_size=300))
def test_any_caller_makes_one_safe_file_name(caller: str) -> None:
    written = name(caller)
    folder, separator, file = written.partition("/")
    assert (folder, separator) == ("vvm", "/")
    assert len(f"{file}.wav") <= 255
    assert set(file) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
    assert caller.startswith(parse_name(written).caller or "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vvm/",
        "other/33612345678-1795387537--0f8fad5bd9cb469fa16570867728950e",
        "vvm/33612345678-1795387537-0f8fad5bd9cb469fa16570867728950e",
        "vvm/12-1795387537--0f8fad5bd9cb469fa16570867728950e",
        "vvm/33612345678-99999999999--0f8fad5bd9cb469fa16570867728950e0",
        "vvm/33612345678-1795387537-_zz-0f8fad5bd9cb469fa16570867728950e",
        "vvm/33612345678-1795387537--0f8fad5bd9cb469fa16570867728950e\n",
    ],
)
def test_what_we_did_not_name_is_not_read(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_name(text)


@given(st.text())
def test_no_name_brings_the_reader_down(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_name(f"vvm/{text}")
