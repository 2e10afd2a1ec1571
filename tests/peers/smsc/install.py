# SPDX-License-Identifier: Apache-2.0
"""Install the peers' libraries, pinned, outside the tree and once for all runs.

A folder is named by the hash of its lock file, so a new lock makes a new folder, and it gets its
name only when it is complete.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("VVM_PEERS_CACHE", "/var/tmp/vvm-peers"))


class Missing(Exception):
    """A program of the operating system is not there; the message says how to get it."""


def node_modules() -> Path:
    """The folder that NODE_PATH must name.  Raises Missing without node and npm."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is missing: apt-get install --no-install-recommends nodejs npm")
    lock = HERE / "node" / "package-lock.json"

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, folder)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)

    return once("node-smpp", lock, install) / "node_modules"


def twisted_python() -> Path:
    """The interpreter of a virtual environment with smpp.twisted3."""
    return virtual_environment("smpp-twisted3", HERE / "twisted" / "requirements.txt")


def virtual_environment(name: str, lock: Path) -> Path:
    """The interpreter of an environment with what a lock of pip names."""

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)], cwd=folder)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        _run([*pip, "--requirement", str(lock)], cwd=folder)

    return once(name, lock, install) / "bin" / "python"


def once(name: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """The folder that ``install`` filled for this content of ``lock``, now or in an earlier run."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as parent:
                unfinished = Path(parent) / "unfinished"
                unfinished.mkdir()
                install(unfinished)
                unfinished.rename(folder)
    return folder


def _run(command: list[str], *, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
