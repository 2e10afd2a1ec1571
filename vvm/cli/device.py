# SPDX-License-Identifier: Apache-2.0
"""``vvm device``: logins of a subscriber's devices."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.etags import AsEtag, IfMatch, allowed
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Number
from vvm.cli.output import show_json, show_line, show_page, show_row
from vvm.domain.device import DeviceId
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.devices import DevicePage, device_view, new_device_view
from vvm.fronts.http.etags import device_tag

app = App(name="device")

Id = Annotated[int, Parameter(help="The id that the list shows.")]

_COLUMNS = ("id", "name", "profile", "login", "created_at", "last_used_at")


@app.command
async def add(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    name: Annotated[str, Parameter(help="What its owner calls it.")],
    profile: Annotated[
        str,
        Parameter(
            help="What it may do over IMAP: mail for a mail program (docs/imap.md), else as the phone."
        ),
    ] = "",
    json: AsJson = False,
) -> None:
    """Give a device a login.  Its password is shown now and never again."""
    async with opened(config) as services:
        given = await services.devices.add(parse_msisdn(msisdn), name=name, profile=profile)
    if json:
        show_json(new_device_view(given))
    else:
        show_row(msgspec.to_builtins(new_device_view(given)))


@app.command(name="list")
async def page(msisdn: Number, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """List the devices of a subscriber, and when each was last used."""
    async with opened(config) as services:
        found = await services.devices.of(parse_msisdn(msisdn))
    show_page(_COLUMNS, DevicePage(tuple(map(device_view, found))), json=json)


@app.command
async def show(
    msisdn: Number,
    device: Id,
    /,
    *,
    config: ConfigFile,
    etag: AsEtag = False,
    json: AsJson = False,
) -> None:
    """Show one device."""
    async with opened(config) as services:
        found = await services.devices.show(parse_msisdn(msisdn), DeviceId(device))
    if etag:
        show_line(device_tag(found))
    elif json:
        show_json(device_view(found))
    else:
        show_row(msgspec.to_builtins(device_view(found)))


@app.command
async def revoke(
    msisdn: Number,
    device: Id,
    /,
    *,
    config: ConfigFile,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Take the login of a device away; its sessions end."""
    owner = parse_msisdn(msisdn)
    async with opened(config) as services:
        before = await services.devices.show(owner, DeviceId(device))
        as_read = allowed(if_match, device_tag(before), before)
        await services.devices.revoke(owner, before.id, as_read=as_read)
    if json:
        show_json({"revoked": device})
    else:
        show_line(f"{device} is revoked")
