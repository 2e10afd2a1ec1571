# SPDX-License-Identifier: Apache-2.0
"""``vvm message``: leave a message from a file, see what is there, listen, mark, delete and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, CycloptsError, Parameter

from vvm.cli.etags import AsEtag, IfMatch, allowed
from vvm.cli.files import write_private
from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile, Cursor, Folder, Limit, Number, Since, moment
from vvm.cli.output import show_json, show_line, show_page, show_row
from vvm.domain.errors import Refusal
from vvm.domain.message import INBOX, Envelope
from vvm.domain.numbers import parse_msisdn
from vvm.fronts.http.etags import message_tag
from vvm.fronts.http.messages import DepositView, MessageView, page_view, view
from vvm.fronts.http.recovery import page_view as deleted_page
from vvm.fronts.http.request import parse_caller, parse_received
from vvm.message.audio.encode import Format
from vvm.store.port import MessageFilter

app = App(name="message")

_DELETED_COLUMNS = (
    "id",
    "folder",
    "uid",
    "seen",
    "caller",
    "received_at",
    "seconds",
    "deleted_at",
    "purge_at",
)
_COLUMNS = ("uid", "seen", "caller", "received_at", "seconds", "size")


Uid = Annotated[int, Parameter(help="The number that the list shows.")]


class UnreadableFile(Refusal):
    code = "unreadable_file"


@app.command
async def deposit(
    file: Annotated[Path, Parameter(help="Audio: WAV, AMR, or what else the transcoder reads.")],
    /,
    *,
    config: ConfigFile,
    to: Number,
    from_: Annotated[
        str, Parameter(name="--from", help="The caller's number; restricted when left out.")
    ] = "",
    key: Annotated[
        str | None, Parameter(help="Names the deposit: the same key never makes a second message.")
    ] = None,
    received_at: Annotated[
        str | None,
        Parameter(show_default=False, help="When the recording began, RFC 3339; now when left out."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Deposit a file as a voice message."""
    recipient, caller = parse_msisdn(to), parse_caller(from_)
    octets = read_audio(file)
    async with opened(config) as services:
        now = services.clock.now()
        began = now if received_at is None else parse_received(received_at, "--received-at", now=now)
        envelope = Envelope(caller=caller, received_at=began)
        name = f"cli:{key}" if key else None
        deposited = await services.deposit(recipient, octets, envelope, key=name)
    if json:
        show_json(DepositView(uid=deposited.uid, seconds=deposited.seconds))
    else:
        known = "" if deposited.created else ", which this key has made before"
        show_line(f"message {deposited.uid} of {recipient}: {deposited.seconds} s{known}")


@app.command(name="list")
async def page(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    folder: Annotated[str, Parameter(help="The folder to look into.")] = INBOX,
    seen: Annotated[
        bool | None,
        Parameter(negative="--unseen", show_default=False, help="Only what was heard, or only what is new."),
    ] = None,
    caller: Annotated[
        str | None,
        Parameter(show_default=False, help='Only from this number; "" for restricted ones.'),
    ] = None,
    since: Since = None,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List the messages of a subscriber by UID, without marking any as heard."""
    wanted = MessageFilter(
        folder=folder,
        seen=seen,
        caller=None if caller is None else parse_caller(caller) or "",
        since=moment(since, "--since"),
    )
    async with opened(config) as services:
        found = await services.lists.messages(parse_msisdn(msisdn), wanted, cursor=cursor, limit=limit)
    show_page(_COLUMNS, page_view(found), json=json)


@app.command
async def show(
    msisdn: Number,
    uid: Uid,
    /,
    *,
    config: ConfigFile,
    folder: Folder = INBOX,
    etag: AsEtag = False,
    json: AsJson = False,
) -> None:
    """Show what is known of one message, without marking it as heard."""
    async with opened(config) as services:
        message = await services.desk.message(parse_msisdn(msisdn), uid, folder=folder)
    if etag:
        show_line(message_tag(message))
    else:
        _show(view(message), json=json)


@app.command
async def audio(
    msisdn: Number,
    uid: Uid,
    file: Annotated[Path, Parameter(help="Where to write the sound; its name's end says in which form.")],
    /,
    *,
    config: ConfigFile,
    folder: Folder = INBOX,
    json: AsJson = False,
) -> None:
    """Write the sound of a message to FILE.amr, .wav, .opus or .mp3, without marking it as heard."""
    form = format_of(file)
    async with opened(config) as services:
        octets = await services.desk.listen(parse_msisdn(msisdn), uid, form, folder=folder)
    write_private(file, octets)
    if json:
        show_json({"file": str(file), "format": form, "octets": len(octets)})
    else:
        show_line(f"{file}: {len(octets)} octets of {form}")


@app.command
async def mark(
    msisdn: Number,
    uid: Uid,
    /,
    *,
    config: ConfigFile,
    seen: Annotated[bool, Parameter(negative="--unseen", help="Heard, or new again.")],
    folder: Folder = INBOX,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Mark a message, and tell the client of the subscriber by SYNC."""
    owner = parse_msisdn(msisdn)
    async with opened(config) as services:
        before = await services.desk.message(owner, uid, folder=folder)
        since = allowed(if_match, message_tag(before), before.modseq)
        marked = await services.desk.mark(owner, uid, seen=seen, folder=folder, unchanged_since=since)
    _show(view(marked), json=json)


@app.command
async def delete(
    msisdn: Number,
    uid: Uid,
    /,
    *,
    config: ConfigFile,
    folder: Folder = INBOX,
    if_match: IfMatch = None,
    json: AsJson = False,
) -> None:
    """Delete a message, and tell the client of the subscriber by SYNC."""
    owner = parse_msisdn(msisdn)
    async with opened(config) as services:
        before = await services.desk.message(owner, uid, folder=folder)
        since = allowed(if_match, message_tag(before), before.modseq)
        await services.desk.delete(owner, uid, folder=folder, unchanged_since=since)
    if json:
        show_json({"deleted": uid})
    else:
        show_line(f"message {uid} of {msisdn} is deleted")


@app.command
async def deleted(
    msisdn: Number,
    /,
    *,
    config: ConfigFile,
    cursor: Cursor = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List what was deleted and can still be restored, in the order in which it was deleted."""
    async with opened(config) as services:
        found = await services.recovery.page(parse_msisdn(msisdn), cursor=cursor, limit=limit)
    show_page(_DELETED_COLUMNS, deleted_page(found), json=json)


@app.command
async def restore(
    msisdn: Number,
    deleted: Annotated[int, Parameter(help="The id that vvm message deleted shows.")],
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Put a deleted message back, and tell the client of the subscriber by SYNC."""
    async with opened(config) as services:
        restored = await services.recovery.restore(parse_msisdn(msisdn), deleted)
    if json:
        show_json(restored)
    else:
        show_line(f"it is message {restored.uid} of {restored.folder} now")


def _show(message: MessageView, *, json: bool) -> None:
    if json:
        show_json(message)
    else:
        show_row(msgspec.to_builtins(message))


def format_of(file: Path) -> Format:
    """The form that a file's name stands for.  Raises CycloptsError."""
    try:
        return Format(file.suffix.removeprefix(".").lower())
    except ValueError:
        known = ", ".join(f".{form}" for form in Format)
        raise CycloptsError(msg=f"{file.name} must end with one of {known}") from None


def read_audio(file: Path) -> bytes:
    """What a file holds.  Raises UnreadableFile."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{file} cannot be read: {error.strerror}") from None
