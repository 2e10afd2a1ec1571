# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml is the contract: the routes are its paths, and it is a document that tools can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

import vvm
from tests.unit.http_api import api, api_services
from tests.unit.http_contract import document, document_paths, validate
from tests.unit.services_world import World
from vvm.domain.errors import Refusal
from vvm.domain.event import EventKind
from vvm.domain.message import Kind as MessageKind
from vvm.domain.notification import Cause
from vvm.domain.provisioning import Trigger
from vvm.domain.subscriber import Fallback
from vvm.fronts.http.app import routes
from vvm.fronts.http.problems import STATUS
from vvm.fronts.http.settings import HttpSettings
from vvm.services.resending import Kind

OF_A_PORTAL = {"not_invited", "bad_transaction"}
"""VVM3's pages are read by people and by no program."""
_METHODS = {"get", "put", "post", "patch", "delete"}


def test_the_document_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_the_routes_are_the_paths_both_ways() -> None:
    served = {
        (route.method.lower(), re.sub(r"{(\w+):[^/]*}+", r"{\1}", route.path))
        for route in routes(api_services(World()), HttpSettings())
    }
    promised = {
        (method, path)
        for path, operations in document_paths().items()
        for method in operations
        if method in _METHODS
    }
    assert served == promised


def test_every_name_of_a_query_is_promised() -> None:
    parameters = document()["components"]["parameters"]

    def names(operation: dict[str, object]) -> set[str]:
        given = operation.get("parameters", [])
        assert isinstance(given, list)
        found = [parameters[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in given]
        return {one["name"] for one in found if one["in"] == "query"}

    for route in routes(api_services(World()), HttpSettings()):
        path = re.sub(r"{(\w+):[^/]*}+", r"{\1}", route.path)
        assert names(document_paths()[path][route.method.lower()]) == set(route.query), route


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("Trigger", Trigger),
        ("Cause", Cause),
        ("Resent", Kind),
        ("EventKind", EventKind),
        ("Fallback", Fallback),
        ("MessageKind", MessageKind),
    ],
)
def test_every_name_of_an_enumeration_is_promised(schema: str, names: type[StrEnum]) -> None:
    assert set(document()["components"]["schemas"][schema]["enum"]) == set(names)


def test_each_code_that_has_a_status_is_raised_by_somebody_and_documented() -> None:
    for module in walk_packages(vvm.__path__, "vvm."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    raised = {refusal.code for refusal in _refusals(Refusal)}
    assert STATUS.keys() - raised == set()
    docs = Path(__file__).parents[2] / "docs"
    told = "".join((docs / name).read_text(encoding="utf-8") for name in ("http.md", "self-service.md"))
    assert [code for code in STATUS if f"`{code}`" not in told and code not in OF_A_PORTAL] == []


def _refusals(parent: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in parent.__subclasses__():
        yield child
        yield from _refusals(child)


async def test_the_contract_is_served() -> None:
    async with api(World()) as http:
        answer = await http.call("GET", "/v1/openapi.yaml")
    assert answer.headers["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(answer.text) == document()


def test_an_answer_that_was_not_promised_is_found() -> None:
    headers = {"Content-Type": "application/json"}
    with pytest.raises(Exception, match="Invalid"):
        validate("GET", "/v1/subscribers", 200, headers, b'{"subscribers": [], "next": 7}')
    with pytest.raises(AssertionError, match="not in openapi"):
        validate("GET", "/v1/nothing", 200, headers, b"{}")
