# SPDX-License-Identifier: Apache-2.0
"""Holds an exchange against openapi.yaml: whatever a unit test's client hears must be what we promise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

ROOT = "/v1"


def document() -> dict[str, Any]:
    text = files("vvm.fronts.http").joinpath("openapi.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


@cache
def _contract() -> OpenAPI:
    readers: Any = {"application/problem+json": json.loads, "application/yaml": bytes.decode}
    readers |= dict.fromkeys(("audio/amr", "audio/wav", "audio/ogg", "audio/mpeg"), bytes)
    return OpenAPI.from_dict(cast("Any", document()), Config(extra_media_type_deserializers=readers))


class _Request:
    def __init__(self, method: str, path: str) -> None:
        split = urlsplit(path)
        self.method = method.lower()
        self.host_url = ""
        self.path = split.path
        self.full_url_pattern = split.path
        self.parameters = RequestParameters(query=ImmutableMultiDict(parse_qsl(split.query)))
        self.body = None
        self.content_type = "application/json"


class _Response:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code = status
        self.headers = Headers(list(headers.items()))
        self.data = body or None
        self.content_type = headers.get("Content-Type", "application/json").partition(";")[0]


def validate(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raises what openapi-core finds wrong.  404 and 405 of the router are promised for any path."""
    if not path.startswith(ROOT + "/"):
        return
    routed = any(
        method.lower() in operations and _matches(template, urlsplit(path).path[len(ROOT) :])
        for template, operations in document_paths().items()
    )
    if routed:
        _contract().validate_response(
            cast("Any", _Request(method, path)), cast("Any", _Response(status, headers, body))
        )
    else:
        assert status in {400, 401, 404, 405}, f"{method} {path} is not in openapi.yaml"


@cache
def document_paths() -> dict[str, Any]:
    return cast("dict[str, Any]", document()["paths"])


def _matches(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        one.startswith("{") or one == other for one, other in zip(wanted, given, strict=True)
    )
