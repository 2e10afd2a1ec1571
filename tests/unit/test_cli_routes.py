# SPDX-License-Identifier: Apache-2.0
"""Whatever the API does, an operator can do by hand: each route has its command, which speaks JSON too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.unit.http_api import api_services
from tests.unit.http_contract import document, document_paths
from tests.unit.services_world import World
from vvm.cli.main import main
from vvm.fronts.http.app import routes
from vvm.fronts.http.settings import HttpSettings

ONE = "/subscribers/{msisdn}"
TWINS = {
    ("GET", "/subscribers"): "subscriber list",
    ("POST", "/subscribers:batch"): "subscriber import",
    ("GET", ONE): "subscriber show",
    ("PUT", ONE): "subscriber add",
    ("PATCH", ONE): "subscriber set",
    ("DELETE", ONE): "subscriber remove",
    ("POST", f"{ONE}/password"): "subscriber rotate",
    ("POST", f"{ONE}/pin"): "subscriber reset-pin",
    ("POST", f"{ONE}/activation"): "subscriber activate",
    ("POST", f"{ONE}/deactivation"): "subscriber deactivate",
    ("POST", f"{ONE}/status"): "subscriber announce",
    ("GET", "/audit"): "audit list",
    ("POST", f"{ONE}/notifications"): "notification resend",
    ("GET", f"{ONE}/audit"): "subscriber audit",
    ("GET", f"{ONE}/devices"): "device list",
    ("POST", f"{ONE}/devices"): "device add",
    ("GET", f"{ONE}/devices/{{device}}"): "device show",
    ("DELETE", f"{ONE}/devices/{{device}}"): "device revoke",
    ("GET", f"{ONE}/timeline"): "subscriber timeline",
    ("GET", "/notifications/dead"): "notification list",
    ("POST", "/notifications/{id}/resend"): "notification resend",
    ("GET", f"{ONE}/messages"): "message list",
    ("POST", f"{ONE}/messages"): "message deposit",
    ("GET", f"{ONE}/messages/{{uid}}"): "message show",
    ("PATCH", f"{ONE}/messages/{{uid}}"): "message mark",
    ("DELETE", f"{ONE}/messages/{{uid}}"): "message delete",
    ("GET", f"{ONE}/messages/{{uid}}/audio"): "message audio",
    ("GET", f"{ONE}/deleted"): "message deleted",
    ("POST", f"{ONE}/deleted/{{deleted}}/restore"): "message restore",
    ("PUT", f"{ONE}/hold"): "subscriber hold",
    ("PUT", f"{ONE}/closure"): "subscriber close",
    ("POST", f"{ONE}/number"): "subscriber renumber",
    ("POST", f"{ONE}/sim"): "subscriber swap-sim",
    ("GET", f"{ONE}/aliases"): "subscriber aliases",
    ("PUT", f"{ONE}/aliases/{{alias}}"): "subscriber add-alias",
    ("DELETE", f"{ONE}/aliases/{{alias}}"): "subscriber remove-alias",
    ("GET", f"{ONE}/greetings"): "greeting list",
    ("POST", f"{ONE}/greetings"): "greeting add",
    ("GET", f"{ONE}/greetings/{{uid}}"): "greeting show",
    ("PATCH", f"{ONE}/greetings/{{uid}}"): "greeting use",
    ("DELETE", f"{ONE}/greetings/{{uid}}"): "greeting remove",
    ("GET", f"{ONE}/greetings/{{uid}}/audio"): "greeting audio",
    ("GET", "/cos"): "cos list",
    ("GET", "/cos/{name}"): "cos show",
    ("PUT", "/cos/{name}"): "cos put",
    ("DELETE", "/cos/{name}"): "cos remove",
    ("GET", "/events"): "event list",
    ("GET", "/webhooks"): "webhook list",
    ("POST", "/webhooks"): "webhook add",
    ("GET", "/webhooks/{webhook}"): "webhook show",
    ("PATCH", "/webhooks/{webhook}"): "webhook set",
    ("DELETE", "/webhooks/{webhook}"): "webhook remove",
    ("POST", "/webhooks/{webhook}/secret"): "webhook rotate",
    ("POST", "/webhooks/{webhook}/replay"): "webhook replay",
    ("GET", "/webhooks/{webhook}/dead"): "webhook dead",
    ("POST", "/webhooks/{webhook}/dead/{event}/resend"): "webhook resend",
}
AS_ARGUMENT = {("message audio", "format"), ("greeting audio", "format")}
"""The end of the file's name says it."""
SAID_OTHERWISE = {
    ("subscriber import", "items"): "the file",
    ("subscriber add", "pin"): "--pin-file",
    ("subscriber set", "pin"): "--pin-file",
    ("subscriber add", "client-client-type"): "--client-type",
    ("subscriber set", "client-client-type"): "--client-type",
    ("subscriber add", "client-manners"): "--manners",
    ("subscriber set", "client-manners"): "--manners",
    ("subscriber hold", "held"): "vvm subscriber release",
    ("subscriber close", "closed"): "vvm subscriber reopen",
    ("subscriber renumber", "msisdn"): "an argument",
    ("webhook add", "url"): "an argument",
    ("subscriber add", "if-match"): "vvm subscriber set",
    ("subscriber add", "new"): "it adds only",
    ("subscriber add-alias", "new"): "it tells whether the alias was there",
}
"""A member of a document, or a condition, that is no option of its name."""
NOBODY_NEEDS = {("GET", "/openapi.yaml")}
"""It describes the API itself."""


