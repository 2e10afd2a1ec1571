# SPDX-License-Identifier: Apache-2.0
"""Files that a command writes: numbers and voices of subscribers are nobody else's business.

What is made is its owner's alone; a file that is there keeps its mode.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, TextIO


def private_file(file: Path) -> BinaryIO:
    """Written anew.  Raises OSError."""
    return open(file, "wb", opener=_private)


def private_text(file: Path) -> TextIO:
    """The same, in UTF-8 and with line ends as they are written."""
    return open(file, "w", encoding="utf-8", newline="", opener=_private)


def write_private(file: Path, octets: bytes) -> None:
    """Raises OSError."""
    with private_file(file) as out:
        out.write(octets)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
