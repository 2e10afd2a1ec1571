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
from vvm.services.bulk import BadLine, SubscriberLine

COLUMNS = SubscriberLine.__struct_fields__
_NONE = "-"
"""In CSV, where an empty cell leaves a column out: no class, no alias."""


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
        with file.open(encoding="utf-8", errors="replace", newline="") as text:
            yield from _csv(file, text) if is_csv(file) else _ndjson(text)
    except OSError as error:
        raise UnreadableImport(f"{file} cannot be read: {error.strerror}") from None


def _ndjson(text: TextIO) -> Iterator[tuple[int, SubscriberLine | BadLine]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=SubscriberLine)
        except msgspec.DecodeError as error:  # its text names the field and quotes no value
            yield number, BadLine(number, str(error))


def _csv(file: Path, text: TextIO) -> Iterator[tuple[int, SubscriberLine | BadLine]]:
    rows = csv.DictReader(text, strict=True)
    try:
        unknown = sorted(set(rows.fieldnames or ()).difference(COLUMNS))
        if unknown or "msisdn" not in (rows.fieldnames or ()):
            raise UnreadableImport(f"the first line of {file} must name columns, of {', '.join(COLUMNS)}")
        for row in rows:
            yield rows.line_num, _from_row(rows.line_num, row)
    except csv.Error as error:
        raise UnreadableImport(f"{file}, line {rows.line_num}: {error}") from None


def _from_row(number: int, row: dict[str | None, str | None]) -> SubscriberLine | BadLine:
    if None in row:
        return BadLine(number, "more values than columns")
    said: dict[str | None, object] = {name: value for name, value in row.items() if value}
    try:
        if "client" in said:
            said["client"] = msgspec.json.decode(str(said["client"]))
        if "aliases" in said:
            said["aliases"] = [] if said["aliases"] == _NONE else str(said["aliases"]).split()
        if said.get("cos") == _NONE:
            said["cos"] = ""
        return msgspec.convert(said, SubscriberLine, strict=False)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return BadLine(number, str(error))


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
