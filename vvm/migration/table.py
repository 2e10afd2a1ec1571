# SPDX-License-Identifier: Apache-2.0
"""A CSV table of recordings, for whatever else held them: one line a message, its audio in a file."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from vvm.domain.errors import InvalidNumber
from vvm.domain.message import Flags
from vvm.domain.numbers import Msisdn, parse_msisdn
from vvm.migration.source import Item, Origin, Read, Recorded, SourceFault

COLUMNS = ("msisdn", "file", "received_at", "caller", "heard", "urgent", "key")
_NEEDED = frozenset({"msisdn", "file", "received_at"})
_YES, _NO = frozenset({"1", "yes", "true"}), frozenset({"", "0", "no", "false"})


class CsvTable:
    """vvm.migration.source.Source."""

    def __init__(self, file: Path) -> None:
        """The first line names the columns; ``file`` is relative to the table.  Raises SourceFault."""
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                rows = csv.DictReader(lines)
                names = set(rows.fieldnames or ())
                self._rows = [(rows.line_num, row) for row in rows]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise SourceFault(f"{file}: {error}") from None
        if not _NEEDED <= names <= set(COLUMNS):
            raise SourceFault(f"{file}: the first line names msisdn, file, received_at, and of {COLUMNS}")
        self._file = file

    async def origins(self) -> AsyncIterator[Origin]:
        """A subscriber each, and last what belongs to nobody."""
        items: dict[Msisdn, list[Item]] = {}
        problems: list[str] = []
        for line, row in self._rows:
            try:
                msisdn, item = await asyncio.to_thread(self._item, row)
            except SourceFault as fault:
                problems.append(f"line {line}: {fault}")
            else:
                items.setdefault(msisdn, []).append(item)
        for msisdn, found in items.items():
            yield Origin(name=msisdn, msisdn=msisdn, items=sorted(found, key=lambda item: item.received_at))
        if problems:
            yield Origin(name=str(self._file), msisdn=None, problems=problems)

    async def read(self, origin: Origin, item: Item) -> Read:
        del origin
        try:
            audio = await asyncio.to_thread(Path(item.place).read_bytes)
        except OSError as error:
            raise SourceFault(f"{item.place}: {error.strerror}") from None
        return Read(audio, item.caller, item.received_at)

    async def greeting(self, origin: Origin, recorded: Recorded) -> bytes:
        raise SourceFault(f"a table holds no greetings: {origin.name} {recorded.place}")

    def _item(self, row: dict[str, str]) -> tuple[Msisdn, Item]:
        msisdn, received_at = _number(row["msisdn"] or ""), _moment(row["received_at"] or "")
        audio = self._file.parent / (row["file"] or "")
        if not audio.is_file():
            raise SourceFault(f"{row['file']} is not there")
        flags = Flags.SEEN if _says(row, "heard") else Flags(0)
        if _says(row, "urgent"):
            flags |= Flags.FLAGGED
        key = (row.get("key") or "").strip() or f"{row['file']}@{received_at.isoformat()}"
        item = Item(
            key=f"table/{key}",
            place=str(audio),
            received_at=received_at,
            flags=flags,
            caller=(row.get("caller") or "").strip() or None,
            size=audio.stat().st_size,
        )
        return msisdn, item


def _number(text: str) -> Msisdn:
    try:
        return parse_msisdn(text.strip())
    except InvalidNumber as bad:
        raise SourceFault(str(bad)) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SourceFault("received_at must be like 2026-11-23T08:00:00Z, with an offset")
    return moment


def _says(row: dict[str, str], column: str) -> bool:
    """Raises SourceFault."""
    said = (row.get(column) or "").strip().lower()
    if said not in _YES | _NO:
        raise SourceFault(f"{column} must be yes or no, true or false, 1 or 0")
    return said in _YES
