# SPDX-License-Identifier: Apache-2.0
"""``docs/spec/omtp.md``: each row of the OMTP checklist, its code and the tests that prove it.

``python -m tests.conformance`` writes it; a test compares.  The rows stand in
``docs/spec/omtp-rows.toml``; a test proves a row by a comment ``# rows: PIN-01 PIN-02`` above it, a
dialogue by the same comment anywhere in its file.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "docs/spec/omtp-rows.toml"
DOCUMENT = ROOT / "docs/spec/omtp.md"
TESTS = ROOT / "tests"

_COMMENT = re.compile(r"^ *# rows: (?P<ids>.*)$", re.MULTILINE)
_INTRO = """\
# OMTP: row, code, test

The checklist of the OMTP visual voicemail interface and its dialects, and where this project stands.
Made by `python -m tests.conformance` from [omtp-rows.toml](omtp-rows.toml) and from the comments
`# rows: …` in the tests; `tests/unit/test_conformance.py` keeps it true.

*proved*: a test carries the row's id. *absent*: none does, whatever the code may do. Level M is needed
by a handset in the field or by the specification, R is recommended, S matters to strict clients only.
"""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one row asks for, in our own words."""

    level: Literal["M", "R", "S"]
    asks: str
    code: str
    """The file that does it, from the root; empty where none does."""


class Proof(msgspec.Struct, frozen=True, order=True):
    """A test, or a dialogue, that says it proves a row."""

    file: str
    test: str
    """Empty for a dialogue."""

    def __str__(self) -> str:
        name = self.file.removeprefix("tests/").removesuffix(".py")
        return f"`{name}::{self.test}`" if self.test else f"`{name}`"


def rows() -> dict[str, Row]:
    """Every row by its id, in the order of the file."""
    groups = msgspec.convert(tomllib.loads(ROWS.read_text()), dict[str, dict[str, Row]])
    return {f"{group}-{number}": row for group, found in groups.items() for number, row in found.items()}


def proofs() -> dict[str, list[Proof]]:
    """The proofs of each id that a test carries, known or not."""
    found: dict[str, set[Proof]] = {}
    for path in sorted(TESTS.rglob("*")):
        if path.suffix in {".py", ".txt"} and path != Path(__file__):
            for id_, proof in _carried(path):
                found.setdefault(id_, set()).add(proof)
    return {id_: sorted(group) for id_, group in found.items()}


def _carried(path: Path) -> Iterator[tuple[str, Proof]]:
    text = path.read_text(encoding="utf-8")
    comments = list(_COMMENT.finditer(text))
    if not comments:
        return
    name = str(path.relative_to(ROOT))
    tests = _tests(text) if path.suffix == ".py" else []
    for comment in comments:
        line = text.count("\n", 0, comment.start()) + 1
        test = next((test for last, test in tests if last > line), "")
        for id_ in comment["ids"].split():
            yield id_, Proof(name, test)


def _tests(text: str) -> list[tuple[int, str]]:
    """Last line of each test's head, and its name: a comment above belongs to the next one."""
    return sorted(
        (node.body[0].lineno, node.name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def render() -> str:
    """The document."""
    known, proved = rows(), proofs()
    lines = [_INTRO, _summary(known, proved), ""]
    group = ""
    for id_, row in known.items():
        if id_.partition("-")[0] != group:
            group = id_.partition("-")[0]
            lines += [
                f"## {group}",
                "",
                "| row | level | asks for | status | code | tests |",
                "|---|---|---|---|---|---|",
            ]
        found = proved.get(id_, [])
        status = "proved" if found else "absent"
        code = f"`{row.code}`" if row.code else ""
        tests = "<br>".join(map(str, found))
        lines.append(f"| {id_} | {row.level} | {row.asks} | {status} | {code} | {tests} |")
        if id_ == _last(known, group):
            lines.append("")
    return "\n".join(lines)


def _summary(known: dict[str, Row], proved: dict[str, list[Proof]]) -> str:
    counts = []
    for level in ("M", "R", "S"):
        of_level = [id_ for id_, row in known.items() if row.level == level]
        counts.append(f"{sum(id_ in proved for id_ in of_level)} of {len(of_level)} rows {level}")
    return f"Proved: {', '.join(counts)}."


def _last(known: dict[str, Row], group: str) -> str:
    return [id_ for id_ in known if id_.startswith(f"{group}-")][-1]


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
