# SPDX-License-Identifier: Apache-2.0
"""The steps of a schema, as every engine that has one numbers them."""

from __future__ import annotations

import re
from importlib.resources import files

_STEP = re.compile(r"(\d{4})\.pre\.sql\Z")


def steps(package: str, *, after: int) -> list[tuple[int, str]]:
    """The scripts behind a schema version, by number."""
    found = [(match, item) for item in files(package).iterdir() if (match := _STEP.match(item.name))]
    numbered = sorted((int(match[1]), item.read_text(encoding="utf-8")) for match, item in found)
    return [(number, text) for number, text in numbered if number > after]
