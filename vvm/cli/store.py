# SPDX-License-Identifier: Apache-2.0
"""``vvm store``: the database itself."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import Progress as Bars

from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line, show_row
from vvm.config.load import load
from vvm.config.sections import Config
from vvm.domain.errors import Refusal
from vvm.runtime.check import Finding, inspect
from vvm.runtime.check import check as look
from vvm.runtime.logs import configure
from vvm.runtime.stores import migrate_store
from vvm.store.blobs.places import blob_store
from vvm.store.blobs.port import BlobStore

app = App(name="store")


class Damaged(Refusal):
    code = "damaged"

    def __init__(self, left: int) -> None:
        super().__init__(f"damage is in the store, of {left} kinds")


@app.command
async def migrate(
    *,
    config: ConfigFile,
    post: Annotated[
        bool,
        Parameter(
            negative=(),
            help="Also run what waits for the last program of an older release; none starts any more then.",
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Bring the schema up to date, as any start does, and show where it stands."""
    found = load(config, os.environ)
    configure("warning", found.log.format)
    migrated = await migrate_store(found.store, finish=post)
    if json:
        show_json(migrated)
    else:
        show_row(msgspec.to_builtins(migrated))


@app.command
async def check(
    *,
    config: ConfigFile,
    repair: Annotated[
        bool, Parameter(negative=(), help="Repair what is safe to be repaired; writers wait meanwhile.")
    ] = False,
    blobs: Annotated[bool, Parameter(negative=(), help="Read every blob, too.")] = False,
    json: AsJson = False,
) -> None:
    """Look for everything that may be wrong in the store, beside running servers.  Exit 1: damage is left."""
    found = load(config, os.environ)
    configure("warning", found.log.format)
    async with _blobs(found, wanted=blobs) as place, inspect(found.store) as inspector:
        with Bars(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
            step = bars.add_task("", total=None)
            found_there = look(
                inspector, place, repair=repair, progress=lambda what: bars.update(step, description=what)
            )
            findings = [finding async for finding in found_there]
    if json:
        show_json(findings)
    else:
        _show(findings)
    left = sum(not finding.repaired for finding in findings)
    if left:
        raise Damaged(left)


@asynccontextmanager
async def _blobs(config: Config, *, wanted: bool) -> AsyncIterator[BlobStore | None]:
    place = blob_store(config.blobs) if wanted else None
    try:
        yield place
    finally:
        if place is not None:
            await place.close()


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        show_line(f"{finding.damage} ({finding.count}): {finding.meaning}")
        for place in finding.places:
            show_line(f"    {place}")
        if finding.count > len(finding.places):
            show_line(f"    and {finding.count - len(finding.places)} more")
        show_line(f"    {'repaired: ' if finding.repaired else 'to do: '}{finding.advice}")
    if not findings:
        show_line("nothing is wrong")
