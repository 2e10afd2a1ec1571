# SPDX-License-Identifier: Apache-2.0
"""Secrets that stand in files of their own, so that the configuration itself may be shown to anybody."""

from __future__ import annotations

from pathlib import Path

from vvm.domain.secrets import Secret

MAX_SECRET_BYTES = 4096


def read_secret(path: Path) -> Secret:
    """The one line of a file.  Raises OSError, and ValueError when it holds anything else."""
    with path.open("rb") as file:
        octets = file.read(MAX_SECRET_BYTES + 1)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise ValueError("a file of UTF-8 text") from None
    lines = text.splitlines()
    if len(octets) > MAX_SECRET_BYTES or len(lines) != 1 or not lines[0]:
        raise ValueError("a file with the secret as its only line")
    return Secret(lines[0])
