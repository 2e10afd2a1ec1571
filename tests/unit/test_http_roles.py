# SPDX-License-Identifier: Apache-2.0
"""Who may call what: the role matrix both ways from the table of routes, and how often a token may call."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import structlog

from tests.unit.http_api import Api, api, api_services
from tests.unit.services_world import ALICE, World
from vvm.domain.access import ROLES, InvalidToken, Role, Scope
from vvm.fronts.http.app import Route, routes
from vvm.fronts.http.rates import Rates, TooManyRequests
from vvm.fronts.http.settings import HttpSettings

FREE = HttpSettings(requests_per_second=0)
ROUTES = routes(api_services(World()), FREE)
SAMPLES = {"msisdn": ALICE, "name": "gold"}


def path_of(route: Route) -> str:
    names = re.sub(r"{(\w+)(:[^/]*?}?)?}", lambda found: SAMPLES.get(found[1], "1"), route.path)
    return "/v1" + re.sub(r"1}", "1", names)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[Api]:
    async with api(world, FREE) as running:
        yield running


@pytest.mark.parametrize("role", Role)
async def test_a_role_opens_its_scopes_and_nothing_else(http: Api, world: World, role: Role) -> None:
    _, secret = await world.tokens.create("it", role)
    for route in ROUTES:
        answer = await http.call(route.method, path_of(route), token=secret.reveal())
        if route.scope is None or route.scope in ROLES[role]:
            assert answer.status not in {401, 403}, (route.method, route.path)
        else:
            assert answer.problem == (403, "forbidden"), (route.method, route.path)


@pytest.mark.parametrize("scope", Scope)
async def test_a_token_may_have_less_than_its_role(http: Api, world: World, scope: Scope) -> None:
    _, secret = await world.tokens.create("it", Role.ADMIN, scopes=frozenset({scope}))
    for route in ROUTES:
        answer = await http.call(route.method, path_of(route), token=secret.reveal())
        assert (answer.status == 403) is (route.scope not in {None, scope}), (route.method, route.path)


def test_support_hears_nothing_and_billing_changes_nothing() -> None:
    assert not ROLES[Role.SUPPORT] & {Scope.AUDIO_READ, Scope.CREDENTIAL_WRITE}
    assert all(scope.endswith(":read") for scope in ROLES[Role.BILLING])
    assert ROLES[Role.ADMIN] == frozenset(Scope)


async def test_a_token_cannot_have_more_than_its_role(world: World) -> None:
    with pytest.raises(InvalidToken, match="deposit has no audio:read"):
        await world.tokens.create("it", Role.DEPOSIT, scopes=frozenset({Scope.AUDIO_READ}))


async def test_a_token_ends_when_it_is_revoked_or_too_old(http: Api, world: World) -> None:
    _, revoked = await world.tokens.create("one", Role.ADMIN)
    _, old = await world.tokens.create("two", Role.ADMIN, life=timedelta(days=1))
    for secret in (revoked, old):
        assert (await http.call("GET", "/v1/cos", token=secret.reveal())).status == 200
    await world.tokens.revoke("one")
    world.clock.advance(timedelta(days=1))
    for secret in (revoked, old):
        assert (await http.call("GET", "/v1/cos", token=secret.reveal())).problem == (401, "unauthorized")


async def test_the_log_names_the_caller_and_never_its_token(http: Api, world: World) -> None:
    _, secret = await world.tokens.create("crm", Role.ADMIN)
    with structlog.testing.capture_logs() as events:
        await http.call("GET", "/v1/cos", token=secret.reveal())
    (event,) = [one for one in events if one["event"] == "request_served"]
    assert event["token_name"] == "crm"
    assert secret.reveal() not in str(events)


async def test_who_calls_too_often_is_told_when_to_come_again(world: World) -> None:
    _, slow = await world.tokens.create("slow", Role.ADMIN, rate=0.01)
    _, quick = await world.tokens.create("quick", Role.ADMIN)
    async with api(world) as http:
        assert (await http.call("GET", "/v1/cos", token=slow.reveal())).status == 200
        answer = await http.call("GET", "/v1/cos", token=slow.reveal())
        assert (await http.call("GET", "/v1/cos", token=quick.reveal())).status == 200
    assert answer.problem == (429, "too_many_requests")
    assert 0 < int(answer.headers["Retry-After"]) <= 100


def test_a_bucket_fills_again() -> None:
    now = 0.0
    rates = Rates(seconds=2.0, now=lambda: now)
    for _ in range(4):
        rates.take("it", 2.0)
    with pytest.raises(TooManyRequests, match="again in 1 s"):
        rates.take("it", 2.0)
    now = 0.5
    rates.take("it", 2.0)
    with pytest.raises(TooManyRequests):
        rates.take("it", 2.0)
