# SPDX-License-Identifier: Apache-2.0
"""Subscribers in files: NDJSON with a document a line, or CSV whose first line names the columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec

from vvm.domain.errors import Refusal
from vvm.domain.form import Fault, fault_of, nearest
from vvm.services.bulk import BadLine, SubscriberLine

COLUMNS = SubscriberLine.__struct_fields__
_NONE = "-"
"""In CSV, where an empty cell leaves a column out: no class, no alias."""


_SECRETS = frozenset({"pin"})
"""Columns whose values no report repeats."""
_SHOWN = 40
"""Characters of a value, at most."""


class UnreadableImport(Refusal):
    code = "unreadable_file"


def count_lines(file: Path) -> int:
    """Raises UnreadableImport."""
    try:
        with file.open("rb") as octets:
            return sum(1 for _ in octets)
    except OSError as error:
        raise UnreadableImport(f"{file} cannot be read: {error.strerror}") from None


def is_csv(file: Path) -> bool:
    return file.suffix.lower() == ".csv"


def read_lines(file: Path) -> Iterator[tuple[int, SubscriberLine | BadLine]]:
    """Each line with its number.  Raises UnreadableImport for a file that is none of both."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            yield from _csv(file, text) if is_csv(file) else _ndjson(text)
    except OSError as error:
        raise UnreadableImport(f"{file} cannot be read: {error.strerror}") from None


def _ndjson(text: TextIO) -> Iterator[tuple[int, SubscriberLine | BadLine]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=SubscriberLine)
        except msgspec.DecodeError as error:
            yield number, BadLine(number, str(fault_of(error, SubscriberLine)), _whose(line))


def _csv(file: Path, text: TextIO) -> Iterator[tuple[int, SubscriberLine | BadLine]]:
    rows = csv.DictReader(text, strict=True)
    try:
        if wrong := _wrong_columns(list(rows.fieldnames or ())):
            raise UnreadableImport(f"{file}, line 1: {wrong}")
        for row in rows:
            yield rows.line_num, _from_row(rows.line_num, row)
    except csv.Error as error:
        raise UnreadableImport(f"{file}, line {max(rows.line_num, 1)}: {error}") from None


def _wrong_columns(names: list[str]) -> str:
    """What is wrong with the first line of a CSV; "" for nothing."""
    if any(not name.isprintable() or "\ufffd" in name for name in names):
        return "that is no CSV in UTF-8"
    if len(names) == 1 and (other := next((sign for sign in ";\t|" if sign in names[0]), "")):
        return f"its columns are divided by {other!r}: save it with commas between them"
    for name in names:
        if name not in COLUMNS:
            return f"column {name!r} is unknown, {nearest(name, list(COLUMNS))}"
    return "" if "msisdn" in names else f"it must name the columns, msisdn and of {', '.join(COLUMNS[1:])}"


def _whose(line: str) -> str:
    """Whose line it is, where that can be read."""
    try:
        return msgspec.json.decode(line, type=_Whose).msisdn
    except msgspec.DecodeError:
        return ""


class _Whose(msgspec.Struct):
    msisdn: str = ""


def _from_row(number: int, row: dict[str | None, str | None]) -> SubscriberLine | BadLine:
    whose = row.get("msisdn") or ""
    if None in row:
        return BadLine(number, "more values than columns", whose)
    said: dict[str | None, object] = {name: value for name, value in row.items() if value}
    try:
        if "client" in said:
            said["client"] = msgspec.json.decode(str(said["client"]))
    except msgspec.DecodeError as error:
        return BadLine(number, f"client: {fault_of(error, object)}", whose)
    try:
        if "aliases" in said:
            said["aliases"] = [] if said["aliases"] == _NONE else str(said["aliases"]).split()
        if said.get("cos") == _NONE:
            said["cos"] = ""
        return msgspec.convert(said, SubscriberLine, strict=False)
    except msgspec.ValidationError as error:
        return BadLine(number, _quoted(fault_of(error, SubscriberLine), said), whose)


def _quoted(fault: Fault, said: dict[str | None, object]) -> str:
    """With the cell, of which the decoder only knows that it is a text."""
    cell = said.get(fault.where)
    if not isinstance(cell, str) or fault.where in _SECRETS:
        return str(fault)
    return f"{fault.where}: {fault.rule}, and not {cell[:_SHOWN]!r}"


class LineWriter:
    """Writes what ``read_lines`` reads."""

    def __init__(self, out: TextIO, *, as_csv: bool) -> None:
        self._out = out
        self._csv = csv.writer(out) if as_csv else None
        if self._csv is not None:
            self._csv.writerow(COLUMNS)

    def write(self, line: SubscriberLine) -> None:
        if self._csv is None:
            self._out.write(msgspec.json.encode(line).decode() + "\n")
            return
        said = msgspec.to_builtins(line)
        said |= {name: said[name] or _NONE for name in ("cos", "aliases") if name in said}
        self._csv.writerow([_cell(said.get(name)) for name in COLUMNS])


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict():
            return json.dumps(value)
        case list() | tuple():
            return " ".join(map(str, value))
        case _:
            return str(value)
