# SPDX-License-Identifier: Apache-2.0
"""docs/sms.md names a test for each fault of an SMSC, and each peer that a loop ran at: they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.peers.kannel.test_program import LOOPS as AT_KANNEL
from tests.peers.smsc.test_program import LOOPS as AT_SMSCS

_ROW = re.compile(
    r"^\| (?P<fault>[^|]+) \| `(?P<file>tests/[\w/]+\.py)` \| `(?P<test>test_\w+)` \|(?P<case>[^|]*)\|$", re.M
)
_TEXT = Path("docs/sms.md").read_text(encoding="utf-8")
ROWS = [match.groupdict() for match in _ROW.finditer(_TEXT)]


def names_in(file: str) -> set[str]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["fault"])
def test_the_test_of_a_fault_exists(row: dict[str, str]) -> None:
    assert row["test"] in names_in(row["file"])
    if case := row["case"].strip(" `"):
        assert f'id="{case}"' in Path(row["file"]).read_text(encoding="utf-8")


def test_no_fault_of_the_list_is_without_a_row() -> None:
    begin = _TEXT.index("## What an SMSC may do wrong")
    table = [line for line in _TEXT[begin:].splitlines() if line.startswith("| ")][1:]
    assert len(table) == len(ROWS) >= 20


@pytest.mark.parametrize(
    ("heading", "loops"), [("node-smpp, smpp.twisted3", AT_SMSCS), ("Kannel", AT_KANNEL)]
)
def test_the_table_of_loops_is_what_runs(heading: str, loops: tuple[object, ...]) -> None:
    (cells,) = re.findall(rf"^\| {heading} \| (.+) \|$", _TEXT, re.MULTILINE)
    assert cells == ", ".join(map(str, loops))
