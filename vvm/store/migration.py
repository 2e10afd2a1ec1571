# SPDX-License-Identifier: Apache-2.0
"""The steps of a schema, as every engine that has one numbers them.

``NNNN.pre.sql`` runs when the first program of a release starts, beside programs of the release
before: it adds, and takes nothing away that those need.  ``NNNN.post.sql`` runs when none of them
can come any more (``compatible`` has reached NNNN): it fills what they left empty, and removes what
only they used.
"""

from __future__ import annotations

import re
from enum import StrEnum
from importlib.resources import files

import msgspec

_STEP = re.compile(r"(\d{4})\.(pre|post)\.sql\Z")


class When(StrEnum):
    PRE = "pre"
    POST = "post"


class Migrated(msgspec.Struct, frozen=True):
    """Where a schema stands."""

    version: int
    """The last step that ran."""
    compatible: int
    """The oldest release, by its own version, that may use the store."""
    post: int
    """The last step after which a .post ran or would have run."""


def steps(
    package: str, when: When = When.PRE, *, after: int, upto: int | None = None
) -> list[tuple[int, str]]:
    """The scripts behind a schema version, up to another one, by number."""
    found = [(match, item) for item in files(package).iterdir() if (match := _STEP.match(item.name))]
    numbered = sorted(
        (int(match[1]), item.read_text(encoding="utf-8")) for match, item in found if match[2] == when
    )
    return [
        (number, text) for number, text in numbered if after < number and (upto is None or number <= upto)
    ]
