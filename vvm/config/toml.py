# SPDX-License-Identifier: Apache-2.0
"""Files of TOML, and values as they would stand in one; the standard library only reads them."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path

from vvm.config.errors import ConfigError, Mistake

_LARGE = 1_000_000


def read_toml(path: Path) -> dict[str, object]:
    """Raises ConfigError with the one mistake of a file that is none of TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Mistake("", f"cannot be read: {reason}", source=str(path))]) from None
    except UnicodeDecodeError:
        raise ConfigError([Mistake("", "must be UTF-8", source=str(path))]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Mistake("", f"is not TOML: {error}", source=str(path))]) from None


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
