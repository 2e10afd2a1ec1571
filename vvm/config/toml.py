# SPDX-License-Identifier: Apache-2.0
"""Values as they would stand in a TOML file; the standard library only reads them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

_LARGE = 1_000_000


def render(value: object) -> str:
    """A value of a setting in TOML.  Raises TypeError for what no setting can be."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"{value:_}" if abs(value) >= _LARGE else str(value)
        case float():
            return repr(value) if math.isfinite(value) else str(value)
        case str():
            # JSON escapes are TOML escapes, once DEL, which JSON leaves alone, is written out.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"[{', '.join(render(item) for item in value)}]"
        case Mapping():
            pairs = (f"{render(str(key))} = {render(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            raise TypeError(f"{type(value).__name__} is not a value of a setting")
