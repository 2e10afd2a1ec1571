# SPDX-License-Identifier: Apache-2.0
"""What can be configured, read off the structs: names, types, defaults, and the line that documents each.

The structs are the only source.  The loader, the messages for mistakes, ``vvm config explain`` and
the reference all look at them through this module, so that none of them can disagree.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache

import msgspec

Settings = type[msgspec.Struct]
FILE = "_file"
"""Ends the key that names a file in which a secret stands."""

_WORDS: dict[object, str] = {
    str: "string",
    int: "whole number",
    float: "number",
    bool: "true or false",
}


class Table(msgspec.Struct, frozen=True):
    """A field whose value is a table of its own, or a list of them."""

    settings: Settings
    many: bool
    optional: bool


class Field(msgspec.Struct, frozen=True):
    """One key of a section."""

    settings: Settings
    """The struct it belongs to."""
    name: str
    type: object
    """The annotation, resolved."""
    default: object
    """msgspec.NODEFAULT when the key is required."""
    computed: bool
    """The default depends on the machine."""

    @property
    def doc(self) -> str:
        """Its docstring on one line; "" for a table that documents itself."""
        return _docs(self.settings).get(self.name, "")

    @property
    def required(self) -> bool:
        return self.default is msgspec.NODEFAULT

    @property
    def secret(self) -> bool:
        """Never shown; may stand in a file that the key ``<name>_file`` names."""
        return self.name in {"password", "secret_key"} or self.name.endswith("_password")

    @property
    def table(self) -> Table | None:
        return _table(self.type)


@cache
def fields(settings: Settings) -> tuple[Field, ...]:
    """The keys of a struct, in its order."""
    return tuple(
        Field(
            settings=settings,
            name=field.name,
            type=field.type,
            default=_default(field),
            computed=field.default_factory not in {msgspec.NODEFAULT, dict, list},
        )
        for field in msgspec.structs.fields(settings)
    )


def field_at(settings: Settings, path: Sequence[str]) -> Field | None:
    """The field that a path of names leads to, passing over the numbers of a list; None if there is none."""
    found: Field | None = None
    inside: Settings | None = settings
    for name in path:
        if name.isdigit() and found and found.table and found.table.many:
            continue
        found = next((field for field in fields(inside) if field.name == name), None) if inside else None
        inside = found.table.settings if found and found.table else None
    return found


def is_text(type_: object) -> bool:
    """A string, or one of a choice of strings."""
    if typing.get_origin(type_) is typing.Literal:
        return True
    return isinstance(type_, type) and issubclass(type_, str)


def intro(settings: Settings) -> str:
    """The struct's own docstring on one line; "" when it has none."""
    doc = settings.__doc__
    return _flat(doc) if doc else ""


def words(type_: object) -> str:
    """What a value of this type is, in an operator's words."""
    if type_ in _WORDS:
        return _WORDS[type_]
    arguments = typing.get_args(type_)
    origin = typing.get_origin(type_)
    if origin is typing.Literal:
        return " or ".join(f'"{choice}"' for choice in arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"list of {_plural(arguments[0])}"
    if origin is tuple:
        return f"list of {len(arguments)} {_plural(arguments[0])}"
    if origin is types.UnionType and arguments[1:] == (types.NoneType,):
        return words(arguments[0])
    if origin is dict:
        return f"table of {words(arguments[1])}"
    if isinstance(type_, type) and issubclass(type_, StrEnum):
        return " or ".join(f'"{choice}"' for choice in type_)
    raise TypeError(f"no words for the type {type_!r} of a setting")


def _plural(type_: object) -> str:
    if typing.get_origin(type_) is tuple:
        return words(type_).replace("list", "lists", 1)
    if typing.get_origin(type_) is typing.Literal:
        return words(type_)
    return words(type_) + "s"


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _table(type_: object) -> Table | None:
    arguments = typing.get_args(type_)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return Table(type_, many=False, optional=False)
    if typing.get_origin(type_) is tuple and (inner := _table(arguments[0])):
        return Table(inner.settings, many=True, optional=False)
    if typing.get_origin(type_) in {typing.Union, types.UnionType} and (inner := _table(arguments[0])):
        return Table(inner.settings, many=False, optional=True)
    return None


@cache
def _docs(settings: Settings) -> dict[str, str]:
    """The string literal after each annotated field; Python itself does not keep it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(settings))).body[0]
    return dict(_documented(typing.cast("ast.ClassDef", tree)))


def _documented(tree: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                yield name, _flat(doc)


def _flat(doc: str) -> str:
    """On one line, and as Markdown marks code."""
    return " ".join(doc.split()).replace("``", "`")
