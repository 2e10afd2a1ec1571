# SPDX-License-Identifier: Apache-2.0
"""``vvm webhook``: where events are posted to, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.etags import AsEtag, IfMatch, allowed
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Cursor, Kinds, Limit, OfNumber, event_kinds
from vvm.cli.output import show_json, show_line, show_page, show_row, show_rows
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.etags import webhook_tag
from vvm.fronts.http.webhooks import WebhookList, dead_page, terms, told, view

app = App(name="webhook")

_COLUMNS = ("id", "url", "kinds", "paused", "failures", "cursor", "created_at")
_DEAD = ("id", "msisdn", "kind", "at", "attempts", "error")
Id = Annotated[int, Parameter(name="WEBHOOK", help="The id that the list shows.")]
Url = Annotated[str, Parameter(help="https:// and where; webhook.allow_http admits http:// too.")]


@app.command
async def add(
    url: Url,
    /,
    *,
    config: ConfigFile,
    kinds: Kinds = None,
    cursor: Annotated[
        str | None, Parameter(show_default=False, help="Begin behind this cursor of the feed, not now.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Register an endpoint; prints its secret, once."""
    async with opened(config) as services:
        made = told(await services.webhooks.add(url, event_kinds(kinds), cursor=cursor))
    _show(made, json=json)


@app.command(name="list")
async def page(*, config: ConfigFile, json: AsJson = False) -> None:
    """List the webhooks."""
    async with opened(config) as services:
        found = [view(webhook) for webhook in await services.webhooks.all()]
    if json:
        show_json(WebhookList(tuple(found)))
    else:
        show_rows(_COLUMNS, [_row(one) for one in found])


@app.command
async def show(number: Id, /, *, config: ConfigFile, etag: AsEtag = False, json: AsJson = False) -> None:
    """Show what was set of a webhook; how far it is, the list shows."""
    async with opened(config) as services:
        webhook = await services.webhooks.show(number)
    if etag:
        show_line(webhook_tag(webhook))
    else:
        _show(terms(webhook), json=json)


@app.command(name="set")
async def change(
    number: Id,
    /,
    *,
    config: ConfigFile,
    url: Annotated[str | None, Parameter(help="A new URL.")] = None,
    kinds: Kinds = None,
    paused: Annotated[bool | None, Parameter(help="Stop posting, or go on.")] = None,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Change a webhook; it is tried again at once."""
    wanted = None if kinds is None else event_kinds(kinds)
    async with opened(config) as services:
        before = await services.webhooks.show(number)
        as_read = allowed(if_match, webhook_tag(before), before)
        changed = await services.webhooks.change(
            number, url=url, kinds=wanted, paused=paused, as_read=as_read
        )
    _show(view(changed), json=json)


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
    cursor: Annotated[str, Parameter(help='The cursor of the feed to begin behind; "" for the oldest kept.')],
    json: AsJson = False,
) -> None:
    """Deliver everything behind a cursor again, as far as it is kept."""
    async with opened(config) as services:
        replayed = view(await services.webhooks.replay(number, cursor))
    _show(replayed, json=json)


@app.command
async def remove(
    number: Id, /, *, config: ConfigFile, if_match: IfMatch = None, json: AsJson = False
) -> None:
    """Remove a webhook and what waits for it."""
    async with opened(config) as services:
        before = await services.webhooks.show(number)
        await services.webhooks.remove(number, as_read=allowed(if_match, webhook_tag(before), before))
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
    msisdn: OfNumber = None,
    kinds: Kinds = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List events that the endpoint refused, or did not take in time."""
    wanted, of = event_kinds(kinds), parse_msisdn(msisdn) if msisdn else None
    async with opened(config) as services:
        found = dead_page(
            await services.webhooks.dead(number, kinds=wanted, msisdn=of, cursor=cursor, limit=limit)
        )
    rows = [msgspec.to_builtins(one) for one in found.events]
    show_page(_DEAD, found, json=json, rows=[row | row["event"] | {"id": row["id"]} for row in rows])


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
    fields: dict[str, object] = {"secret": None} | msgspec.to_builtins(one)
    return fields | {"kinds": ", ".join(fields["kinds"]) or "all"}  # type: ignore[arg-type]  # a list of names


def _show(one: msgspec.Struct, *, json: bool) -> None:
    if json:
        show_json(one)
    else:
        show_row({name: value for name, value in _row(one).items() if name != "secret" or value})
