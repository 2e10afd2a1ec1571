# SPDX-License-Identifier: Apache-2.0
"""The kept inputs: a folder for each target, a file for each input, named by its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def inputs(target: str) -> list[Path]:
    return sorted((FOLDER / target).glob("*.bin"))


def keep(target: str, octets: bytes) -> Path:
    """Add an input; the same one is kept once."""
    path = FOLDER / target / f"{hashlib.sha256(octets).hexdigest()[:16]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path
