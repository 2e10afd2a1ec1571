# SPDX-License-Identifier: Apache-2.0
"""What breaks under three nodes costs time, and nothing that was acknowledged.

After each fault the checker compares every view with what the load was promised.  Its figures are
printed (``pytest -s``), never asserted.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests import postgres
from tests.peers.cluster.cluster import Cluster, cluster
from tests.peers.cluster.record import Lost, read
from tests.peers.cluster.relay import Mood

pytestmark = [pytest.mark.peers, pytest.mark.process]

_PAUSE_SECONDS = 30.0
_LEASE_SECONDS = 10


def lost(nodes: Cluster) -> list[Lost]:
    """IMAP sessions that ended, and whose clients would have gone on with them."""
    return read(Path(nodes.plan.record)).lost()


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
