# SPDX-License-Identifier: Apache-2.0
"""What of systemd's words is meant for this process, and what is not."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.test_config_checks import told
from vvm.config.sections import Config
from vvm.runtime.serve import ALL_ROLES
from vvm.runtime.systemd import BadSocket, Socket, Systemd
from vvm.runtime.workers import serve_with_workers

ME, ANOTHER = str(os.getpid()), str(os.getppid())


def test_who_was_started_otherwise_knows_nothing_and_tells_nobody() -> None:
    alone = Systemd({})
    alone.tell("READY=1")
    assert alone.watchdog is None
    assert [alone.taken(name) for name in Socket] == [[], [], []]


def test_what_is_meant_for_another_process_is_left_alone_and_not_handed_on() -> None:
    environ = {"LISTEN_PID": ANOTHER, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "imap:http", "HOME": "/"}
    environ |= {"WATCHDOG_PID": ANOTHER, "WATCHDOG_USEC": "30000000", "NOTIFY_SOCKET": "/run/nobody"}
    child = Systemd(environ)
    assert child.watchdog is None
    assert child.only(Socket.HTTP) is None
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize("pid", [{"WATCHDOG_PID": ME}, {}])
def test_the_watchdog_says_how_long_it_waits(pid: dict[str, str]) -> None:
    assert Systemd({"WATCHDOG_USEC": "30000000"} | pid).watchdog == timedelta(seconds=30)


def test_a_name_without_a_file_is_told_as_well() -> None:
    name = f"vvm-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(f"\0{name}")
        Systemd({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")
        assert ear.recv(100) == b"READY=1"


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


async def test_workers_share_ports_and_so_take_no_socket_unit() -> None:
    systemd = Systemd({})
    with socket.socket() as given:
        systemd.sockets["imap"] = [given]
        with pytest.raises(BadSocket, match="--workers 1"):
            await serve_with_workers(Config(), ALL_ROLES, 2, systemd)


def test_two_sockets_for_the_api_are_one_too_many() -> None:
    systemd = Systemd({})
    with socket.socket() as one, socket.socket() as other:
        systemd.sockets["http"] = [one, other]
        with pytest.raises(BadSocket, match="2 sockets named http"):
            systemd.only(Socket.HTTP)


@pytest.mark.parametrize("network", ["haproxy.internal", "10.0.0.1/8"])
def test_a_balancer_is_a_network(tmp_path: Path, network: str) -> None:
    assert [each[0] for each in told(tmp_path, f'[imap]\nproxies = ["{network}"]\n')] == ["imap.proxies[0]"]
