# SPDX-License-Identifier: Apache-2.0
"""``--etag`` and ``--if-match``: a change of what was read, and of nothing that somebody changed since."""

from __future__ import annotations

from typing import Annotated, TypeVar

from cyclopts import Parameter

from vvm.fronts.http.etags import Conditions

T = TypeVar("T")

AsEtag = Annotated[
    bool, Parameter(name="--etag", negative=(), show_default=False, help="Print its ETag alone.")
]
IfMatch = Annotated[
    str | None, Parameter(help="Only while it has this ETag, as show --etag prints it and the API sends it.")
]


def allowed(if_match: str | None, tag: str, version: T) -> T | None:
    """As ``Conditions.allow``, of a tag that a shell may have taken the quotes from."""
    if if_match is None:
        return None
    given = if_match if if_match.endswith('"') or if_match == "*" else f'"{if_match}"'
    return Conditions(match=(given,)).allow(tag, version)
