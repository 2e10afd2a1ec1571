# SPDX-License-Identifier: Apache-2.0
"""``vvm cos``: classes of service by hand.  Prints the documents of the API."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.etags import AsEtag, IfMatch, allowed
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Cursor, Limit
from vvm.cli.output import show_json, show_line, show_page, show_row
from vvm.domain.cos import NAME_RULE, Cos, Limits
from vvm.domain.subscriber import Fallback
from vvm.fronts.http.cos import cos_view, page_view
from vvm.fronts.http.etags import cos_tag

app = App(name="cos")

Name = Annotated[str, Parameter(help=f"Its name: {NAME_RULE}.")]
Messages = Annotated[int | None, Parameter(help="How many messages a mailbox holds.")]
Seconds = Annotated[int | None, Parameter(help="How many seconds of messages it holds together.")]
Octets = Annotated[int | None, Parameter(help="How many octets it holds together, as IMAP counts them.")]
MessageSeconds = Annotated[
    int | None, Parameter(help="The longest message in seconds; a longer one is refused.")
]
GreetingSeconds = Annotated[int | None, Parameter(help="The longest greeting in seconds.")]
WarnPercent = Annotated[
    int | None,
    Parameter(help="How many percent of its nearest limit are used when its subscriber is warned by SMS."),
]
MessageDays = Annotated[int | None, Parameter(help="How many days old a message gets before it expires.")]
HeardDays = Annotated[int | None, Parameter(help="The same of a message that was heard.")]
NoticeDays = Annotated[
    int | None, Parameter(help="How many days before messages expire the subscriber is told by SMS.")
]
DeletedDays = Annotated[int | None, Parameter(help="For how many days a deleted message can be restored.")]
FallbackOption = Annotated[
    Fallback | None, Parameter(help="What goes out in place of SYNC while no client is active.")
]
PinMin = Annotated[int | None, Parameter(help="The fewest digits of a new PIN.")]
PinMax = Annotated[int | None, Parameter(help="The most digits of a new PIN.")]


@app.command
async def put(
    name: Name,
    /,
    *,
    config: ConfigFile,
    max_messages: Messages = None,
    max_seconds: Seconds = None,
    max_octets: Octets = None,
    max_message_seconds: MessageSeconds = None,
    greeting_seconds: GreetingSeconds = None,
    warn_percent: WarnPercent = None,
    message_days: MessageDays = None,
    heard_days: HeardDays = None,
    expiry_notice_days: NoticeDays = None,
    deleted_days: DeletedDays = None,
    fallback: FallbackOption = None,
    pin_min_digits: PinMin = None,
    pin_max_digits: PinMax = None,
    new: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Only add: refused where there is one.")
    ] = False,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Add a class, or replace the whole of what it says; it holds at once for all who refer to it."""
    limits = Limits(
        max_messages=max_messages,
        max_seconds=max_seconds,
        max_octets=max_octets,
        max_message_seconds=max_message_seconds,
        greeting_seconds=greeting_seconds,
        warn_percent=warn_percent,
        message_days=message_days,
        heard_days=heard_days,
        expiry_notice_days=expiry_notice_days,
        deleted_days=deleted_days,
        fallback=fallback,
        pin_min_digits=pin_min_digits,
        pin_max_digits=pin_max_digits,
    )
    async with opened(config) as services:
        before = await services.classes.find(name)
        decided_at = None if before is None else allowed(if_match, cos_tag(before), before.changed_at)
        exists = True if if_match is not None else False if new else None
        cos, _ = await services.classes.put(name, limits, exists=exists, decided_at=decided_at)
    _show(cos, as_json=json)


@app.command
async def show(name: Name, /, *, config: ConfigFile, etag: AsEtag = False, json: AsJson = False) -> None:
    """Show what a class says."""
    async with opened(config) as services:
        cos = await services.classes.show(name)
    if etag:
        show_line(cos_tag(cos))
    else:
        _show(cos, as_json=json)


@app.command
async def remove(
    name: Name, /, *, config: ConfigFile, if_match: IfMatch = None, json: AsJson = False
) -> None:
    """Remove a class to which nobody refers."""
    async with opened(config) as services:
        before = await services.classes.show(name)
        decided_at = allowed(if_match, cos_tag(before), before.changed_at)
        await services.classes.remove(name, decided_at=decided_at)
    if json:
        show_json({"removed": name})
    else:
        show_line(f"{name} is removed")


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List the classes by name."""
    async with opened(config) as services:
        found = page_view(await services.classes.page(cursor=cursor, limit=limit))
    columns = ("name", *Limits.__struct_fields__)
    rows = [{"name": cos.name} | msgspec.structs.asdict(cos.limits) for cos in found.classes]
    show_page(columns, found, json=json, rows=rows)


def _show(cos: Cos, *, as_json: bool) -> None:
    if as_json:
        show_json(cos_view(cos))
    else:
        said = msgspec.to_builtins(cos)
        show_row({"name": cos.name} | said["limits"] | {"changed_at": said["changed_at"]})
