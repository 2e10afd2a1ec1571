# SPDX-License-Identifier: Apache-2.0
"""What each key is, what it means, and who said so."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vvm.config.errors import ConfigError, Mistake, within
from vvm.config.load import Loaded
from vvm.config.schema import FILE, fields
from vvm.config.toml import render


class Explained(msgspec.Struct, frozen=True):
    key: str
    value: str
    """In TOML; stars for a secret."""
    origin: str
    """The file, the environment variable, or "default"."""
    meaning: str


def explain(loaded: Loaded, key: str = "") -> list[Explained]:
    """A key, all keys of a section, or without ``key`` all there are.  Raises ConfigError."""
    everything = list(_explained(loaded.config, "", loaded))
    found = [one for one in everything if not key or within(one.key, key)]
    if not found:
        raise ConfigError([Mistake(key, "no such key; without one, all are shown")])
    return found


def _explained(settings: msgspec.Struct, prefix: str, loaded: Loaded) -> Iterator[Explained]:
    for field in fields(type(settings)):
        key, value = prefix + field.name, getattr(settings, field.name)
        if field.table and field.table.many:
            for index, item in enumerate(value):
                yield from _explained(item, f"{key}[{index}].", loaded)
        elif field.table:
            if value is not None:
                yield from _explained(value, f"{key}.", loaded)
        else:
            origin = loaded.origins.get(key) or loaded.origins.get(key + FILE) or "default"
            shown = '"***"' if field.secret and value else render(value)
            yield Explained(key, shown, origin, field.doc)
