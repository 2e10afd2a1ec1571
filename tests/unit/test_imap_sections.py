# SPDX-License-Identifier: Apache-2.0
"""The table of the IMAP specifications says what is so, and leaves nothing out."""

from __future__ import annotations

import pytest

from imap_server.commands import STANDARD, capabilities
from imap_server.dispatch import table
from tests.imap_sections import DOCUMENT, ROOT, Section, render, sections

ROWS = [(f"RFC {rfc}, {number}", row) for rfc, rows in sections().items() for number, row in rows.items()]
CHAPTERS = {
    "3501": """
        2.1 2.2 2.2.1 2.2.2 2.3 2.3.1 2.3.1.1 2.3.1.2 2.3.2 2.3.3 2.3.4 2.3.5 2.3.6 2.4 3.1 3.2 3.3 3.4
        4.1 4.2 4.3 4.3.1 4.4 4.5 5.1 5.1.1 5.1.2 5.1.3 5.2 5.3 5.4 5.5 6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3
        6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.6 6.3.7 6.3.8 6.3.9 6.3.10 6.3.11 6.4.1 6.4.2 6.4.3 6.4.4 6.4.5
        6.4.6 6.4.7 6.4.8 6.5.1 7.1 7.1.1 7.1.2 7.1.3 7.1.4 7.1.5 7.2.1 7.2.2 7.2.3 7.2.4 7.2.5 7.2.6 7.3.1
        7.3.2 7.4.1 7.4.2 7.5 9
    """,
    "9051": """
        2.1 2.2 2.2.1 2.2.2 2.3 2.3.1 2.3.1.1 2.3.1.2 2.3.2 2.3.3 2.3.4 2.3.5 2.3.6 2.4 3.1 3.2 3.3 3.4
        4.1 4.1.1 4.2 4.3 4.3.1 4.4 4.5 5.1 5.1.1 5.1.2 5.2 5.3 5.4 5.5 6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3
        6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.6 6.3.7 6.3.8 6.3.9 6.3.9.1 6.3.9.2 6.3.9.3 6.3.9.4 6.3.9.5 6.3.9.6
        6.3.10 6.3.11 6.3.12 6.3.13 6.4.1 6.4.2 6.4.3 6.4.4 6.4.4.1 6.4.4.2 6.4.4.3 6.4.5 6.4.5.1 6.4.6 6.4.7
        6.4.8 6.4.9 6.5 7.1 7.1.1 7.1.2 7.1.3 7.1.4 7.1.5 7.2.1 7.2.2 7.3.1 7.3.2 7.3.3 7.3.4 7.3.5 7.4.1
        7.5.1 7.5.2 7.6 9
    """,
}
"""Every section of chapters 2 to 7 and 9 that says something; headings and examples are left out."""


def test_the_table_is_what_the_rows_make_it() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(), "run: python -m tests.imap_sections"


@pytest.mark.parametrize("rfc", CHAPTERS)
def test_every_section_has_its_row(rfc: str) -> None:
    assert list(sections()[rfc]) == CHAPTERS[rfc].split()


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_a_row_is_met_by_code_and_tests_that_exist_or_says_why_it_is_not(name: str, row: Section) -> None:
    assert bool(row.code) == bool(row.tests), name
    assert not (row.code and row.missing), name
    files = [*row.code, *(f"tests/{path}" for path in row.tests)]
    assert [path for path in files if not (ROOT / path).is_file()] == []


def test_every_file_of_a_command_is_in_a_row() -> None:
    named = {path for _, row in ROWS for path in row.code}
    commands = {f"imap_server/commands/{path.name}" for path in (ROOT / "imap_server/commands").glob("*.py")}
    assert sorted(commands - named) == ["imap_server/commands/__init__.py"]


def test_every_capability_that_is_told_is_in_a_row() -> None:
    told = " ".join(row.about for _, row in ROWS if row.code)
    assert [name for name in capabilities(table(STANDARD)) if name.decode() not in told] == []
