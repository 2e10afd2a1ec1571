# SPDX-License-Identifier: Apache-2.0
"""``vvm event``: the feed of what happened."""

from __future__ import annotations

import msgspec
from cyclopts import App

from vvm.cli.opening import opened
from vvm.cli.options import (
    AsJson,
    ConfigFile,
    Cursor,
    Kinds,
    Limit,
    OfNumber,
    Since,
    Until,
    event_kinds,
    moment,
)
from vvm.cli.output import show_page
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.events import page_view

app = App(name="event")

_COLUMNS = ("cursor", "at", "msisdn", "kind", "detail")


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    msisdn: OfNumber = None,
    kinds: Kinds = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List events, oldest first, from the oldest that is kept on."""
    wanted, number, after = event_kinds(kinds), parse_msisdn(msisdn) if msisdn else None, cursor or ""
    first, last = moment(since, "--since"), moment(until, "--until")
    async with opened(config) as services:
        found = await services.feed.page(
            after, limit=limit, kinds=wanted, msisdn=number, since=first, until=last
        )
    rows = []
    for event in found:
        fields = msgspec.to_builtins(event)
        said = {name: value for name, value in fields.items() if name not in _COLUMNS}
        detail = " ".join(f"{name}={_word(value)}" for name, value in said.items())
        rows.append(fields | {"detail": detail})
    following = "more" if len(found) == limit else "what comes later"
    show_page(_COLUMNS, page_view(found, after), json=json, rows=rows, following=following)


def _word(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value