def test_each_route_has_a_command_and_each_of_the_table_a_route() -> None:
    served = {
        (route.method, re.sub(r"{(\w+):[^/]*}+", r"{\1}", route.path))
        for route in routes(api_services(World()), HttpSettings())
    }
    assert served - NOBODY_NEEDS == set(TWINS)


def test_each_name_of_a_query_is_an_option_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for route in routes(api_services(World()), HttpSettings()):
        if not route.query:
            continue
        command = TWINS[route.method, re.sub(r"{(\w+):[^/]*}+", r"{\1}", route.path)]
        assert main([*command.split(), "--help"]) == 0
        said = capsys.readouterr().out
        for name in route.query:
            if (command, name) not in AS_ARGUMENT:
                assert f"--{name.replace('_', '-')} " in said, f"vvm {command}: {name}"


CONDITIONS = {"ifMatch": "if-match", "ifNew": "new", "ifNoneMatch": "etag"}
"""Headers of the contract, and the options that stand for them."""


def _members(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Of a document, as options spell them; of one that stands in another with its name before them."""
    schema = _resolved(schema)
    for name, inner in schema.get("properties", {}).items():
        option = prefix + name.replace("_", "-")
        if "properties" in _resolved(inner):
            yield from _members(inner, f"{option}-")
        else:
            yield option


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _wishes(operation: Mapping[str, Any]) -> Iterator[str]:
    """What a request may say beside its path and its query."""
    body = _resolved(operation.get("requestBody", {}))
    yield from _members(body.get("content", {}).get("application/json", {}).get("schema", {}))
    for parameter in operation.get("parameters", ()):
        name = parameter.get("$ref", "").rpartition("/")[2]
        if name in CONDITIONS:
            yield CONDITIONS[name]


def test_each_member_of_a_document_and_each_condition_is_an_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing, needless = [], set(SAID_OTHERWISE)
    for (method, path), command in TWINS.items():
        assert main([*command.split(), "--help"]) == 0
        said = capsys.readouterr().out
        for wish in _wishes(document_paths()[path][method.lower()]):
            if (command, wish) in SAID_OTHERWISE:
                needless.discard((command, wish))
            elif f"--{wish} " not in said:
                missing.append(f"vvm {command}: --{wish}")
    assert missing == []
    assert needless == set()


@pytest.mark.parametrize("command", sorted(set(TWINS.values())))
def test_a_command_explains_itself_and_speaks_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert "--json" in said
    assert "--config" in said
    description = said.partition("Usage:")[2].strip().splitlines()[1:3]
    assert any(len(line.split()) > 2 for line in description), said
