# SPDX-License-Identifier: Apache-2.0
"""Each target under atheris for a few seconds: coverage leads it where hypothesis does not get.

An input that fails is printed with the command that repeats it; add it to the corpus with its mend.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.peers.smsc.install import once

pytestmark = pytest.mark.peers

HERE = Path(__file__).parent
_SECONDS = int(os.environ.get("VVM_FUZZ_SECONDS", "3"))


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """A virtual environment of this same Python with atheris; ours is beside it on the path."""
    lock = HERE / "requirements.txt"

    def install(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(lock)], check=True)

    return (
        once(f"atheris-{sys.version_info.major}.{sys.version_info.minor}", lock, install) / "bin" / "python"
    )


@pytest.mark.parametrize("target", TARGETS)
def test_coverage_finds_nothing_that_breaks_a_law(target: str, interpreter: Path, tmp_path: Path) -> None:
    beside = os.pathsep.join((str(HERE.parents[1]), sysconfig.get_path("purelib")))
    ran = subprocess.run(
        [str(interpreter), "-m", "tests.fuzz", target, str(_SECONDS), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": beside},
        capture_output=True,
        check=False,
        timeout=_SECONDS + 60,
    )
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-4_000:]
