# SPDX-License-Identifier: Apache-2.0
"""What openapi.yaml says of a request's document is what the program decodes: nothing more, nothing less.

Which type that is nobody writes down: each operation is called, and what it decodes is looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

import msgspec
import pytest

from tests.unit.http_api import Api, api
from tests.unit.http_contract import ROOT, document, document_paths
from tests.unit.services_world import ALICE, World
from vvm.domain.subscriber import Manners
from vvm.fronts.http.fields import Profile

Schema = Mapping[str, Any]

_SAID_TO_PEOPLE = {"title", "description", "default", "writeOnly"}
_NOTHING = "nothing"
_JSON = "application/json"
_IN_PATHS = {"msisdn": ALICE, "name": "gold", "alias": "+33612000001"}


def _plain(schema: Schema, root: Schema) -> list[dict[str, Any]]:
    """All forms that a value may have, in one spelling; the same for who says it with other words."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _plain(target, root)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _sorted(form for one in schema[several] for form in _plain(one, root))
    said = {name: value for name, value in schema.items() if name not in _SAID_TO_PEOPLE}
    if "enum" in said:
        words = sorted(word for word in said["enum"] if word is not None)
        return [{"enum": words}] + [{"type": "null"}] * (None in said["enum"])
    types = said.pop("type")
    types = [types] if isinstance(types, str) else types
    return _sorted(_form(kind, {} if kind == "null" else said, root) for kind in types)


def _form(kind: str, said: Schema, root: Schema) -> dict[str, Any]:
    form = {"type": kind, **said}
    if "items" in form:
        form["items"] = _plain(form["items"], root)
    if kind == "object":
        properties = form.get("properties", {})
        form["properties"] = {name: _plain(inner, root) for name, inner in properties.items()}
        form["required"] = sorted(form.get("required", ()))
    return form


def _sorted(forms: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(forms, key=lambda form: json.dumps(form, sort_keys=True))


def _decoded(type_: type) -> list[dict[str, Any]]:
    """Of a type, with its patterns as ECMA 262 spells them: ``$`` of Python lets a line feed pass."""
    text = json.dumps(msgspec.json.schema(type_))
    text = re.sub(r'("pattern": "(?:[^"\\]|\\.)*?)\$"', r'\1$ or a line feed"', text)
    root = json.loads(text.replace(r"\\Z", "$"))
    return _plain(root, root)


def _operations() -> Iterator[tuple[str, str, Schema]]:
    for path, operations in document_paths().items():
        for method in sorted(operations.keys() & {"put", "post", "patch", "delete"}):
            yield method.upper(), path, operations[method]


def _body(operation: Schema) -> Schema:
    """What the contract says of a body; {} where there is none."""
    found = operation.get("requestBody", {})
    bodies = document()["components"]["requestBodies"]
    return bodies[found["$ref"].rpartition("/")[2]] if "$ref" in found else found


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> list[type]:
    """What is decoded from now on."""
    seen: list[type] = []
    convert = msgspec.convert

    def watched(value: object, type_: type, **options: Any) -> Any:
        seen.append(type_)
        return convert(value, type_, **options)

    monkeypatch.setattr("vvm.fronts.http.body.msgspec.convert", watched)
    return seen


async def _types_of(http: Api, method: str, path: str, seen: list[type]) -> list[type]:
    """Those that an operation decodes a body with that nothing can be made of."""
    seen.clear()
    filled = re.sub(r"{(\w+)}", lambda name: _IN_PATHS.get(name[1], "1"), path)
    await http.call(method, ROOT + filled, data=b'{"no such member": 1}')
    return list(seen)


def _differences(promised: Any, decoded: Any, place: str = "") -> Iterator[str]:
    """Each as one line: where it is, and what is on either side."""
    if isinstance(promised, dict) and isinstance(decoded, dict):
        for name in sorted(promised.keys() | decoded.keys()):
            yield from _differences(
                promised.get(name, _NOTHING), decoded.get(name, _NOTHING), f"{place}.{name}"
            )
    elif isinstance(promised, list) and isinstance(decoded, list) and len(promised) == len(decoded):
        for one, other in zip(promised, decoded, strict=True):
            yield from _differences(one, other, place)
    elif promised != decoded:
        yield f"{place}: promised {promised}, decoded {decoded}"


async def test_each_document_is_decoded_as_it_is_promised(types: list[type]) -> None:
    world = World()
    await world.subscriber()
    contract, wrong = document(), []
    async with api(world) as http:
        for method, path, operation in _operations():
            name, body = operation["operationId"], _body(operation)
            found = await _types_of(http, method, path, types)
            if _JSON not in body.get("content", {}):
                wrong += [f"{name}: decodes {type_.__name__}, which nobody promised" for type_ in found]
                continue
            (type_,) = found
            promised = _plain(body["content"][_JSON]["schema"], contract)
            wrong += _differences(promised, _decoded(type_), name)
            if body.get("required", False) is not bool(promised[0]["required"]):
                wrong.append(f"{name}: a body is required where a member is, and only there")
    assert wrong == []


def test_a_difference_of_any_kind_is_seen() -> None:
    class Same(msgspec.Struct, forbid_unknown_fields=True):
        word: str | None = None

    promised = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"word": {"type": ["null", "string"], "description": "for people"}},
    }
    assert _plain(promised, promised) == _decoded(Same)
    word = promised["properties"]["word"]
    for other in (
        promised | {"required": ["word"]},
        promised | {"additionalProperties": True},
        promised | {"properties": {"name": word}},
        *(
            promised | {"properties": {"word": word | more}}
            for more in ({"pattern": "^a$"}, {"maxLength": 9}, {"type": "string"}, {"enum": ["a"]})
        ),
    ):
        assert _plain(other, other) != _decoded(Same), other


def test_a_pattern_that_lets_a_line_feed_pass_is_not_the_same() -> None:
    class OpenEnded(msgspec.Struct):
        word: Annotated[str, msgspec.Meta(pattern="^a$")]

    class Closed(msgspec.Struct):
        word: Annotated[str, msgspec.Meta(pattern=r"^a\Z")]

    (open_ended,), (closed,) = _decoded(OpenEnded), _decoded(Closed)
    assert open_ended["properties"]["word"] == [{"type": "string", "pattern": "^a$ or a line feed"}]
    assert closed["properties"]["word"] == [{"type": "string", "pattern": "^a$"}]


def test_a_device_may_have_the_manners_of_any_client() -> None:
    assert set(get_args(Profile)) == {"", *Manners}
