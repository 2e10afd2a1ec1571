# SPDX-License-Identifier: Apache-2.0
"""What a command prints: one JSON document for programs, or a table for people."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 1000
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
    """Several things: a line each."""
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_text(row[column]) for column in columns))
    _console().print(table)


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
            return Text(str(value))
