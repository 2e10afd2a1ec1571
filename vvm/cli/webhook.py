# SPDX-License-Identifier: Apache-2.0
"""``vvm webhook``: where events are posted to, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Limit
from vvm.cli.output import show_json, show_line, show_row, show_rows
from vvm.domain.event import EventKind, parse_kinds
from vvm.fronts.http.webhooks import dead_event, told, view

app = App(name="webhook")

_COLUMNS = ("id", "url", "kinds", "paused", "failures", "cursor", "created_at")
_DEAD = ("id", "msisdn", "kind", "at", "attempts", "error")
Id = Annotated[int, Parameter(help="The number that the list shows.")]
Kinds = Annotated[
    list[str] | None,
    Parameter(
        name="--kind",
        negative=(),
        help=f"Only events of this kind; may be repeated. All without. {', '.join(EventKind)}.",
    ),
]
Url = Annotated[str, Parameter(help="https:// and where; webhook.allow_http admits http:// too.")]


@app.command
async def add(
    url: Url,
    /,
    *,
    config: ConfigFile,
    kind: Kinds = None,
    after: Annotated[str | None, Parameter(help="Begin behind this cursor of the feed, not now.")] = None,
    json: AsJson = False,
) -> None:
    """Register an endpoint; prints its secret, once."""
    async with opened(config) as services:
        made = told(await services.webhooks.add(url, parse_kinds(kind or ()), cursor=after))
    _show(made, json=json)


@app.command(name="list")
async def page(*, config: ConfigFile, json: AsJson = False) -> None:
    """List the webhooks."""
    async with opened(config) as services:
        found = [view(webhook) for webhook in await services.webhooks.all()]
    if json:
        show_json(found)
    else:
        show_rows(_COLUMNS, [_row(one) for one in found])


@app.command(name="set")
async def change(
    number: Id,
    /,
    *,
    config: ConfigFile,
    url: Annotated[str | None, Parameter(help="A new URL.")] = None,
    kind: Kinds = None,
    paused: Annotated[bool | None, Parameter(help="Stop posting, or go on.")] = None,
    json: AsJson = False,
) -> None:
    """Change a webhook; it is tried again at once."""
    kinds = None if kind is None else parse_kinds(kind)
    async with opened(config) as services:
        changed = view(await services.webhooks.change(number, url=url, kinds=kinds, paused=paused))
    _show(changed, json=json)


@app.command
async def rotate(number: Id, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Replace the secret at once; prints the new one, once."""
    async with opened(config) as services:
        made = told(await services.webhooks.rotate(number))
    _show(made, json=json)


@app.command
async def replay(
    number: Id,
    /,
    *,
    config: ConfigFile,
    after: Annotated[str, Parameter(help='The cursor of the feed to begin behind; "" for the oldest kept.')],
    json: AsJson = False,
) -> None:
    """Deliver everything behind a cursor again, as far as it is kept."""
    async with opened(config) as services:
        replayed = view(await services.webhooks.replay(number, after))
    _show(replayed, json=json)


@app.command
async def remove(number: Id, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Remove a webhook and what waits for it."""
    async with opened(config) as services:
        await services.webhooks.remove(number)
    if json:
        show_json({"removed": number})
    else:
        show_line(f"{number} is removed")


@app.command
async def dead(
    number: Id,
    /,
    *,
    config: ConfigFile,
    after: Annotated[int, Parameter(help="Start behind this number.")] = 0,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List events that the endpoint refused, or did not take in time."""
    async with opened(config) as services:
        found = [dead_event(one) for one in await services.webhooks.dead(number, after=after, limit=limit)]
    if json:
        show_json(found)
    else:
        rows = [msgspec.to_builtins(one) for one in found]
        show_rows(_DEAD, [row | row["event"] | {"id": row["id"]} for row in rows])


@app.command
async def resend(
    number: Id,
    event: Annotated[int, Parameter(help="The number that `vvm webhook dead` shows.")],
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Try a dead event again."""
    async with opened(config) as services:
        await services.webhooks.revive(number, event)
    if json:
        show_json({"resent": event})
    else:
        show_line(f"{event} is tried again")


def _row(one: msgspec.Struct) -> dict[str, object]:
    fields: dict[str, object] = {"secret": None} | msgspec.structs.asdict(one)
    return fields | {"kinds": ", ".join(fields["kinds"]) or "all"}  # type: ignore[arg-type]  # a tuple of names


def _show(one: msgspec.Struct, *, json: bool) -> None:
    if json:
        show_json(one)
    else:
        show_row({name: value for name, value in _row(one).items() if name != "secret" or value})
