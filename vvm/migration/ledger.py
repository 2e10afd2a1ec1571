# SPDX-License-Identifier: Apache-2.0
"""What was taken in, a line each, so that a run that broke off goes on where it was, and can be verified.

Its loss costs time and no message: a deposit that is made again under its key adds nothing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

import msgspec

from vvm.domain.numbers import Msisdn
from vvm.migration.source import SourceFault


class Taken(msgspec.Struct, frozen=True):
    key: str
    msisdn: Msisdn
    uid: int
    seconds: int
    source: str
    """SHA-256 of the audio as it was read."""
    stored: str
    """SHA-256 of the message as clients fetch it."""


class Ledger:
    def __init__(self, file: Path) -> None:
        """Raises SourceFault when the file is there and is no ledger."""
        self._file = file
        self.taken: dict[str, Taken] = {}
        for number, line in enumerate(_lines(file), start=1):
            try:
                taken = msgspec.json.decode(line, type=Taken)
            except msgspec.DecodeError:
                if line.endswith(b"\n"):
                    raise SourceFault(f"{file}:{number}: not a line of a ledger") from None
                break  # the last line of a run that was killed
            self.taken[taken.key] = taken

    def __enter__(self) -> Self:
        whole = b"".join(msgspec.json.encode(taken) + b"\n" for taken in self.taken.values())
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(self._file.name + ".new")
        draft.write_bytes(whole)
        draft.replace(self._file)
        self._out = self._file.open("ab", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def add(self, taken: Taken) -> None:
        self._out.write(msgspec.json.encode(taken) + b"\n")
        self.taken[taken.key] = taken


def checksum(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
