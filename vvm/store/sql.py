# SPDX-License-Identifier: Apache-2.0
"""SQL lives in files, in named blocks, so that it can be read, reviewed and planned as SQL."""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def named_statements(package: str, file: str) -> dict[str, str]:
    """Read ``-- name: x`` blocks from a file of a package.  Raises ValueError when a name stands twice."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    _, *pieces = _NAME.split(text)
    names, bodies = pieces[::2], pieces[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{file}: a statement's name stands twice")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}
