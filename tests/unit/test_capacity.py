# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of docs/scaling.md."""

from __future__ import annotations

import msgspec
import pytest

from tests.bench.capacity import Costs, Machines, Traffic, load, need

COSTS = Costs(deposit=0.004, session=0.002, database_deposit=0.001, database_session=0.003)


def test_the_busy_hour_of_a_small_carrier_by_hand() -> None:
    traffic = Traffic(subscribers=36_000, deposits_a_day=1.0, busy_hour=0.1, sessions_per_deposit=2.0)
    found = need(traffic, COSTS, Machines())
    assert found.deposits == pytest.approx(1.0)
    assert found.sessions == pytest.approx(2.0)
    assert found.cores == pytest.approx(0.008)
    assert found.commits == pytest.approx(4.2)
    assert found.database_cores == pytest.approx(0.007)
    assert (found.nodes, found.shards, found.binds) == (1, 1, 1)
    assert found.blob_octets == 36_000 * 20 * 45_000


def test_what_comes_as_wav_is_transcoded() -> None:
    costs = Costs(deposit=0.004, session=0.0, transcoding=0.1)
    traffic = Traffic(subscribers=36_000, deposits_a_day=1.0, busy_hour=0.1, transcoded=0.5)
    found = need(traffic, costs, Machines())
    assert (found.cores, found.transcoding) == (pytest.approx(0.054), pytest.approx(0.05))


def test_everything_grows_with_the_subscribers_and_nothing_faster() -> None:
    one, ten = (need(Traffic(subscribers=count), COSTS, Machines()) for count in (10_000_000, 100_000_000))
    for name in (
        "deposits",
        "sessions",
        "sms",
        "commits",
        "cores",
        "database_cores",
        "memory_octets",
        "row_octets",
    ):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name))
    assert one.nodes <= ten.nodes <= 10 * one.nodes


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"smsc_rate": 1.0}, "rate of an SMSC bind"),
        ({"shard_cores": 1}, "cores of the database"),
        ({"shard_octets": 1e9}, "disk of the database"),
        ({"cores": 1, "full": 0.001, "memory_octets": 1e15}, "cores of the nodes"),
        ({"memory_octets": 1e6}, "memory of the nodes"),
    ],
)
def test_the_first_bottleneck_is_what_is_scarcest(change: dict[str, float], first: str) -> None:
    assert need(Traffic(), COSTS, msgspec.structs.replace(Machines(), **change)).first == first


def test_a_load_is_the_sum_of_its_parts() -> None:
    assert load(COSTS, deposits=10, sessions=20, idle=0.01) == pytest.approx(0.09)
