# SPDX-License-Identifier: Apache-2.0
"""``vvm event``: the feed of what happened."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from signal import SIGINT, SIGTERM
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

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
from vvm.cli.output import Row, show_json, show_line, show_page
from vvm.domain.event import Event
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.events import page_view

app = App(name="event")

_LOOK_SECONDS = 0.5
"""How soon a follower hears of an event."""
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
    rows = list(map(_row, found))
    following = "more" if len(found) == limit else "what comes later"
    show_page(_COLUMNS, page_view(found, after), json=json, rows=rows, following=following)


@app.command
async def follow(
    *,
    config: ConfigFile,
    msisdn: OfNumber = None,
    kinds: Kinds = None,
    cursor: Annotated[
        str | None,
        Parameter(show_default=False, help='Begin behind this one, "" for the oldest that is kept, not now.'),
    ] = None,
    json: AsJson = False,
) -> None:
    """Print events as they come, until Ctrl-C; with --json a document a line, whose cursor goes on later."""
    wanted, number = event_kinds(kinds), parse_msisdn(msisdn) if msisdn else None
    stopping = asyncio.Event()
    for signal in (SIGINT, SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal, stopping.set)
    async with opened(config) as services:
        after = await services.feed.newest() if cursor is None else cursor
        reached = cursor is None
        while not stopping.is_set():
            found = await services.feed.page(after, kinds=wanted, msisdn=number, reached=reached)
            reached = True
            for event in found:
                after = event.cursor
                if json:
                    show_json(event)
                else:
                    row = _row(event)
                    show_line(" ".join(str(row[column]) for column in _COLUMNS))
            sys.stdout.flush()
            if not found:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await stopping.wait()


def _row(event: Event) -> Row:
    fields: dict[str, object] = msgspec.to_builtins(event)
    said = {name: value for name, value in fields.items() if name not in _COLUMNS}
    return fields | {"detail": " ".join(f"{name}={_word(value)}" for name, value in said.items())}


def _word(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value
