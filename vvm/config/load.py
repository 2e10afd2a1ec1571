# SPDX-License-Identifier: Apache-2.0
"""From a file and an environment to a ``Config``, or to the list of everything that is wrong in them.

msgspec stops at the first mistake and does not know its neighbours; an operator wants all of them,
with the nearest right key.  So the tables are compared with the structs here first, and msgspec
converts what is left without a complaint.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from vvm.config import environment
from vvm.config.checks import check
from vvm.config.errors import ConfigError, Mistake
from vvm.config.schema import Field, Settings, Table, fields, words
from vvm.config.secrets import read_secret
from vvm.config.sections import Config
from vvm.config.toml import render

_SHOWN = 60
_FILE = "_file"
Tables = dict[str, object]


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and who said what in it."""

    config: Config
    origins: Mapping[str, str]
    """The file or environment variable of each key that has not its default."""


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read, override, check.  Raises ConfigError."""
    return load_with_origins(path, environ).config


def load_with_origins(path: Path, environ: Mapping[str, str]) -> Loaded:
    """As ``load``, for those who have to explain the result.  Raises ConfigError."""
    raw = _read(path)
    origins = dict.fromkeys(_keys(raw, ""), str(path))
    for override in environment.overrides(environ):
        environment.apply(override, raw, Config)
        origins[override.key] = override.variable
    mistakes = list(_take_secrets(raw, Config, ""))
    mistakes += _compare(raw, Config, "")
    if not mistakes:
        config = msgspec.convert(raw, Config)
        mistakes += check(config)
        if not mistakes:
            return Loaded(config, origins)
    raise ConfigError([_with_source(mistake, str(path), origins) for mistake in mistakes])


def _read(path: Path) -> Tables:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError([Mistake("", f"cannot be read: {reason}", source=str(path))]) from None
    except UnicodeDecodeError:
        raise ConfigError([Mistake("", "must be UTF-8", source=str(path))]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Mistake("", f"is not TOML: {error}", source=str(path))]) from None


def _take_secrets(raw: Tables, settings: Settings, prefix: str) -> Iterator[Mistake]:
    """Put the text of the file that ``password_file`` names in the place of ``password``."""
    for field in fields(settings):
        if field.table:
            for key, table in _tables(raw.get(field.name), field.table, prefix + field.name):
                yield from _take_secrets(table, field.table.settings, f"{key}.")
        if field.secret and field.name + _FILE in raw:
            yield from _take_secret(raw, field.name, prefix)


def _take_secret(raw: Tables, name: str, prefix: str) -> Iterator[Mistake]:
    file = raw.pop(name + _FILE)
    key = prefix + name + _FILE
    if name in raw:
        yield Mistake(key, f"give either this or {name}, not both")
    elif not isinstance(file, str):
        yield Mistake(key, "expected string: the name of a file")
    else:
        try:
            raw[name] = read_secret(Path(file)).reveal()
        except OSError as error:
            yield Mistake(key, f"a file that can be read: {error.strerror}", render(file))
        except ValueError as error:
            yield Mistake(key, str(error), render(file))


def _tables(value: object, table: Table, key: str) -> Iterator[tuple[str, Tables]]:
    """The tables that stand at a key, with their own keys; what is no table is left to _compare."""
    if isinstance(value, dict) and not table.many:
        yield key, value
    elif isinstance(value, list) and table.many:
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield f"{key}[{index}]", item


def _compare(raw: Tables, settings: Settings, prefix: str) -> Iterator[Mistake]:
    """Names and types, all the way down."""
    known = {field.name: field for field in fields(settings)}
    for name, value in raw.items():
        field = known.get(name)
        if field is None:
            yield Mistake(prefix + name, _nearest(name, known, prefix))
        elif field.table:
            yield from _compare_table(value, field, field.table, prefix)
        else:
            yield from _compare_value(value, field, prefix)
    for field in known.values():
        if field.required and field.name not in raw:
            yield Mistake(prefix + field.name, f"is missing: expected {words(field.type)}")


def _compare_table(value: object, field: Field, table: Table, prefix: str) -> Iterator[Mistake]:
    key = prefix + field.name
    tables = list(_tables(value, table, key))
    expected = len(value) if table.many and isinstance(value, list) else 1
    if len(tables) != expected:
        header = f"[[{key}]]" if table.many else f"[{key}]"
        yield Mistake(key, f"expected {'tables' if table.many else 'a table'}: {header}")
    for inner_key, inner in tables:
        yield from _compare(inner, table.settings, f"{inner_key}.")


def _compare_value(value: object, field: Field, prefix: str) -> Iterator[Mistake]:
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError:
        yield Mistake(prefix + field.name, f"expected {words(field.type)}", _shown(value, field))


def _nearest(name: str, known: Mapping[str, Field], prefix: str) -> str:
    secrets = [field.name + _FILE for field in known.values() if field.secret]
    near = difflib.get_close_matches(name, [*known, *secrets], n=1, cutoff=0.5)
    return f"unknown key; did you mean {prefix}{near[0]}?" if near else "unknown key"


def _shown(value: object, field: Field) -> str:
    if field.secret:
        return ""
    try:
        text = render(value)
    except TypeError:  # a date of TOML: no setting is one, so there is no way to write it here
        return str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


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
    key = mistake.key
    said = [name for path, name in origins.items() if path.startswith(key) or key.startswith(path)]
    source = origins.get(key) or next(iter(said), file)
    return msgspec.structs.replace(mistake, source=source)
