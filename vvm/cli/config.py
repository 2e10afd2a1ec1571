# SPDX-License-Identifier: Apache-2.0
"""``vvm config``: what is wrong in a configuration, what each key is, and whose SMS go where."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from vvm.cli.options import AsJson, ConfigFile
from vvm.cli.output import show_json, show_line, show_rows
from vvm.config.advice import advise
from vvm.config.carriers import load_carriers
from vvm.config.errors import ConfigError
from vvm.config.explain import explain as explained
from vvm.config.load import load, load_with_origins
from vvm.config.routing import serving
from vvm.runtime.foreseen import foresee

app = App(name="config")


@app.command
def check(*, config: ConfigFile, json: AsJson = False) -> None:
    """Tell everything that is wrong, with exit 2 when something is; else what is seldom meant.

    Files and directories are looked at, and into a store of SQLite: run it as the user that runs the server.
    """
    try:
        loaded = load_with_origins(config, os.environ)
        loaded.refuse(list(foresee(loaded.config)))
        advice = advise(loaded.config)
    except ConfigError as error:
        if json:
            show_json({"mistakes": error.mistakes, "advice": []})
        raise
    if json:
        show_json({"mistakes": [], "advice": advice})
        return
    show_line(f"{config} is good")
    for one in advice:
        show_line(f"advice: {one}")


@app.command
def routes(*, config: ConfigFile, json: AsJson = False) -> None:
    """Show which SMSCs take the SMS of each carrier, the heaviest first; weight 0 is a standby."""
    loaded = load(config, os.environ)
    found = serving(loaded, load_carriers(loaded.vvm))
    if json:
        show_json(found)
    else:
        show_rows(("carrier", "smsc", "weight"), [msgspec.to_builtins(one) for one in found])


@app.command
def explain(
    key: Annotated[
        str, Parameter(help="A key or a section, for example imap.listen; all when left out.")
    ] = "",
    /,
    *,
    config: ConfigFile,
    json: AsJson = False,
) -> None:
    """Show keys with their values, who set them, and what they mean."""
    found = explained(load_with_origins(config, os.environ), key)
    if json:
        show_json(found)
    else:
        show_rows(("key", "value", "origin", "meaning"), [msgspec.to_builtins(one) for one in found])
