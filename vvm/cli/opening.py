# SPDX-License-Identifier: Apache-2.0
"""From the name of a configuration to use cases that work, for commands that run once.

They work on the store itself, beside a server that may be running on it.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

from vvm.config.load import load
from vvm.domain.actor import acting_as
from vvm.runtime.logs import configure
from vvm.runtime.wiring import Services, open_services


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Services]:
    """Raises ConfigError, BadKeyFile, Outage.  Of the log only warnings are shown."""
    config = load(file, os.environ)
    configure("warning", config.log.format)
    async with open_services(config) as services:
        with by_hand():
            yield services


def by_hand() -> AbstractContextManager[None]:
    """Whoever runs the command acts: the user of the machine, by number where it has no name."""
    number = os.getuid()
    try:
        return acting_as(f"cli:{pwd.getpwuid(number).pw_name}")
    except KeyError:
        return acting_as(f"cli:{number}")
