# SPDX-License-Identifier: Apache-2.0
"""What a command prints: one JSON document for programs, or a table for people."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 1000
_WORD = 24
"""Characters of a cell that is not broken: moments and numbers are shorter."""
_GAP = 2
"""Characters between two columns."""
_FRACTION = re.compile(r"\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+(?=Z\Z)")
"""Of a moment, whose second is enough for people."""
Row = Mapping[str, object]


def show_json(document: object) -> None:
    """``document`` is a struct or a sequence of them."""
    print(msgspec.json.encode(document).decode())  # noqa: T201 - this is the command's output


def show_row(row: Row) -> None:
    """One thing: a line for each of its fields."""
    table = Table(show_header=False, box=None)
    for name, value in row.items():
        table.add_row(Text(name, style="bold"), _text(value))
    _console().print(table)


def show_rows(columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Several things: a line each, in a terminal of any width.

    Where that is too narrow, columns without any value are left out; then the terminal breaks the lines, and
    no number, moment or heading is broken here.
    """
    console = _console()
    table = _table(columns, rows)
    if _least(table) > console.width:
        told = [column for column in columns if any(row[column] is not None for row in rows)]
        table = _table(told if rows else columns, rows)
    console.width = max(console.width, _least(table))
    console.print(table)


def _table(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(box=None, header_style="bold")
    cells = {column: [_text(row[column]) for row in rows] for column in columns}
    for column, texts in cells.items():
        longest = max((min(len(text), _WORD) for text in texts), default=0)
        least = max(longest, len(column))
        whole = all(len(text) <= least for text in texts)  # so that only the others give way
        table.add_column(column, overflow="fold", min_width=least, no_wrap=whole)
    for line in zip(*cells.values(), strict=True):
        table.add_row(*line)
    return table


def _least(table: Table) -> int:
    """How many characters wide a table is at least."""
    return sum((column.min_width or 0) + _GAP for column in table.columns)


def show_page(
    columns: Sequence[str],
    page: msgspec.Struct,
    *,
    json: bool,
    rows: Sequence[Row] = (),
    following: str = "more",
) -> None:
    """A page of a list: the API's document, or a table and how to see what follows.

    ``rows`` stand in the table where the things of the document are not its rows themselves.
    """
    if json:
        show_json(page)
        return
    things, *cursors = msgspec.structs.astuple(page)
    show_rows(columns, rows or msgspec.to_builtins(things))
    for cursor in filter(None, cursors):
        show_error(f"{following} with --cursor {cursor}")


def show_line(text: str) -> None:
    _console().print(Text(text), soft_wrap=True)


def show_error(text: str) -> None:
    """A line on stderr for each line of ``text``."""
    for line in text.splitlines():
        print(f"vvm: {line}", file=sys.stderr)  # noqa: T201 - this is the command's output


def with_smpp_status(row: Row) -> Row:
    """A row whose ``smpp_status`` is written as metrics and logs have it."""
    status = row["smpp_status"]
    return {**row, "smpp_status": f"{status:#010x}" if isinstance(status, int) else None}


def _console() -> Console:
    """As wide as the terminal; a pipe takes lines of any length and must get each row on one."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def _text(value: object) -> Text:
    match value:
        case None:
            return Text("-", style="dim")
        case bool():
            return Text("yes" if value else "no")
        case _:
            return Text(_FRACTION.sub(r"\1", str(value)))
