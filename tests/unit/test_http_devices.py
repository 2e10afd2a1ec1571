# SPDX-License-Identifier: Apache-2.0
"""Devices over HTTP: an operator's view, and a client that brings its code."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.unit.http_api import ANSWER_SECONDS, Api, api
from tests.unit.services_world import ALICE, BOB, World
from vvm.fronts.http.self_service import SelfService, build_self_service
from vvm.fronts.http.server import serving
from vvm.fronts.http.settings import HttpSettings
from vvm.services.login import LoginRefused
from vvm.services.settings import ServiceSettings

DEVICES = f"/v1/subscribers/{ALICE}/devices"


def basic(login: str, password: str) -> str:
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()


@asynccontextmanager
async def self_service(world: World) -> AsyncIterator[Api]:
    settings = HttpSettings()
    registry = CollectorRegistry()
    services = SelfService(
        world.subscription,
        world.device_codes,
        world.devices,
        world.login,
        ServiceSettings(imap_host="vvm.example.net", imap_port=143),
    )
    app = build_self_service(services, settings, url="http://h", registry=registry)
    async with (
        serving(app, settings, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        ) as session,
    ):
        yield Api(session, port, registry)


async def test_an_operator_adds_lists_and_revokes() -> None:
    world = World()
    await world.subscriber()
    async with api(world) as client:
        added = await client.call("POST", DEVICES, json={"name": "Tablet", "profile": "mail"})
        assert added.status == 201
        device = added.json
        assert added.headers["Location"] == f"{DEVICES}/{device['id']}"
        await world.login(str(device["login"]), str(device["password"]))
        listed = await client.call("GET", DEVICES)
        (seen,) = listed.json["devices"]  # type: ignore[misc]  # a list
        assert (seen["name"], seen["profile"], seen["login"]) == ("Tablet", "mail", device["login"])
        assert seen["last_used_at"] is not None
        assert str(device["password"]) not in listed.text
        assert (await client.call("DELETE", f"{DEVICES}/{device['id']}")).status == 204
        with pytest.raises(LoginRefused):
            await world.login(str(device["login"]), str(device["password"]))
        assert (await client.call("DELETE", f"{DEVICES}/{device['id']}")).problem == (404, "unknown_device")


async def test_what_an_operator_may_not_say_is_told() -> None:
    world = World()
    await world.subscriber()
    async with api(world) as client:
        assert (await client.call("POST", DEVICES, json={})).problem == (400, "bad_request")
        assert (await client.call("POST", DEVICES, json={"name": "\n"})).problem == (422, "invalid_device")
        for _ in range(3):
            assert (await client.call("POST", DEVICES, json={"name": "Tablet"})).status == 201
        assert (await client.call("POST", DEVICES, json={"name": "Tablet"})).problem == (
            409,
            "too_many_devices",
        )
        other = f"/v1/subscribers/{BOB}/devices"
        assert (await client.call("GET", other)).problem == (404, "unknown_subscriber")


async def test_a_client_is_activated_by_its_code_and_signs_out() -> None:
    world = World()
    await world.subscriber()
    async with self_service(world) as client:
        asked = await client.call("POST", "/client/v1/codes", json={"msisdn": ALICE}, token=None)
        assert asked.status == 202
        (text,) = await world.texts()
        (code,) = re.findall(r"\d{8}", text)
        wanted = {"msisdn": ALICE, "code": code, "name": "Tablet"}
        added = await client.call("POST", "/client/v1/devices", json=wanted, token=None)
        assert added.status == 201
        assert added.headers["Cache-Control"] == "no-store"
        account = added.json["imap"]
        assert isinstance(account, dict)
        assert (account["host"], account["port"], account["security"]) == ("vvm.example.net", 143, "starttls")
        login, password = account["login"], account["password"]
        await world.login(login, password)
        headers = {"Authorization": basic(login, password)}
        ended = await client.call("DELETE", "/client/v1/devices/self", headers=headers, token=None)
        assert ended.status == 204
        again = await client.call("DELETE", "/client/v1/devices/self", headers=headers, token=None)
        assert again.problem == (401, "unauthorized")


async def test_who_is_not_served_is_answered_as_who_is() -> None:
    world = World()
    await world.subscriber()
    async with self_service(world) as client:
        answers = [
            await client.call("POST", "/client/v1/codes", json={"msisdn": number}, token=None)
            for number in (ALICE, BOB)
        ]
        assert {(answer.status, answer.text) for answer in answers} == {(202, "")}
        for number in (ALICE, BOB):
            guess = {"msisdn": number, "code": "x", "name": "Tablet"}
            answer = await client.call("POST", "/client/v1/devices", json=guess, token=None)
            assert answer.problem == (403, "wrong_code")
        for _ in range(4):
            await client.call("POST", "/client/v1/codes", json={"msisdn": BOB}, token=None)
        over = await client.call("POST", "/client/v1/codes", json={"msisdn": BOB}, token=None)
        assert over.problem == (429, "too_many_requests")


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Basic YQ==", "Bearer x", "Basic w6k6w6k="])
async def test_only_a_device_signs_itself_out(header: str) -> None:
    world = World()
    alice = await world.subscriber()
    own = world.keyring.open(alice.imap_user, alice.password_sealed).reveal()
    async with self_service(world) as client:
        for given in (header, basic(alice.imap_user, own)):
            headers = {"Authorization": given}
            answer = await client.call("DELETE", "/client/v1/devices/self", headers=headers, token=None)
            assert answer.problem == (401, "unauthorized")
