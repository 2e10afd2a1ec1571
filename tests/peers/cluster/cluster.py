# SPDX-License-Identifier: Apache-2.0
"""Three nodes, what they stand on, and the load that works on them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests import postgres
from tests.peers.blobs.moto_server import BUCKET, s3_server
from tests.peers.cluster.network import Machine
from tests.peers.cluster.plan import NodeAddress, Plan
from tests.peers.cluster.relay import Relay, to_port, to_socket
from tests.process.ports import kept_port
from tests.process.program import Program, python_path
from vvm.runtime.keys import admin_token, master_key, tls_context

COUNT = 3
_SECONDS = 60.0
_OWED_SECONDS = 90.0

_CONFIG = """
[store]
url = "{database}"
[store.postgres]
partitions = 4
connections = 5
connect_seconds = 2.0
statement_seconds = 3.0
[blobs]
url = "s3://{bucket}/cluster"
endpoint = "http://{host}:{s3_port}"
access_key = "test"
secret_key_file = "{keys}/s3.secret"
timeout_seconds = 2.0
[secrets]
master_key_file = "{keys}/master.key"
[tls]
certificate = "{keys}/tls.crt"
key = "{keys}/tls.key"
[http]
listen = "{address}:{http}"
admin_token_file = "{keys}/admin.token"
notice_seconds = {notice_seconds}
[imap]
listen = ["{address}:{imap}"]
listen_tls = ["{address}:0"]
[imap.limits]
idle_poll_seconds = 5.0
[vvm]
imap_host = "localhost"
imap_port = 143
max_messages = 2000
[deposit]
transcoders = 1
[notification]
lease_seconds = {lease_seconds}
debounce_seconds = 0
status_spacing_seconds = 0
[log]
format = "json"
[[sms.smsc]]
host = "{host}"
port = {smsc_port}
password = "secret"
response_seconds = 1.0
hold_limit_seconds = 0.5
unknown_seconds = 0.5
reconnect_first_seconds = 0.1
enquire_seconds = 2.0
enquire_response_seconds = 1.0
"""


class Cluster:
    """``nodes`` by their names; what stands between them and the world can be told to fail."""

    def __init__(
        self, plan: Plan, folder: Path, nodes: dict[str, Program], s3: Relay, machines: dict[str, Machine]
    ) -> None:
        self.plan = plan
        self.nodes = nodes
        self.s3 = s3
        self.machines = machines
        self._folder = folder
        self._load: Process | None = None
        self._acknowledged = 0
        self._refused = 0

    async def start_load(self) -> None:
        """Return when everybody is at work."""
        self._load = await self._program("load")
        assert await self._said() == "ready"

    async def deposits(self, more: int) -> None:
        """Until so many more are acknowledged."""
        enough = self._acknowledged + more
        await self._until(lambda: self._acknowledged >= enough)

    async def tries(self, more: int) -> None:
        """Until so many more tries of a deposit were not answered, or refused for now."""
        enough = self._refused + more
        await self._until(lambda: self._refused >= enough)

    async def _until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(_SECONDS):
            while not enough():
                self._acknowledged, self._refused = map(int, (await self._said()).split())

    async def finish(self) -> list[str]:
        """End the load, let the checker look, and print its figures.  What does not fit; [] is good."""
        assert self._load is not None
        self._load.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_OWED_SECONDS):
            await self._load.communicate()
        assert self._load.returncode == 0
        checker = await self._program("check")
        async with asyncio.timeout(_SECONDS):
            out, _ = await checker.communicate()
        lines = out.decode().splitlines()
        if checker.returncode == 0:
            print(*lines, sep="\n")
            return []
        return lines or ["the checker failed"]

    async def end(self) -> None:
        if self._load is not None and self._load.returncode is None:
            self._load.kill()
            await self._load.communicate()
        for node in self.nodes.values():
            await node.end()

    async def _said(self) -> str:
        assert self._load is not None
        assert self._load.stdout is not None
        async with asyncio.timeout(_SECONDS):
            line = await self._load.stdout.readline()
        assert line, "the load has ended"
        return line.decode().strip()

    async def _program(self, name: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"tests.peers.cluster.{name}", str(self._folder / "plan.json")),
            env=os.environ | {"PYTHONPATH": python_path()},
            stdout=PIPE,
        )


def wrong_clock(by: str) -> tuple[str, ...]:
    """Words before a command; the process is no child of faketime(1), so that what is killed is it."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library is not None, "apt-get install -y --no-install-recommends faketime"
    return ("env", f"LD_PRELOAD={library}", f"FAKETIME={by}", "FAKETIME_DONT_FAKE_MONOTONIC=1")


