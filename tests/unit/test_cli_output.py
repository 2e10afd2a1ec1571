# SPDX-License-Identifier: Apache-2.0
"""Tables for people: what is never broken, and what a narrow terminal is spared."""

from __future__ import annotations

import pytest
from rich.console import Console

from vvm.cli import output

AT, SECOND = "2026-11-28T15:54:15.556874Z", "2026-11-28T15:54:15Z"
COLUMNS = ("at", "event", "what", "outcome", "device", "notification", "smpp_status", "smsc", "reason")
ROW = dict.fromkeys(COLUMNS) | {
    "at": AT,
    "event": "notification",
    "what": "new_message",
    "outcome": "failed",
    "smpp_status": 11,
    "smsc": "main",
    "reason": "many words that may well stand on more than one line",
}


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_console", lambda: Console(width=80))


@pytest.mark.usefixtures("narrow")
def test_in_a_narrow_terminal_no_moment_number_or_heading_is_broken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.show_rows(COLUMNS, [output.with_smpp_status(ROW)])
    told = capsys.readouterr().out
    heading, *lines = told.splitlines()
    shown = [column for column in COLUMNS if ROW[column] is not None]
    assert heading.split() == shown
    assert lines[0].split()[:6] == [SECOND, "notification", "new_message", "failed", "0x0000000b", "main"]
    assert " ".join(line.strip() for line in lines).endswith("more than one line")


def test_where_there_is_room_every_column_stands(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows(COLUMNS, [output.with_smpp_status(ROW)])
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == list(COLUMNS)
    assert line.split()[4:6] == ["-", "-"]


@pytest.mark.usefixtures("narrow")
def test_a_table_without_rows_has_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_rows(COLUMNS, [])
    assert capsys.readouterr().out.split() == list(COLUMNS)


def test_programs_get_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_json({"at": AT, "smpp_status": 11})
    assert capsys.readouterr().out == f'{{"at":"{AT}","smpp_status":11}}\n'
