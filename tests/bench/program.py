# SPDX-License-Identifier: Apache-2.0
"""The real program, started as an operator starts it, for the measurements that need all of it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec


class Program(msgspec.Struct, frozen=True):
    folder: Path
    pid: int
    http: str
    imap: int
    imap_tls: int
    token: str
    certificate: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(
    folder: Path,
    *,
    smsc_port: int,
    workers: int = 1,
    store: str = "",
    master_key: bytes = b"",
    roles: str = "",
    more: str = "",
) -> AsyncIterator[Program]:
    """``vvm serve`` with default settings, but for limits that would hide it.

    ``store`` is the URL of one that is there already, with ``master_key``; "" makes a SQLite file.
    ``more`` are further tables of the configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if master_key:
        (folder / "master.key").write_bytes(master_key)
    http, imap, imap_tls = free_port(), free_port(), free_port()
    (folder / "vvm.toml").write_text(
        f"""
[state]
directory = "{folder}"
[store]
url = "{store or f"sqlite:///{folder}/vvm.db"}"
[vvm]
imap_host = "localhost"
[imap]
listen = ["127.0.0.1:{imap}"]
listen_tls = ["127.0.0.1:{imap_tls}"]
[http]
listen = "127.0.0.1:{http}"
[notification]
debounce_seconds = 0
[log]
level = "warning"
[[sms.smsc]]
port = {smsc_port}
password = "secret"
rate = 100000.0
{more}
""",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "vvm",
        "serve",
        "--config",
        str(folder / "vvm.toml"),
        "--workers",
        str(workers),
        *(("--role", roles) if roles else ()),
    )
    try:
        address = f"http://127.0.0.1:{http}"
        await _ready(address, process)
        yield Program(
            folder=folder,
            pid=process.pid,
            http=address,
            imap=imap,
            imap_tls=imap_tls,
            token=(folder / "admin.token").read_text(encoding="utf-8").strip(),
            certificate=folder / "tls.crt",
        )
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(address: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"{address}/readyz") as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
    raise RuntimeError("vvm serve ended at its start")
