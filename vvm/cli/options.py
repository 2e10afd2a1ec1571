# SPDX-License-Identifier: Apache-2.0
"""The options that commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vvm.domain.event import EventKind, parse_kinds
from vvm.fronts.http.fields import REASON_LENGTH
from vvm.fronts.http.request import parse_moment
from vvm.services.paging import PAGE_LIMIT

ConfigFile = Annotated[
    Path,
    Parameter(
        name="--config", env_var="VVM_CONFIG", help="Configuration, a TOML file: docs/configuration.md."
    ),
]
AsJson = Annotated[
    bool, Parameter(name="--json", negative=(), show_default=False, help="Print JSON instead of a table.")
]
Number = Annotated[str, Parameter(help="The subscriber's number: E.164 with its plus sign.")]


def _short_enough(type_: object, reason: str) -> None:
    """Raises ValueError."""
    del type_
    if len(reason) > REASON_LENGTH:
        raise ValueError(f"at most {REASON_LENGTH} characters")


Reason = Annotated[str, Parameter(validator=_short_enough, help="Why, for the audit.")]
Limit = Annotated[int, Parameter(help=f"The most that is shown, 1 to {PAGE_LIMIT}.")]
Cursor = Annotated[
    str | None,
    Parameter(show_default=False, help="Go on with the next page: what an earlier page gave as its next."),
]
Since = Annotated[
    str | None,
    Parameter(show_default=False, help="Only from then on: RFC 3339, for example 2026-11-23T08:00:00Z."),
]
Until = Annotated[str | None, Parameter(show_default=False, help="Only before then: RFC 3339.")]
OfNumber = Annotated[
    str | None,
    Parameter(show_default=False, help="Only of this subscriber: E.164 with its plus sign."),
]
Kinds = Annotated[
    list[str] | None,
    Parameter(
        negative=(),
        show_default=False,
        help=f"Only events of these kinds, with commas between them. {', '.join(EventKind)}.",
    ),
]
Folder = Annotated[str, Parameter(help="The folder that it is in.")]


def moment(text: str | None, option: str) -> datetime | None:
    """What an option says of time.  Raises BadRequest."""
    return None if text is None else parse_moment(text, option)


def event_kinds(given: list[str] | None) -> tuple[EventKind, ...]:
    """Those that an option names, once or several times.  Raises UnknownKind."""
    return parse_kinds(name for words in given or () for name in words.split(",") if name)
