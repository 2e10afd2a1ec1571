# SPDX-License-Identifier: Apache-2.0
"""What keeps a document from the form that a struct gives it, in the words of who wrote the document.

The decoder says "Expected `int | null`, got `str` - at `$.max_messages`".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

import msgspec
from msgspec import inspect

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
}
_NEAR = 0.5
"""Of difflib's ratio."""
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_A_MOMENT = "a time like 2026-11-23T08:00:00Z, with its offset"
_PLACE = re.compile(r" - at `\$?(?:\.)?(.*)`\Z")
_STEP = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
_EXPECTED = re.compile(r"Expected `([a-z0-9_| ]+)`, got `(\w+)`\Z")
_BOUND = re.compile(r"Expected `\w+` ([<>]=?) (\S+)\Z")
_LENGTH = re.compile(r"Expected `(\w+)` of length ([<>]=?) (\d+)\Z")
_PATTERN = re.compile(r"Expected `str` matching regex (.+)\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z")


class Fault(msgspec.Struct, frozen=True):
    where: str
    """As ``client.port``; "" for the whole document."""
    rule: str
    """What it must be."""
    got: str = ""
    """The kind of thing that it is, where that is what is wrong; no value is quoted."""

    def __str__(self) -> str:
        what = f"{self.rule}, and not {self.got}" if self.got else self.rule
        return f"{self.where}: {what}" if self.where else what


def fault_of(error: msgspec.DecodeError, type_: object) -> Fault:
    """What ``error`` says of a document that should have become a ``type_``."""
    text = str(error)
    place = _PLACE.search(text)
    where, what = ("", text) if place is None else (place[1], text[: place.start()])
    info, described = _found(inspect.type_info(type_), where)
    if field := _UNKNOWN.match(what) or _MISSING.match(what):
        inner = f"{where}.{field[1]}" if where else field[1]
        return Fault(inner, _unknown(field[1], info) if "unknown" in what else "is missing")
    if expected := _EXPECTED.match(what):
        kinds = [_KINDS.get(kind, kind) for kind in expected[1].split(" | ") if kind != "null"]
        return Fault(where, " or ".join(kinds), _KINDS.get(expected[2], expected[2]))
    return Fault(where, _rule(what, info, described))


def closest(word: str, known: Iterable[str]) -> str | None:
    """Which of the known was meant, if one of them is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=_NEAR)
    return near[0] if near else None


def nearest(word: str, known: list[str]) -> str:
    """A question, or else all that is known."""
    near = closest(word, known)
    return f"did you mean {near}?" if near else f"known are {', '.join(known)}"


def _unknown(name: str, info: inspect.Type | None) -> str:
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return f"unknown, {nearest(name, [field.encode_name for field in fields])}"


def _rule(what: str, info: inspect.Type | None, described: str) -> str:
    if bound := _BOUND.match(what):
        return f"{_BOUNDS[bound[1]]} {bound[2]}"
    if length := _LENGTH.match(what):
        return f"{_BOUNDS[length[2]]} {length[3]} {'characters' if length[1] == 'str' else 'of them'}"
    if pattern := _PATTERN.match(what):
        return described or f"a text of the form {pattern[1]}"
    if what.startswith("Invalid enum value") and (choices := _choices(info)):
        return f"one of {', '.join(choices)}"
    if "RFC3339" in what or what.startswith("Expected `datetime`"):
        return _A_MOMENT
    if what == "Input data was truncated":
        return "the JSON ends too early"
    return what


def _choices(info: inspect.Type | None) -> list[str]:
    if isinstance(info, inspect.EnumType):
        return [str(member.value) for member in info.cls]
    values = info.values if isinstance(info, inspect.LiteralType) else ()
    return [str(value) or '""' for value in values]


def _found(info: inspect.Type, where: str) -> tuple[inspect.Type | None, str]:
    """The type at a place, and its description; None: the place says too little."""
    found, described = _bare(info)
    for step in _STEP.findall(where):
        inner: inspect.Type | None = None
        if isinstance(found, inspect.StructType):
            inner = next((field.type for field in found.fields if field.encode_name == step), None)
        elif isinstance(found, inspect.ListType | inspect.VarTupleType | inspect.SetType):
            inner = found.item_type
        elif isinstance(found, inspect.DictType):
            inner = found.value_type
        if inner is None:
            return None, ""
        found, described = _bare(inner)
    return found, described


def _bare(info: inspect.Type) -> tuple[inspect.Type, str]:
    """Without ``| None`` and what annotates it."""
    described = ""
    while True:
        if isinstance(info, inspect.Metadata):
            described = str((info.extra_json_schema or {}).get("description", described))
            info = info.type
        elif isinstance(info, inspect.UnionType):
            info = next(one for one in info.types if not isinstance(one, inspect.NoneType))
        else:
            return info, described
