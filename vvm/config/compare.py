# SPDX-License-Identifier: Apache-2.0
"""The tables of a file against the structs: unknown keys, and values of a wrong type.

msgspec stops at the first mistake and does not know its neighbours; an operator wants all of them,
with the nearest right key.  msgspec then converts what is left without a complaint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import get_args, get_origin

import msgspec

from vvm.config.errors import Mistake
from vvm.config.schema import FILE, Field, Settings, Table, fields, words
from vvm.config.toml import render
from vvm.domain.form import closest

Raw = dict[str, object]
"""A table as tomllib gives it."""
_SHOWN = 60
_RENAMED = {"sms.smsc.carrier": "status_actions_of"}
"""Keys of before, which the nearest right one would mistake for another."""


def compare(raw: Raw, settings: Settings, prefix: str = "") -> Iterator[Mistake]:
    """Everything that is wrong with names and types, all the way down; ``prefix`` leads to ``raw``."""
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
            expected = "a table" if field.table else words(field.type)
            yield Mistake(prefix + field.name, f"is missing: expected {expected}")


def sound(raw: Raw, settings: Settings) -> Raw:
    """What ``compare`` has nothing to say against; it converts without a complaint.

    A list of tables keeps its numbering or is left out as a whole.
    """
    kept: Raw = {}
    for field in fields(settings):
        value = raw.get(field.name)
        if value is None:
            continue
        if field.table is None:
            if _converts(value, field.type):
                kept[field.name] = value
            continue
        inner = [sound(table, field.table.settings) for _, table in inner_tables(value, field.table, "")]
        complete = all(_is_complete(table, field.table.settings) for table in inner)
        if field.table.many and complete and isinstance(value, list) and len(inner) == len(value):
            kept[field.name] = inner
        elif not field.table.many and complete and inner:
            kept[field.name] = inner[0]
    return kept


def _is_complete(raw: Raw, settings: Settings) -> bool:
    return all(field.name in raw for field in fields(settings) if field.required)


def _compare_table(value: object, field: Field, table: Table, prefix: str) -> Iterator[Mistake]:
    key = prefix + field.name
    tables = list(inner_tables(value, table, key))
    expected = len(value) if table.many and isinstance(value, list) else 1
    if len(tables) != expected:
        header = f"[[{key}]]" if table.many else f"[{key}]"
        yield Mistake(key, f"expected {'tables' if table.many else 'a table'}: {header}")
    for inner_key, inner in tables:
        yield from compare(inner, table.settings, f"{inner_key}.")


def _compare_value(value: object, field: Field, prefix: str) -> Iterator[Mistake]:
    key = prefix + field.name
    if isinstance(value, dict) and get_origin(field.type) is dict:
        inner = get_args(field.type)[1]
        for name, item in value.items():
            if not _converts(item, inner):
                yield Mistake(f"{key}.{name}", f"expected {words(inner)}", _shown(item, field))
    elif not _converts(value, field.type):
        yield Mistake(key, f"expected {words(field.type)}", _shown(value, field))


def _converts(value: object, type_: object) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return True


def _nearest(name: str, known: Mapping[str, Field], prefix: str) -> str:
    if renamed := _RENAMED.get(re.sub(r"\[\d+\]", "", prefix) + name):
        return f"is called {prefix}{renamed} now"
    secrets = [field.name + FILE for field in known.values() if field.secret]
    near = closest(name, [*known, *secrets])
    return f"unknown key; did you mean {prefix}{near}?" if near else "unknown key"


def _shown(value: object, field: Field) -> str:
    if field.secret:
        return ""
    try:
        text = render(value)
    except TypeError:  # a date of TOML: no setting is one, so there is no way to write it here
        return str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def inner_tables(value: object, table: Table, key: str) -> Iterator[tuple[str, Raw]]:
    """The tables that stand at a key, with their own keys; what is no table is left to ``compare``."""
    if isinstance(value, dict) and not table.many:
        yield key, value
    elif isinstance(value, list) and table.many:
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield f"{key}[{index}]", item
