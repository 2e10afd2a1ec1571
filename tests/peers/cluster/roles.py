# SPDX-License-Identifier: Apache-2.0
"""The machines of conf/cluster as processes, behind the balancer of conf/cluster/haproxy.cfg.

The files are those that operators get.  Only addresses, directories and names of this machine are filled in,
and one that is not in its file stops the test: what we ship is what is proven.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from tests import postgres
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.blobs.moto_server import BUCKET, s3_server
from tests.peers.haproxy.balancer import haproxy
from tests.process.ports import kept_port
from tests.process.program import Program, python_path
from vvm.runtime.keys import admin_token, master_key, tls_context

CONF = Path(__file__).parents[3] / "conf" / "cluster"
PROXIES = "127.0.0.1"
"""Whom the machines for handsets listen to; everybody else on this machine has another address."""


class Balanced(msgspec.Struct, frozen=True):
    """What the world knows of the cluster: the balancer's ports."""

    imap: int
    imap_tls: int
    api: int
    token: str
    certificate: Path


class Roles(msgspec.Struct, frozen=True):
    machines: Mapping[str, Program]
    """By name: the file of conf/cluster, and a number."""
    world: Balanced


class _Ports(msgspec.Struct, frozen=True):
    """What a file of conf/cluster has in place of a port of this machine, and that port."""

    imap: Mapping[str, tuple[int, int]]
    """By machine: for STARTTLS, and for TLS from the first octet."""
    api: Mapping[str, int]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Give everything that stands for a place of the operator's its place on this machine."""
    for there, here in values.items():
        assert there in text, f"{there} is not in the file any more"
        text = text.replace(there, here)
    return text


@contextmanager
def _ports() -> Iterator[tuple[_Ports, tuple[int, int, int]]]:
    """Of the machines, and of the balancer."""
    with ExitStack() as kept:

        def port() -> int:
            return kept.enter_context(kept_port())

        yield (
            _Ports(
                imap={name: (port(), port()) for name in ("imap1", "imap2")},
                api={name: port() for name in ("api1", "api2")},
            ),
            (port(), port(), port()),
        )


def _etc(folder: Path, ari_password: str) -> Path:
    """/etc/vvm, the same on every machine."""
    etc = folder / "etc"
    etc.mkdir()
    master_key(etc / "master.key", store_exists=False)
    admin_token(etc / "admin.token")
    tls_context(etc / "tls.crt", etc / "tls.key", host="localhost", made_here=True)
    secrets = {"database": "unused", "s3": "unused", "ari": ari_password, "smsc-north": "secret"}
    for name, secret in secrets.items():
        path = etc / (f"{name}.secret" if name == "s3" else f"{name}.password")
        path.write_text(secret)
        path.chmod(0o600)
    return etc


def _haproxy(ports: _Ports, world: Balanced) -> str:
    values = {
        "maxconn 200000": "maxconn 2000",  # the tests are given fewer files
        "bind :143": f"bind 127.0.0.1:{world.imap}",
        "bind :993": f"bind 127.0.0.1:{world.imap_tls}",
        "bind 10.0.0.10:8080": f"bind 127.0.0.1:{world.api}",
    }
    for number, (clear, tls) in enumerate(ports.imap.values(), start=1):
        values[f"10.0.1.{number}:143"] = f"127.0.0.1:{clear}"
        values[f"10.0.1.{number}:993"] = f"127.0.0.1:{tls}"
    for number, port in enumerate(ports.api.values(), start=1):
        values[f"10.0.2.{number}:8080"] = f"127.0.0.1:{port}"
    return fill((CONF / "haproxy.cfg").read_text(), values)


async def _checked(program: Program) -> None:
    """``vvm config check`` passes on the very file."""
    words = (sys.executable, "-m", "vvm", "config", "check", "--config", "vvm.toml")
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=program.directory,
        env=os.environ | {"PYTHONPATH": python_path()},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out + err).decode()


@asynccontextmanager
async def roles(folder: Path, asterisk: AsteriskServer, *, smsc_port: int) -> AsyncIterator[Roles]:
    """Two machines for handsets, two for the API, one for SMS and one beside an Asterisk."""
    etc = _etc(folder, asterisk.ari_password.reveal())
    machines: dict[str, Program] = {}
    async with postgres.database() as database, s3_server() as endpoint:
        with _ports() as (ports, (clear, tls, api)):
            world = Balanced(clear, tls, api, admin_token(etc / "admin.token").reveal(), etc / "tls.crt")

            def machine(name: str, role: str, more: dict[str, str], *words: str) -> None:
                directory = folder / name
                directory.mkdir()
                everywhere = {
                    "postgresql://vvm@db.internal/vvm": database,
                    "s3://voicemail/eu": f"s3://{BUCKET}/eu",
                    "https://s3.internal": endpoint,
                    "/etc/vvm": str(etc),
                    "/var/lib/vvm": str(directory / "var"),
                    "vvm.example.net": "localhost",
                    "imap_port = 143": f"imap_port = {clear}",
                }
                text = fill((CONF / f"{name.rstrip('12')}.toml").read_text(), everywhere | more)
                machines[name] = Program(directory, base=text, arguments=("--role", role, *words))

            for name, (plain, secure) in ports.imap.items():
                here = {
                    "0.0.0.0:143": f"127.0.0.1:{plain}",
                    "0.0.0.0:993": f"127.0.0.1:{secure}",
                    "10.0.0.0/24": f"{PROXIES}/32",
                    "/var/cache/vvm": str(folder / name / "cache"),
                }
                machine(name, "imap", here, "--workers", "2")
            for name, port in ports.api.items():
                here = {"0.0.0.0:8080": f"127.0.0.1:{port}", "transcoders = 8": "transcoders = 1"}
                machine(name, "http,worker", here)
            machine("sms", "sms", {"smsc-north.internal": "127.0.0.1", "port = 2775": f"port = {smsc_port}"})
            node = f'[asterisk]\nari = "{asterisk.ari_url}"\ngreeting = "sound:hello"\ngoodbye = ""'
            machine("asterisk", "deposit", {"[asterisk]": node, "transcoders = 4": "transcoders = 1"})
            try:
                for program in machines.values():
                    await _checked(program)
                    await program.start()  # one after another: six starts at a time take longer than one may
                config = folder / "haproxy.cfg"
                config.write_text(_haproxy(ports, world))
                async with haproxy(config, (clear, tls, api)):
                    yield Roles(machines, world)
            finally:
                for program in machines.values():
                    await program.end()
