# SPDX-License-Identifier: Apache-2.0
"""What breaks under three nodes costs time, and nothing that was acknowledged.

After each fault the checker compares every view with what the load was promised.  Its figures are
printed (``pytest -s``), never asserted.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests import postgres
from tests.contract.buses import redis
from tests.peers.cluster.cluster import Cluster, cluster
from tests.peers.cluster.record import Lost, read
from tests.peers.cluster.relay import Mood
from vvm.store.rows import moment

pytestmark = [pytest.mark.peers, pytest.mark.process]

_PAUSE_SECONDS = 30.0
_LEASE_SECONDS = 10
_RATE = 2.0
_BURST = 10
"""Segments that the load may have heard a moment before or after they were sent."""


def lost(nodes: Cluster) -> list[Lost]:
    """IMAP sessions that ended, and whose clients would have gone on with them."""
    return read(Path(nodes.plan.record)).lost()


def ended(nodes: Cluster) -> list[Lost]:
    """Those that a node ended, and not the patience of a phone, which a busy machine wears out."""
    return [each for each in lost(nodes) if each.kind == "idle" or each.why != "TimeoutError"]


async def test_a_node_is_killed(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        await nodes.deposits(20)
        nodes.nodes["node2"].kill()
        await nodes.nodes["node2"].ended()
        await nodes.deposits(40)
        await nodes.nodes["node2"].start()
        await nodes.deposits(20)
        assert await nodes.finish() == []
        assert {each.node for each in lost(nodes)} <= {"node2"}


async def test_the_cable_of_a_node_is_pulled_and_plugged_in_again(tmp_path: Path) -> None:
    async with cluster(tmp_path, apart=["node2"], lease_seconds=_LEASE_SECONDS) as nodes:
        await nodes.deposits(20)
        nodes.machines["node2"].pull()
        await nodes.deposits(60)
        nodes.machines["node2"].plug()
        await nodes.deposits(40)
        assert await nodes.finish() == []
        assert {each.node for each in lost(nodes)} <= {"node2"}


async def test_a_node_that_slept_through_its_leases_does_nothing_twice(tmp_path: Path) -> None:
    async with cluster(tmp_path, lease_seconds=_LEASE_SECONDS) as nodes:
        await nodes.deposits(20)
        nodes.nodes["node1"].send(signal.SIGSTOP)  # which has the bind that handsets are heard on, too
        await asyncio.sleep(_PAUSE_SECONDS)
        nodes.nodes["node1"].send(signal.SIGCONT)
        await nodes.deposits(40)
        assert await nodes.finish() == []
        assert {each.node for each in lost(nodes)} <= {"node1"}
        assert nodes.nodes["node1"].running


async def test_postgresql_crashes_and_comes_back(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        await nodes.deposits(20)
        server = postgres.server()
        server.stop(signal.SIGQUIT)
        await nodes.tries(10)
        server.start()
        await nodes.deposits(40)
        assert await nodes.finish() == []
        assert all(node.running for node in nodes.nodes.values())


async def test_the_hint_bus_ends_its_connections(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        for _ in range(3):
            await nodes.deposits(15)
            await postgres.administer(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
                " OR query LIKE '%pg_notify%' AND pid <> pg_backend_pid()"
            )
        await nodes.deposits(20)
        assert await nodes.finish() == []
        assert lost(nodes) == []


_REDIS = """
[hints]
bus = "redis"
url = "{url}"
password = "{password}"
timeout_seconds = 1.0
"""


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "hangs"])
async def test_redis_is_away(tmp_path: Path, *, killed: bool) -> None:
    async with redis() as server:
        more = _REDIS.format(url=server.url, password=server.password)
        async with cluster(tmp_path, more=more) as nodes:
            await nodes.deposits(20)
            if killed:
                await server.stop()
            else:
                server.send(signal.SIGSTOP)
            await nodes.deposits(60)
            if killed:
                await server.start()
            else:
                server.send(signal.SIGCONT)
            await nodes.deposits(40)
            assert await nodes.finish() == []
            assert ended(nodes) == []
            assert all(node.logged("hint_bus_away") for node in nodes.nodes.values())


async def test_the_socket_of_a_node_is_deleted(tmp_path: Path) -> None:
    sockets = tmp_path / "hints"
    async with cluster(tmp_path, more=f'[hints]\nbus = "sockets"\ndirectory = "{sockets}"\n') as nodes:
        await nodes.deposits(20)
        (gone,) = sockets.glob(f"{nodes.nodes['node2'].pid}-*")
        gone.unlink()
        await nodes.deposits(40)
        assert await nodes.finish() == []
        assert ended(nodes) == []
        assert nodes.nodes["node2"].logged("hint_bus_away")
        assert list(sockets.glob(f"{nodes.nodes['node2'].pid}-*"))


async def test_nodes_whose_clocks_are_wrong_go_by_the_clock_of_the_database(tmp_path: Path) -> None:
    """By more than a lease: one would take what the others are about to send, the other nothing for long."""
    began = datetime.now(UTC)
    clocks = {"node2": "+10m", "node3": "-10m"}
    async with cluster(tmp_path, clocks=clocks, lease_seconds=_LEASE_SECONDS) as nodes:
        await nodes.deposits(60)
        assert await nodes.finish() == []
        assert ended(nodes) == []
        for name, off in (("node2", 600), ("node3", -600)):
            (told,) = nodes.nodes[name].logged("clock_differs_from_store")
            assert abs(told["seconds"] - off) < _PAUSE_SECONDS
        first, last = await times(nodes.plan.database)
        assert began <= first <= last <= datetime.now(UTC)


async def times(url: str) -> tuple[datetime, datetime]:
    """The first and the last moment that a node has written down as its present."""
    connection: Any = await asyncpg.connect(url)
    row = await connection.fetchrow(
        "SELECT min(at) AS first, max(at) AS last"
        "  FROM (SELECT unnest(ARRAY[owed_at, taken_at, accepted_at, settled_at]) AS at FROM outbox"
        "        UNION ALL SELECT received_at FROM message UNION ALL SELECT at FROM audit) AS noted"
    )
    await connection.close()
    return moment(row["first"]), moment(row["last"])


async def test_three_nodes_send_no_more_than_the_smsc_has_contracted(tmp_path: Path) -> None:
    """Each alone would send all of it; a node that dies and comes back changes the parts."""
    async with cluster(tmp_path, more=f"rate = {_RATE}\n") as nodes:
        await nodes.deposits(30)
        nodes.nodes["node3"].kill()
        await nodes.nodes["node3"].ended()
        await nodes.deposits(60)
        await nodes.nodes["node3"].start()
        await nodes.deposits(60)
        assert await nodes.finish() == []
        heard = [told for each in read(Path(nodes.plan.record)).told.values() for told in each]
        times = [told.at for told in heard]
        assert sum(told.segments for told in heard) < _RATE * (max(times) - min(times)) + _BURST


@pytest.mark.parametrize("mood", [Mood.FAILS, Mood.HANGS])
async def test_the_object_store_is_away(tmp_path: Path, mood: Mood) -> None:
    async with cluster(tmp_path) as nodes:
        await nodes.deposits(20)
        nodes.s3.be(mood)
        await nodes.tries(6)
        nodes.s3.be(Mood.CARRIES)
        await nodes.deposits(40)
        assert await nodes.finish() == []
        # Who waits in IDLE needs no octets, and hears nothing of it.
        assert {each.kind for each in lost(nodes)} <= {"sync"}


async def test_the_object_store_is_slow(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        nodes.s3.delay(0.5)
        await nodes.deposits(40)
        nodes.s3.delay(0)
        assert await nodes.finish() == []
        assert lost(nodes) == []
