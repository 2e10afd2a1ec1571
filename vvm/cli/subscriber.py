# SPDX-License-Identifier: Apache-2.0
"""``vvm subscriber``: provisioning by hand.  Prints the documents of the API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from cyclopts import App, CycloptsError, Parameter

from vvm.cli.audit import Actor, TriggerOption, show_audit
from vvm.cli.etags import AsEtag, IfMatch, allowed
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Cursor, Limit, Number, Since, Until, moment
from vvm.cli.output import show_json, show_line, show_page, show_rows, with_smpp_status
from vvm.cli.progress import progress
from vvm.cli.subscriber_bulk import export, import_
from vvm.cli.subscriber_life import (
    add_alias,
    aliases,
    close,
    hold,
    release,
    remove_alias,
    renumber,
    reopen,
    reset_pin,
    swap_sim,
)
from vvm.cli.subscriber_options import NOTHING, WantedOptions
from vvm.cli.subscriber_show import show_subscriber
from vvm.domain.numbers import parse_msisdn
from vvm.domain.subscriber import CosName, ProvisioningStatus
from vvm.fronts.http.etags import subscriber_tag
from vvm.fronts.http.notifications import TimelineView
from vvm.fronts.http.request import parse_prefix
from vvm.fronts.http.subscribers import page_view
from vvm.services.provisioning import SubscriberOptions
from vvm.store.port import AuditFilter, SubscriberFilter

_STATUS = ", ".join(f"{status} {status.name.lower()}" for status in ProvisioningStatus)

app = App(name="subscriber", help_epilogue=f"Status: {_STATUS} (OMTP 1.3 2.8).")

_TIMELINE_COLUMNS = (
    "at",
    "event",
    "what",
    "outcome",
    "count",
    "device",
    "notification",
    "uid",
    "smpp_status",
    "smsc",
)
_COLUMNS = ("msisdn", "status", "language", "cos", "max_messages", "created_at")


app.command(import_, name="import")
app.command(export)
for _command in (
    close,
    reopen,
    renumber,
    swap_sim,
    reset_pin,
    aliases,
    add_alias,
    remove_alias,
    hold,
    release,
):
    app.command(_command)


@app.command
async def add(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    wanted: WantedOptions = NOTHING,
    json: AsJson = False,
) -> None:
    """Give a number the service."""
    async with opened(config) as services:
        options = wanted.options(services, services.service.client)
        show_subscriber(await services.provisioning.create(parse_msisdn(msisdn), options), as_json=json)


@app.command
async def show(msisdn: Number, /, *, config: ConfigFile, etag: AsEtag = False, json: AsJson = False) -> None:
    """Show one subscriber."""
    async with opened(config) as services:
        subscriber = await services.provisioning.show(parse_msisdn(msisdn))
    if etag:
        show_line(subscriber_tag(subscriber))
    else:
        show_subscriber(subscriber, as_json=json)


@app.command(name="set")
async def change(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    wanted: WantedOptions = NOTHING,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Change what the options name, and leave the rest."""
    async with opened(config) as services:
        before = await services.provisioning.show(parse_msisdn(msisdn))
        options = wanted.options(services, before.client)
        if options == SubscriberOptions():
            raise CycloptsError(
                msg="nothing to change: name an option, as vvm subscriber set --help lists them"
            )
        decided_at = allowed(if_match, subscriber_tag(before), before.changed_at)
        after = await services.provisioning.change(parse_msisdn(msisdn), options, decided_at=decided_at)
        show_subscriber(after, as_json=json)


