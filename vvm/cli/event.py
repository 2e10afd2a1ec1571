# SPDX-License-Identifier: Apache-2.0
"""``vvm event``: the feed of what happened."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Limit
from vvm.cli.output import show_json, show_rows
from vvm.domain.event import EventKind, parse_kinds
from vvm.domain.numbers import parse_msisdn

app = App(name="event")

_COLUMNS = ("cursor", "at", "msisdn", "kind", "detail")


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    after: Annotated[str, Parameter(help='Begin behind this cursor; "" with the oldest kept.')] = "",
    number: Annotated[
        str | None, Parameter(help="Only of this subscriber: E.164 with its plus sign.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        Parameter(negative=(), help=f"Only of this kind; may be repeated. {', '.join(EventKind)}."),
    ] = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List events, oldest first."""
    kinds = parse_kinds(kind or ())
    msisdn = parse_msisdn(number) if number else None
    async with opened(config) as services:
        found = await services.feed.page(after, limit=limit, kinds=kinds, msisdn=msisdn)
    if json:
        show_json(found)
        return
    rows = []
    for event in found:
        fields = msgspec.to_builtins(event)
        said = {name: value for name, value in fields.items() if name not in _COLUMNS}
        detail = " ".join(f"{name}={_word(value)}" for name, value in said.items())
        rows.append(fields | {"detail": detail})
    show_rows(_COLUMNS, rows)


def _word(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value
