# SPDX-License-Identifier: Apache-2.0
"""The table of the IMAP specifications says what is so, and leaves nothing out."""

from __future__ import annotations

import re

import pytest

from imap_server.commands import STANDARD, capabilities
from imap_server.dispatch import table
from tests.imap_sections import CONTENTS, DOCUMENT, ROOT, ROWS, Section, Test, contents, render, sections

TITLES = contents()
ALL = [(rfc, number, row) for rfc, rows in sections().items() for number, row in rows.items()]
DIALOGUES = sorted((ROOT / "tests/dialogues").glob("*.txt"))
NAMES = [f"RFC {rfc}, {number}" for rfc, number, _ in ALL]
_VERB = re.compile(r"(?:The )?((?:UID )?[A-Z]{2,})(?: Command| Response|$)")
_CITATION = re.compile(r"RFC (\d{4}),? sections? ([0-9.]*[0-9])(?: and ([0-9.]*[0-9]))?")


def test_the_table_is_what_the_rows_make_it() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(), "run: python -m tests.imap_sections"


def test_every_section_has_its_row_and_every_row_its_section() -> None:
    assert list(sections()) == list(TITLES)
    for rfc, rows in sections().items():
        assert list(rows) == list(TITLES[rfc]), rfc


@pytest.mark.parametrize(("rfc", "number", "row"), ALL, ids=NAMES)
def test_a_row_is_met_by_code_and_tests_that_exist_or_says_why_it_is_not(
    rfc: str, number: str, row: Section
) -> None:
    assert row.about, (rfc, number)
    assert bool(row.code) == bool(row.tests)
    assert not (row.code and row.missing)
    assert [path for path in row.code if not (ROOT / path).is_file()] == []
    for test in map(Test.read, row.tests):
        assert test.name or test.path.endswith(".txt"), f"{test.path}: which of its tests?"
        assert test.text()


@pytest.mark.parametrize(("rfc", "number", "row"), ALL, ids=NAMES)
def test_what_is_said_of_a_command_or_a_response_is_tested_where_it_occurs(
    rfc: str, number: str, row: Section
) -> None:
    named = _VERB.fullmatch(TITLES[rfc][number])
    if named is None or not row.code:
        return
    occurs = re.compile(rf"\b{named[1]}\b", re.IGNORECASE)
    assert [test for test in row.tests if occurs.search(Test.read(test).text())], named[1]


def test_every_file_of_a_command_is_in_a_row() -> None:
    named = {path for *_, row in ALL for path in row.code}
    commands = {f"imap_server/commands/{path.name}" for path in (ROOT / "imap_server/commands").glob("*.py")}
    assert sorted(commands - named) == ["imap_server/commands/__init__.py"]


def test_every_dialogue_is_in_a_row() -> None:
    named = {Test.read(test).path for *_, row in ALL for test in row.tests}
    dialogues = {f"dialogues/{path.name}" for path in DIALOGUES}
    of_the_product = {name for name in dialogues if "product_" in name or "vvm3" in name}
    assert sorted(dialogues - named - of_the_product) == ["dialogues/lenient.txt"]


def test_every_capability_that_is_told_is_in_a_row() -> None:
    told = " ".join(row.about + TITLES[rfc][number] for rfc, number, row in ALL if row.code)
    assert [name for name in capabilities(table(STANDARD)) if name.decode() not in told] == []


def test_the_sections_that_the_code_cites_are_there() -> None:
    """A number that no table of contents has is a slip, or a section that has no row."""
    files = [*(ROOT / "imap_server").rglob("*.py"), *(ROOT / "vvm").rglob("*.py"), *DIALOGUES]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    cited = {
        (rfc, number)
        for rfc, *numbers in _CITATION.findall(text)
        for number in numbers
        if number and rfc in TITLES
    }
    assert cited
    lost = sorted(f"RFC {rfc} section {number}" for rfc, number in cited if not _has(rfc, number))
    assert lost == [], f"not in {CONTENTS.name}, so not in {ROWS.name} either"


def _has(rfc: str, number: str) -> bool:
    """The section itself, one in it, or the one that it is a part of."""
    return any(
        known == number or known.startswith(f"{number}.") or number.startswith(f"{known}.")
        for known in TITLES[rfc]
    )
