# SPDX-License-Identifier: Apache-2.0
"""Nodes are restarted and upgraded one after another under load, and nobody notices but by reconnecting.

What clients have to do for that: try another node where a connection is refused, and come back after a
BYE.  Nothing else is allowed here: no 503, no reset, no time-out.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import asyncpg
import pytest

import vvm
from tests.peers.cluster.cluster import Cluster, cluster
from tests.peers.cluster.record import read
from vvm.store.postgres import schema

pytestmark = [pytest.mark.peers, pytest.mark.process]

_NOTICE_SECONDS = 0.5
_NEXT = schema.VERSION + 1
_MIGRATION = """
ALTER TABLE message ADD COLUMN summary text;
ALTER TABLE folder ADD COLUMN colour text;
ALTER TABLE subscriber ADD COLUMN nickname text;
ALTER TABLE outbox ADD COLUMN colour text;
"""


async def restart(nodes: Cluster, name: str) -> None:
    node = nodes.nodes[name]
    node.terminate()
    assert await node.ended() == 0
    await node.start()


def assert_nobody_noticed(nodes: Cluster) -> None:
    record = read(Path(nodes.plan.record))
    # Why a node refused, were it so.
    assert [line for node in nodes.nodes.values() for line in node.logged("request_not_served")] == []
    assert {again.why for again in record.again()} <= {"refused"}
    assert {lost.why[:5] for lost in record.lost()} <= {"* BYE"}


async def schema_of(url: str) -> tuple[int, int]:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow("SELECT version, compatible FROM schema_version")
        return row["version"], row["compatible"]
    finally:
        await connection.close()


def next_release(folder: Path) -> Path:
    """Ours with a schema of its own, which we are still compatible with, and other functions."""
    package = folder / "vvm"
    shutil.copytree(Path(vvm.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    postgres = package / "store" / "postgres"
    (postgres / "migrations" / f"{_NEXT:04}.pre.sql").write_text(_MIGRATION)
    text = (postgres / "schema.py").read_text()
    newer, count = re.subn(r"^VERSION = \d+$", f"VERSION = {_NEXT}", text, flags=re.MULTILINE)
    assert count == 1
    (postgres / "schema.py").write_text(newer)
    with (postgres / "functions" / "deposit.sql").open("a") as function:
        function.write("-- of the next release\n")
    return folder


async def test_a_rolling_restart(tmp_path: Path) -> None:
    async with cluster(tmp_path, notice_seconds=_NOTICE_SECONDS) as nodes:
        for name in nodes.nodes:
            await nodes.deposits(15)
            await restart(nodes, name)
        await nodes.deposits(15)
        assert await nodes.finish() == []
        assert_nobody_noticed(nodes)


async def test_a_rolling_upgrade_and_a_node_that_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = next_release(tmp_path / "next")
    async with cluster(tmp_path, notice_seconds=_NOTICE_SECONDS) as nodes:
        await nodes.deposits(15)
        assert await schema_of(nodes.plan.database) == (schema.VERSION, schema.VERSION)
        with monkeypatch.context() as upgraded:
            upgraded.setenv("PYTHONPATH", str(newer))
            for name in ("node1", "node2"):
                await restart(nodes, name)
                assert await schema_of(nodes.plan.database) == (_NEXT, schema.VERSION)
                await nodes.deposits(15)
        await restart(nodes, "node1")  # the older release on the newer schema
        await nodes.deposits(15)
        assert await schema_of(nodes.plan.database) == (_NEXT, schema.VERSION)
        with monkeypatch.context() as upgraded:
            upgraded.setenv("PYTHONPATH", str(newer))
            for name in ("node1", "node3"):
                await restart(nodes, name)
        await nodes.deposits(15)
        assert await nodes.finish() == []
        assert_nobody_noticed(nodes)
