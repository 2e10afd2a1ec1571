# SPDX-License-Identifier: Apache-2.0
"""``vvm serve`` and ``vvm demo``: the commands that stay."""

from __future__ import annotations

import os
from typing import Annotated

import uvloop
from cyclopts import Parameter, validators

from vvm.cli.options import ConfigFile
from vvm.cli.output import show_line
from vvm.config.errors import ConfigError, Mistake
from vvm.config.load import load
from vvm.domain.errors import Refusal
from vvm.runtime.logs import configure
from vvm.runtime.serve import ALL_ROLES, Role
from vvm.runtime.systemd import Systemd
from vvm.runtime.workers import serve_with_workers
from vvm.simulator.demo import DemoFailed, demonstrate

_ALL = "all"


class NotShown(Refusal):
    """The demonstration did not come to its end."""

    code = "demo_failed"


def serve(
    *,
    config: ConfigFile,
    role: Annotated[
        str, Parameter(help=f"What this process does: {_ALL}, or some of {', '.join(Role)} with commas.")
    ] = _ALL,
    workers: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=1),
            help="Processes that speak IMAP, one for each core; the other roles run once.",
        ),
    ] = 1,
) -> None:
    """Run the server until SIGTERM or SIGINT."""
    roles = _roles(role)
    loaded = load(config, os.environ)
    configure(loaded.log.level, loaded.log.format)
    uvloop.run(serve_with_workers(loaded, roles, workers, Systemd(os.environ)))


def demo(
    *,
    config: ConfigFile,
    once: Annotated[bool, Parameter(negative=(), help="End when the handset has the message.")] = False,
) -> None:
    """Play the main job with a simulated SMSC and a simulated handset, and tell each step."""
    loaded = load(config, os.environ)
    configure("warning", loaded.log.format)
    try:
        uvloop.run(demonstrate(loaded, config, show_line, once=once))
    except DemoFailed as failed:
        raise NotShown(str(failed)) from failed


def _roles(text: str) -> frozenset[Role]:
    """Raises ConfigError for what is no role."""
    if text == _ALL:
        return ALL_ROLES
    names = {name.strip() for name in text.split(",")}
    unknown = sorted(names.difference(Role))
    if unknown:
        right = f"{_ALL}, or some of {', '.join(Role)} with commas"
        raise ConfigError([Mistake("--role", right, value=unknown[0])])
    return frozenset(Role(name) for name in names)
