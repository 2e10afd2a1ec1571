# SPDX-License-Identifier: Apache-2.0
"""``vvm greeting``: what callers of a subscriber hear."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.etags import AsEtag, IfMatch, allowed
from vvm.cli.files import write_private
from vvm.cli.message import format_of, read_audio
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Number
from vvm.cli.output import show_json, show_line, show_page, show_row
from vvm.domain.message import GREETINGS, Kind
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.etags import message_tag
from vvm.fronts.http.greetings import GreetingList, GreetingView, greeting_view

app = App(name="greeting")

Uid = Annotated[int, Parameter(help="The number that the list shows.")]

_COLUMNS = ("uid", "kind", "active", "received_at", "seconds", "size")


class GreetingKind(StrEnum):
    """By hand they are called as over HTTP: cyclopts takes the names, and not the values."""

    NORMAL_GREETING = Kind.NORMAL_GREETING.value
    VOICE_SIGNATURE = Kind.VOICE_SIGNATURE.value


@app.command(name="list")
async def page(msisdn: Number, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """List the greetings of a subscriber, also those that its client recorded."""
    async with opened(config) as services:
        found = await services.desk.greetings(parse_msisdn(msisdn))
    show_page(_COLUMNS, GreetingList(tuple(map(greeting_view, found))), json=json)


@app.command
async def add(
    msisdn: Number,
    file: Annotated[Path, Parameter(help="Audio: WAV, AMR, or what else the transcoder reads.")],
    /,
    *,
    config: ConfigFile,
    kind: Annotated[
        GreetingKind, Parameter(help="A greeting, or the recorded name.")
    ] = GreetingKind.NORMAL_GREETING,
    active: Annotated[bool, Parameter(negative="--inactive", help="Callers hear it at once.")] = True,
    json: AsJson = False,
) -> None:
    """Keep a file as a greeting."""
    owner, octets = parse_msisdn(msisdn), read_audio(file)
    async with opened(config) as services:
        stored = await services.greetings.record(
            owner, octets, kind=Kind(kind.value), active=active, received_at=services.clock.now()
        )
        _show(greeting_view(await services.desk.greeting(owner, stored.uid)), as_json=json)


@app.command
async def show(
    msisdn: Number,
    uid: Uid,
    /,
    *,
    config: ConfigFile,
    etag: AsEtag = False,
    json: AsJson = False,
) -> None:
    """Show one greeting."""
    async with opened(config) as services:
        greeting = await services.desk.greeting(parse_msisdn(msisdn), uid)
    if etag:
        show_line(message_tag(greeting))
    else:
        _show(greeting_view(greeting), as_json=json)


@app.command
async def use(
    msisdn: Number,
    uid: Uid,
    /,
    *,
    config: ConfigFile,
    active: Annotated[bool, Parameter(negative="--inactive", help="Heard by callers, or not.")] = True,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Let callers hear a greeting, in place of the active one of its kind."""
    owner = parse_msisdn(msisdn)
    async with opened(config) as services:
        before = await services.desk.greeting(owner, uid)
        since = allowed(if_match, message_tag(before), before.modseq)
        used = await services.desk.use_greeting(owner, uid, active=active, unchanged_since=since)
    _show(greeting_view(used), as_json=json)


@app.command
async def audio(
    msisdn: Number,
    uid: Uid,
    file: Annotated[Path, Parameter(help="Where to write the sound; its name's end says in which form.")],
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Write the sound of a greeting to FILE.amr, FILE.wav, FILE.opus or FILE.mp3."""
    form = format_of(file)
    async with opened(config) as services:
        octets = await services.desk.listen(parse_msisdn(msisdn), uid, form, folder=GREETINGS)
    write_private(file, octets)
    if json:
        show_json({"file": str(file), "format": form, "octets": len(octets)})
    else:
        show_line(f"{file}: {len(octets)} octets of {form}")


@app.command
async def remove(
    msisdn: Number, uid: Uid, /, *, config: ConfigFile, if_match: IfMatch = None, json: AsJson = False
) -> None:
    """Forget a greeting; without an active one callers hear the system's own."""
    owner = parse_msisdn(msisdn)
    async with opened(config) as services:
        before = await services.desk.greeting(owner, uid)
        since = allowed(if_match, message_tag(before), before.modseq)
        await services.desk.delete(owner, uid, folder=GREETINGS, unchanged_since=since)
    if json:
        show_json({"removed": uid})
    else:
        show_line(f"greeting {uid} of {msisdn} is removed")


def _show(view: GreetingView, *, as_json: bool) -> None:
    if as_json:
        show_json(view)
    else:
        show_row(msgspec.to_builtins(view))
