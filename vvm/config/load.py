# SPDX-License-Identifier: Apache-2.0
"""From a file and an environment to a ``Config``, or to the list of everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from vvm.config import environment
from vvm.config.checks import check
from vvm.config.compare import compare, sound
from vvm.config.errors import ConfigError, Mistake, further, within
from vvm.config.secrets import take_secrets
from vvm.config.sections import Config
from vvm.config.toml import read_toml


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and who said what in it."""

    config: Config
    origins: Mapping[str, str]
    """The file or environment variable of each key that has not its default."""
    file: str

    def refuse(self, mistakes: Sequence[Mistake]) -> None:
        """Name who said what is wrong.  Raises ConfigError when anything is."""
        if mistakes:
            raise ConfigError([_with_source(mistake, self.file, self.origins) for mistake in mistakes])


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read, override, check.  Raises ConfigError."""
    return load_with_origins(path, environ).config


def load_with_origins(path: Path, environ: Mapping[str, str]) -> Loaded:
    """As ``load``, for those who have to explain the result.  Raises ConfigError."""
    raw = read_toml(path)
    origins = dict.fromkeys(_keys(raw, ""), str(path))
    mistakes: list[Mistake] = []
    for override in environment.overrides(environ):
        try:
            environment.apply(override, raw, Config)
        except ConfigError as error:
            mistakes += error.mistakes
        else:
            origins[override.key] = override.variable
    mistakes += take_secrets(raw, Config)
    mistakes += compare(raw, Config)
    config = msgspec.convert(sound(raw, Config), Config)
    mistakes += further(check(config), mistakes)
    loaded = Loaded(config, origins, str(path))
    loaded.refuse(mistakes)
    return loaded


def _keys(value: object, key: str) -> Iterator[str]:
    """The dotted path of everything that is said."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _keys(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from _keys(inner, f"{key}[{index}]")
    else:
        yield key


def _with_source(mistake: Mistake, file: str, origins: Mapping[str, str]) -> Mistake:
    """Whoever said the key, something in it, or the whole that it is in."""
    if mistake.source:
        return mistake
    key = mistake.key
    near = (name for path, name in origins.items() if within(path, key) or within(key, path))
    source = origins.get(key) or next(near, file)
    return msgspec.structs.replace(mistake, source=source)
