# SPDX-License-Identifier: Apache-2.0
"""``vvm blobs``: housekeeping by hand, of what a running server does by itself."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from vvm.cli.opening import opened
from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line
from vvm.cli.progress import progress
from vvm.domain.errors import Refusal
from vvm.services.sweeping import Swept

app = App(name="blobs")


class NoBlobs(Refusal):
    code = "no_blobs"

    def __init__(self) -> None:
        super().__init__("messages lie in the database: blobs.url is empty")


@app.command
async def sweep(
    *,
    config: ConfigFile,
    all_: Annotated[
        bool,
        Parameter(name="--all", negative=(), help="Also list every blob for those that a crash left behind."),
    ] = False,
    json: AsJson = False,
) -> None:
    """Delete blobs that no message has.  Safe at any time, beside running servers."""
    async with opened(config) as services:
        if services.sweeper is None:
            raise NoBlobs
        with progress("blobs deleted", quiet=json) as advance:
            if all_:
                swept = await services.sweeper.look(advance)
            else:
                swept = Swept(deleted=await services.sweeper(advance), left_behind=0)
    if json:
        show_json(swept)
    else:
        show_line(f"{swept.deleted} blobs deleted, {swept.left_behind} of them left behind by a crash")
