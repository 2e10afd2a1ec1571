# SPDX-License-Identifier: Apache-2.0
"""Machines on one desk: network namespaces (ip-netns(8)), each at the end of a cable that can be pulled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_NEEDS = "network namespaces need root and iproute2: sudo script/test, apt-get install -y iproute2"


class Machine:
    """``words`` in front of a command run it there; ``host`` is what we are to it, ``address`` it to us."""

    def __init__(self, number: int) -> None:
        self._name = f"vvm{os.getpid()}-{number}"
        self._cable = f"vvm{os.getpid() % 100_000}-{number}"
        self.host = f"10.83.{number}.1"
        self.address = f"10.83.{number}.2"
        self.words = ("ip", "netns", "exec", self._name)

    @contextmanager
    def standing(self) -> Iterator[None]:
        try:
            _ip("netns", "add", self._name)
            _ip(
                *("link", "add", self._cable, "type", "veth"),
                *("peer", "name", "eth0", "netns", self._name),
            )
            _ip("address", "add", f"{self.host}/24", "dev", self._cable)
            _ip("link", "set", self._cable, "up")
            _ip("-n", self._name, "address", "add", f"{self.address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", self._name, "link", "set", device, "up")
            yield
        finally:
            subprocess.run(["ip", "netns", "delete", self._name], check=False, capture_output=True)

    def pull(self) -> None:
        """Neither side is told anything: what is sent is lost."""
        _ip("-n", self._name, "link", "set", "eth0", "down")

    def plug(self) -> None:
        _ip("-n", self._name, "link", "set", "eth0", "up")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr.strip()}. {_NEEDS}"
