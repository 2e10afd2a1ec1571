# SPDX-License-Identifier: Apache-2.0
"""From the name of a configuration to use cases that work, for commands that run once.

They work on the store itself, beside a server that may be running on it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from vvm.config.load import load
from vvm.runtime.logs import configure
from vvm.runtime.wiring import Services, open_services


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Services]:
    """Raises ConfigError, BadKeyFile, Outage.  Of the log only warnings are shown."""
    config = load(file, os.environ)
    configure("warning", config.log.format)
    async with open_services(config) as services:
        yield services
