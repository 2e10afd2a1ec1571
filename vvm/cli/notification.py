# SPDX-License-Identifier: Apache-2.0
"""``vvm notification``: SMS that never reached a phone, and another try for them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, CycloptsError, Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Cursor, Limit, OfNumber, Reason, Since, moment
from vvm.cli.output import show_json, show_line, show_page, with_smpp_status
from vvm.domain.notification import Cause
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.notifications import DeadLetterPage
from vvm.services.resending import Kind

app = App(name="notification")

_COLUMNS = ("id", "recipient", "cause", "state", "smpp_status", "attempts", "owed_at", "settled_at")


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    msisdn: OfNumber = None,
    cause: Annotated[
        Cause | None, Parameter(show_default=False, help="Only what was owed because of this.")
    ] = None,
    since: Since = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List dead letters: notifications that were refused for good or that expired."""
    to, given_up = parse_msisdn(msisdn) if msisdn else None, moment(since, "--since")
    async with opened(config) as services:
        found = await services.dead_letters.page(
            msisdn=to, cause=cause, since=given_up, cursor=cursor, limit=limit
        )
    rows = list(map(with_smpp_status, msgspec.to_builtins(found.items)))
    show_page(_COLUMNS, DeadLetterPage(found.items, found.next), json=json, rows=rows)


@app.command
async def resend(
    which: Annotated[str, Parameter(help="The id of a dead letter, or a subscriber's number with --kind.")],
    /,
    *,
    config: ConfigFile,
    kind: Annotated[
        Kind | None,
        Parameter(help="What a subscriber's phone is told: SYNC, STATUS, the lamp, a plain text."),
    ] = None,
    reason: Reason = "",
    json: AsJson = False,
) -> None:
    """Have a phone told once more; the text is made anew when it is sent."""
    if (kind is None) != which.isdigit():
        raise CycloptsError(msg="name the id of a dead letter, or a subscriber's number and --kind")
    if kind is None and reason:
        raise CycloptsError(msg="--reason goes with --kind: of a dead letter the audit has the cause")
    async with opened(config) as services:
        if kind is None:
            await services.dead_letters.resend(int(which))
        else:
            await services.resending(parse_msisdn(which), kind, reason=reason)
    if json:
        show_json({"resent": int(which)} if kind is None else {"msisdn": which, "kind": kind})
    else:
        show_line(f"{which} is owed again" if kind is None else f"{which} is told again: {kind}")
