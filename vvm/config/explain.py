# SPDX-License-Identifier: Apache-2.0
"""What each key is, what it means, and who said so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from vvm.config.errors import ConfigError, Mistake, within
from vvm.config.load import Loaded
from vvm.config.schema import FILE, Settings, fields
from vvm.config.toml import render

_NUMBER = re.compile(r"\[\d*\]")


class Explained(msgspec.Struct, frozen=True):
    key: str
    value: str
    """In TOML; stars for a secret."""
    origin: str
    """The file, the environment variable, "default", or "absent" for the default of an absent section."""
    meaning: str


def explain(loaded: Loaded, key: str = "") -> list[Explained]:
    """A key, all keys of a section, or without ``key`` all there are.  Raises ConfigError.

    Who asks for a section that the configuration does not have hears what it would start with.
    """
    everything = list(_explained(loaded.config, "", loaded))
    found = [one for one in everything if not key or _asked(one.key, key)]
    if not found:
        found = [one for one in _absent(loaded.config, "") if _asked(one.key, key)]
    if not found:
        raise ConfigError([Mistake(key, "no such key; without one, all are shown")])
    return found


def _asked(key: str, asked: str) -> bool:
    """Tables of a list may be asked for by their number, or all together without."""
    return within(key, asked) or within(_NUMBER.sub("", key), asked)


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


def _absent(settings: msgspec.Struct, prefix: str) -> Iterator[Explained]:
    """The keys of every section that is not there, with what they would be."""
    for field in fields(type(settings)):
        if field.table is None:
            continue
        value, key = getattr(settings, field.name), prefix + field.name
        if field.table.many and not value:
            yield from _defaults(field.table.settings, f"{key}[].")
        elif field.table.many:
            for index, item in enumerate(value):
                yield from _absent(item, f"{key}[{index}].")
        elif value is None:
            yield from _defaults(field.table.settings, f"{key}.")
        else:
            yield from _absent(value, f"{key}.")


def _defaults(settings: Settings, prefix: str) -> Iterator[Explained]:
    for field in fields(settings):
        key = prefix + field.name
        if field.table is not None:
            yield from _defaults(field.table.settings, f"{key}.")
        else:
            yield Explained(key, "" if field.required else render(field.default), "absent", field.doc)
