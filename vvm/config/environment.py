# SPDX-License-Identifier: Apache-2.0
"""Environment variables override the file: ``VVM_IMAP__LISTEN='["0.0.0.0:143"]'`` is ``imap.listen``.

Two underscores stand for the dot, and a number picks a table of a list, as in
``VVM_SMS__SMSC__0__PORT``.  A text is taken as it is; every other value is written as in TOML.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from vvm.config.errors import ConfigError, Mistake
from vvm.config.schema import Settings, field_at, is_text, words

_PREFIX = "VVM_"
_DOT = "__"


class Override(msgspec.Struct, frozen=True):
    variable: str
    path: tuple[str, ...]
    text: str

    @property
    def key(self) -> str:
        """The dotted path, as messages write it."""
        return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(self.path))

    def mistake(self, right: str) -> ConfigError:
        return ConfigError([Mistake(self.key, right, source=self.variable)])


def overrides(environ: Mapping[str, str]) -> Iterator[Override]:
    """The variables that are meant for the configuration, in the order of their names."""
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix(_PREFIX)
        if name != variable and _DOT in name:
            yield Override(variable, tuple(name.lower().split(_DOT)), text)


def apply(override: Override, raw: dict[str, object], settings: Settings) -> None:
    """Write an override into the tables of the file.  Raises ConfigError when it leads nowhere.

    A key that no struct has is written too: the loader then tells of it as of one in the file.
    """
    node: object = raw
    for step, following in pairwise(override.path):
        node = _enter(node, step, [] if following.isdigit() else {}, override)
    _set(node, override.path[-1], _value(override, settings), override)


def _value(override: Override, settings: Settings) -> object:
    field = field_at(settings, override.path)
    if field is None or is_text(field.type):
        return override.text
    try:
        return tomllib.loads(f"value = {override.text}")["value"]
    except tomllib.TOMLDecodeError:
        expected = "a table" if field.table else words(field.type)
        raise override.mistake(f"expected {expected}, written as in TOML") from None


def _enter(node: object, step: str, fresh: object, override: Override) -> object:
    match node:
        case dict():
            return node.setdefault(step, fresh)
        case list() if step.isdigit() and int(step) <= len(node):
            if int(step) == len(node):
                node.append(fresh)
            return node[int(step)]
        case _:
            raise _nowhere(override)


def _set(node: object, step: str, value: object, override: Override) -> None:
    match node:
        case dict():
            node[step] = value
        case list() if step.isdigit() and int(step) < len(node):
            node[int(step)] = value
        case list() if step.isdigit() and int(step) == len(node):
            node.append(value)
        case _:
            raise _nowhere(override)


def _nowhere(override: Override) -> ConfigError:
    return override.mistake("leads to no value; a list is numbered from 0 without gaps")
