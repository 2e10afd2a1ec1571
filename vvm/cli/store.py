# SPDX-License-Identifier: Apache-2.0
"""``vvm store``: the database itself."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_row
from vvm.config.load import load
from vvm.runtime.logs import configure
from vvm.runtime.stores import migrate_store

app = App(name="store")


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
