# SPDX-License-Identifier: Apache-2.0
"""``vvm audit``: who did what to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Cursor, Limit, OfNumber, Since, Until, moment
from vvm.cli.output import show_page
from vvm.domain.numbers import parse_msisdn
from vvm.domain.provisioning import Trigger
from vvm.fronts.http.audit import page_view
from vvm.store.port import AuditFilter

app = App(name="audit")

_COLUMNS = ("at", "msisdn", "actor", "trigger", "before", "after", "reason")

Actor = Annotated[
    str | None,
    Parameter(
        show_default=False,
        help="Only what this one did: api: and the name of a token, cli: and a user of the machine;"
        ' "" for handsets and what the service does by itself.',
    ),
]
TriggerOption = Annotated[
    Trigger | None, Parameter(name="--trigger", show_default=False, help="Only transitions of this cause.")
]


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    msisdn: OfNumber = None,
    actor: Actor = None,
    trigger: TriggerOption = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List the transitions of all subscribers, the newest first, with who caused them."""
    wanted = AuditFilter(
        msisdn=parse_msisdn(msisdn) if msisdn else None,
        actor=actor,
        trigger=trigger,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
    )
    await show_audit(config, wanted, cursor=cursor, limit=limit, json=json)


async def show_audit(
    config: Path, wanted: AuditFilter, *, cursor: str | None, limit: int, json: bool
) -> None:
    async with opened(config) as services:
        found = page_view(await services.lists.audit(wanted, cursor=cursor, limit=limit))
    show_page(_COLUMNS, found, json=json)
