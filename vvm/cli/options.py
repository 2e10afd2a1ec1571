# SPDX-License-Identifier: Apache-2.0
"""The options that commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

ConfigFile = Annotated[
    Path,
    Parameter(
        name="--config", env_var="VVM_CONFIG", help="Configuration, a TOML file: docs/configuration.md."
    ),
]
AsJson = Annotated[
    bool, Parameter(name="--json", negative=(), show_default=False, help="Print JSON instead of a table.")
]
Number = Annotated[str, Parameter(help="The subscriber's number: E.164 with its plus sign.")]
Limit = Annotated[int, Parameter(help="The most that is shown.")]
