# SPDX-License-Identifier: Apache-2.0
"""``vvm backup``: copies that are taken while the server runs, and proved before they are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line, show_row
from vvm.cli.progress import bars, progress
from vvm.config.load import load
from vvm.runtime.backup import Backup, Manifest, begin_anew
from vvm.runtime.logs import configure

app = App(name="backup")

Directory = Annotated[Path, Parameter(help="The directory of the backup.")]


@app.command
async def create(
    directory: Directory,
    /,
    *,
    config: ConfigFile,
    blobs: Annotated[
        bool, Parameter(negative="--no-blobs", help="Copy the blobs too, or leave that to the object store.")
    ] = True,
    json: AsJson = False,
) -> None:
    """Copy the store, and its blobs, into an empty directory.  The master key is not among it."""
    with _opened(directory, config, quiet=json) as backup:
        _show(await backup.create(with_blobs=blobs), json=json)


@app.command
async def verify(directory: Directory, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Restore a backup into a scratch place and compare every mailbox with what was copied."""
    with _opened(directory, config, quiet=json) as backup:
        _show(await backup.verify(), json=json)


@app.command
async def restore(directory: Directory, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Put a backup where the configuration wants the store, which must not exist yet."""
    with _opened(directory, config, quiet=json) as backup:
        _show(await backup.restore(), json=json)


@app.command
async def recovered(*, config: ConfigFile, json: AsJson = False) -> None:
    """Call it when the database was brought back to an earlier time by its own means.

    The server must not run yet.  Every folder gets another UIDVALIDITY, because UIDs that clients have
    seen since would be given again.
    """
    found = load(config, os.environ)
    configure("warning", found.log.format)
    with progress("folders get another UIDVALIDITY", quiet=json):
        await begin_anew(found)
    if json:
        show_json({"recovered": True})
    else:
        show_line("clients will read every folder anew")


@contextmanager
def _opened(directory: Path, file: Path, *, quiet: bool) -> Iterator[Backup]:
    """With a bar for each step where a person looks on."""
    config = load(file, os.environ)
    configure("warning", config.log.format)
    with bars(quiet=quiet) as shown:
        steps = {name: shown.add_task(name, total=None) for name in ("database", "blobs", "mailboxes")}

        def progress(step: str, done: int, total: int) -> None:
            shown.update(steps[step], completed=done, total=total or None)

        yield Backup(directory, config, progress)


def _show(manifest: Manifest, *, json: bool) -> None:
    if json:
        show_json(manifest)
    else:
        row = msgspec.to_builtins(manifest)
        show_row(row | row.pop("origin"))
