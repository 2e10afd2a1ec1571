# SPDX-License-Identifier: Apache-2.0
"""``vvm store``: the database itself."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.progress import TaskID

from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line, show_row
from vvm.cli.progress import bars, progress
from vvm.config.load import load
from vvm.config.sections import POSTGRES, SQLITE, Config, StoreSettings
from vvm.domain.errors import Refusal
from vvm.runtime.blobs import shelf_of
from vvm.runtime.check import Finding, inspect
from vvm.runtime.check import check as look
from vvm.runtime.copy import copy
from vvm.runtime.copy import reopen as reopen_store
from vvm.runtime.keys import master_key
from vvm.runtime.logs import configure
from vvm.runtime.stores import migrate_store
from vvm.services.credentials import Keyring
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
    with progress("schema", quiet=json):
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
        with bars(quiet=json) as shown:
            step = shown.add_task("", total=None)
            found_there = look(
                inspector, place, repair=repair, progress=lambda what: shown.update(step, description=what)
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


def _is_a_store(type_: object, url: str) -> None:
    """Raises ValueError."""
    del type_
    if not url.startswith((SQLITE, *POSTGRES)):
        raise ValueError(f"write {SQLITE}PATH or {POSTGRES[0]}USER@HOST/DATABASE")


Url = Annotated[
    str, Parameter(validator=_is_a_store, help="sqlite:///PATH or postgresql://USER@HOST/DATABASE.")
]


@app.command(name="copy")
async def copy_(source: Url, target: Url, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Make TARGET what SOURCE is, while SOURCE serves; then SOURCE is sealed and its programs end.

    Blobs, the master key and the password of PostgreSQL are those of the configuration.  Killed at any
    moment, it goes on when it is called again.
    """
    found = load(config, os.environ)
    configure("warning", found.log.format)
    keyring = Keyring(master_key(found.master_key_path, store_exists=True))
    left, right = (StoreSettings(url=url, postgres=found.store.postgres) for url in (source, target))
    async with _blobs(found, wanted=True) as place:
        with bars(quiet=json) as shown:
            steps: dict[str, TaskID] = {}

            def compared_so_far(what: str, compared: int, differed: int) -> None:
                if what not in steps:
                    steps[what] = shown.add_task(what, total=None)
                shown.update(
                    steps[what], completed=compared, description=f"{what}: {compared}, {differed} copied"
                )

            copied = await copy(left, right, shelf_of(found.blobs, place, keyring), compared_so_far)
    if json:
        show_json(copied)
    else:
        show_row(msgspec.to_builtins(copied))


@app.command
async def reopen(store: Url, /, *, config: ConfigFile, json: AsJson = False) -> None:
    """Make a store that was moved, or that a copy was begun into, a store like any other again."""
    found = load(config, os.environ)
    await reopen_store(StoreSettings(url=store, postgres=found.store.postgres))
    if json:
        show_json({"reopened": store})
    else:
        show_line("programs may serve from this store again")