@app.command
async def activate(msisdn: Number, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Activate in place of the client, and tell it by STATUS; may be repeated."""
    async with opened(config) as services:
        show_subscriber(await services.on_behalf.activate(parse_msisdn(msisdn)), as_json=json)


@app.command
async def deactivate(msisdn: Number, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Deactivate in place of the client, and tell it by STATUS; may be repeated."""
    async with opened(config) as services:
        show_subscriber(await services.on_behalf.deactivate(parse_msisdn(msisdn)), as_json=json)


@app.command
async def rotate(msisdn: Number, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Replace the IMAP password, and tell an active client; the old one works vvm.password_grace_hours on."""
    async with opened(config) as services:
        show_subscriber(await services.provisioning.rotate(parse_msisdn(msisdn)), as_json=json)


@app.command
async def announce(
    msisdn: Annotated[str, Parameter(help="One number; everybody when left out.")] = "",
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Tell active clients by STATUS what holds now, for example after vvm.imap_host was changed."""
    async with opened(config) as services:
        if msisdn:
            told = int(await services.provisioning.announce(parse_msisdn(msisdn)))
        else:
            with progress("subscribers", quiet=json) as advance:
                told = await services.provisioning.announce_all(advance)
    if json:
        show_json({"told": told})
    else:
        show_line(f"{told} told")


@app.command
async def audit(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    actor: Actor = None,
    trigger: TriggerOption = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """Show the transitions of a number, the newest first, also of one that is gone."""
    wanted = AuditFilter(
        msisdn=parse_msisdn(msisdn),
        actor=actor,
        trigger=trigger,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
    )
    await show_audit(config, wanted, cursor=cursor, limit=limit, json=json)


@app.command
async def timeline(
    msisdn: Number, /, *, config: ConfigFile, limit: Limit = 100, json: AsJson = False
) -> None:
    """Show every SMS to and from a number, its transitions and what its clients did, without any text."""
    async with opened(config) as services:
        entries = await services.timeline(parse_msisdn(msisdn), limit=limit)
    if json:
        show_json(TimelineView(tuple(entries)))
    else:
        show_rows(_TIMELINE_COLUMNS, list(map(with_smpp_status, msgspec.to_builtins(entries))))


@app.command
async def remove(
    msisdn: Number, /, *, config: ConfigFile, if_match: IfMatch = None, json: AsJson = False
) -> None:
    """Take the service away, with all messages."""
    async with opened(config) as services:
        before = await services.provisioning.show(parse_msisdn(msisdn))
        decided_at = allowed(if_match, subscriber_tag(before), before.changed_at)
        await services.provisioning.remove(parse_msisdn(msisdn), decided_at=decided_at)
    if json:
        show_json({"removed": msisdn})
    else:
        show_line(f"{msisdn} is removed")


@app.command(name="list")
async def page(
    *,
    config: ConfigFile,
    status: Annotated[
        Literal["N", "R", "P", "U", "B"] | None,
        Parameter(show_default=False, help=f"Only in this status: {_STATUS}."),
    ] = None,
    cos: Annotated[
        str | None,
        Parameter(show_default=False, help='Only of this class of service; "" for those of none.'),
    ] = None,
    language: Annotated[str | None, Parameter(show_default=False, help="Only with this language.")] = None,
    client_type: Annotated[
        str | None,
        Parameter(
            show_default=False, help='Only with this client, as its SMS call it; "" for an unknown one.'
        ),
    ] = None,
    prefix: Annotated[
        str, Parameter(show_default=False, help="Only numbers that begin so: a plus sign and digits.")
    ] = "",
    changed_since: Annotated[
        str | None,
        Parameter(
            show_default=False,
            help="Only what changed from then on, the oldest change first: RFC 3339.",
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List subscribers in the order of their numbers."""
    wanted = SubscriberFilter(
        status=None if status is None else ProvisioningStatus(status),
        cos=None if cos is None else CosName(cos),
        language=language,
        client_type=client_type,
        prefix=parse_prefix(prefix),
        changed_since=moment(changed_since, "--changed-since"),
    )
    async with opened(config) as services:
        found = page_view(await services.lists.subscribers(wanted, cursor=cursor, limit=limit))
    show_page(_COLUMNS, found, json=json)