@asynccontextmanager
async def cluster(
    folder: Path,
    *,
    lease_seconds: int = 240,
    notice_seconds: float = 0.0,
    apart: Sequence[str] = (),
    clocks: Mapping[str, str] | None = None,
    more: str = "",
) -> AsyncIterator[Cluster]:
    """Three nodes at work.  Those ``apart`` are on machines of their own, whose cables can be pulled.

    ``clocks`` are wrong by so much, as FAKETIME of faketime(1) says it.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(postgres.database())
        endpoint = urlsplit(await stack.enter_async_context(s3_server()))
        assert endpoint.hostname is not None
        assert endpoint.port is not None
        s3 = Relay(to_port(endpoint.hostname, endpoint.port))
        await stack.enter_async_context(s3.running("0.0.0.0"))
        sql = Relay(to_socket(f"{postgres.server().directory}/.s.PGSQL.5432"))
        await stack.enter_async_context(sql.running("0.0.0.0"))
        machines = {name: Machine(number) for number, name in enumerate(apart, start=1)}
        for machine in machines.values():
            stack.enter_context(machine.standing())
        keys = folder / "keys"
        keys.mkdir()
        master_key(keys / "master.key", store_exists=False)
        tls_context(keys / "tls.crt", keys / "tls.key", host="localhost", made_here=True)
        (keys / "s3.secret").write_text("test")
        (keys / "s3.secret").chmod(0o600)
        addresses = tuple(
            NodeAddress(
                name,
                machines[name].address if name in machines else "127.0.0.1",
                http=stack.enter_context(kept_port()),
                imap=stack.enter_context(kept_port()),
            )
            for name in (f"node{number}" for number in range(1, COUNT + 1))
        )
        plan = Plan(
            nodes=addresses,
            token=admin_token(keys / "admin.token").reveal(),
            certificate=str(keys / "tls.crt"),
            database=database,
            smsc_host="0.0.0.0",
            smsc_port=stack.enter_context(kept_port()),
            record=str(folder / "record.jsonl"),
        )
        plan.write(folder / "plan.json")
        nodes = {}
        for node in addresses:
            host = machines[node.name].host if node.name in machines else "127.0.0.1"
            far = f"postgresql://vvm@{host}:{sql.port}{urlsplit(database).path}"
            directory = folder / node.name
            directory.mkdir()
            base = _CONFIG.format(
                database=far if node.name in machines else database,
                bucket=BUCKET,
                host=host,
                s3_port=s3.port,
                keys=keys,
                address=node.host,
                http=node.http,
                imap=node.imap,
                lease_seconds=lease_seconds,
                notice_seconds=notice_seconds,
                smsc_port=plan.smsc_port,
            )
            within = machines[node.name].words if node.name in machines else ()
            if clocks and node.name in clocks:
                within = (*within, *wrong_clock(clocks[node.name]))
            nodes[node.name] = Program(directory, base=base + more, within=within)
        made = Cluster(plan, folder, nodes, s3, machines)
        stack.push_async_callback(made.end)
        await nodes["node1"].start()  # makes the schema; the others find it
        await asyncio.gather(*(nodes[name].start() for name in ("node2", "node3")))
        await made.start_load()
        yield made
