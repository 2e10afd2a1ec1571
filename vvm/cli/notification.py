# SPDX-License-Identifier: Apache-2.0
"""``vvm notification``: SMS that never reached a phone, and another try for them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Limit
from vvm.cli.output import show_json, show_line, show_rows

app = App(name="notification")

_COLUMNS = ("id", "recipient", "cause", "state", "smpp_status", "attempts", "owed_at", "settled_at")


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    after: Annotated[int, Parameter(help="Start behind this number.")] = 0,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List dead letters: notifications that were refused for good or that expired."""
    async with opened(config) as services:
        records = await services.dead_letters.page(after=after, limit=limit)
    if json:
        show_json(records)
    else:
        show_rows(_COLUMNS, [msgspec.to_builtins(record) for record in records])


@app.command
async def resend(
    number: Annotated[int, Parameter(help="The number that the list shows.")],
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Owe a dead letter again; its text is made anew when it is sent."""
    async with opened(config) as services:
        await services.dead_letters.resend(number)
    if json:
        show_json({"resent": number})
    else:
        show_line(f"{number} is owed again")
