# SPDX-License-Identifier: Apache-2.0
"""Whose mailbox is "1001"?  Said by a file, or by a name that is a number in itself."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from vvm.domain.errors import InvalidNumber
from vvm.domain.numbers import Msisdn, international, parse_msisdn
from vvm.migration.source import SourceFault


class Numbers:
    """A mailbox that the file does not name, and whose name is no international number, is nobody's."""

    def __init__(self, named: Mapping[str, Msisdn]) -> None:
        self._named = named

    def of(self, mailbox: str) -> Msisdn | None:
        if mailbox in self._named:
            return self._named[mailbox]
        try:
            return international(mailbox.partition("@")[0])
        except InvalidNumber:
            return None

    @property
    def mailboxes(self) -> list[str]:
        """Those that the file names, in its order."""
        return list(self._named)


def read_numbers(file: Path | None) -> Numbers:
    """CSV without a head: mailbox, number (E.164 with its plus sign).  Raises SourceFault."""
    named: dict[str, Msisdn] = {}
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceFault(f"{file}: {error}") from None
        for number, row in enumerate(csv.reader(lines), start=1):
            if row:
                named[row[0].strip()] = _number(file, number, row)
    return Numbers(named)


def _number(file: Path, line: int, row: list[str]) -> Msisdn:
    try:
        return parse_msisdn(row[1].strip())
    except (IndexError, InvalidNumber):
        raise SourceFault(f"{file}:{line}: a mailbox, a comma, and a number with its plus sign") from None
