# SPDX-License-Identifier: Apache-2.0
"""The table of the OMTP checklist says what is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import conformance
from tests.conformance import DOCUMENT, ROOT, Proof, proofs, render, rows


def test_the_table_is_what_rows_and_tests_make_it() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render(), "run: python -m tests.conformance"


def test_every_row_of_the_checklist_is_in_the_table_once() -> None:
    ids = [line.split(" | ")[0].removeprefix("| ") for line in render().splitlines() if "-" in line[:9]]
    listed = [id_ for id_ in ids if id_ in rows()]
    assert listed == list(rows())
    assert len(listed) == 168


def test_no_test_carries_an_id_that_does_not_exist() -> None:
    assert sorted(proofs().keys() - rows().keys()) == []


def test_what_is_proved_has_code_and_all_code_exists() -> None:
    assert [id_ for id_ in proofs() if not rows()[id_].code] == []
    assert [row.code for row in rows().values() if row.code and not (ROOT / row.code).is_file()] == []


def test_a_comment_belongs_to_the_test_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = "# rows" + ":"
    (tmp_path / "test_x.py").write_text(
        f"{mark} A-01\n@wrapped\ndef test_a():\n    pass\n\n\n"
        f"{mark} A-02 A-03\nasync def test_b():\n    pass\n"
    )
    (tmp_path / "x.txt").write_text(f"# A dialogue.\n{mark} A-03\ngiven nothing\n")
    monkeypatch.setattr(conformance, "TESTS", tmp_path)
    monkeypatch.setattr(conformance, "ROOT", tmp_path)
    assert proofs() == {
        "A-01": [Proof("test_x.py", "test_a")],
        "A-02": [Proof("test_x.py", "test_b")],
        "A-03": [Proof("test_x.py", "test_b"), Proof("x.txt", "")],
    }
