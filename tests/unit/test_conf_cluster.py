# SPDX-License-Identifier: Apache-2.0
"""Every configuration of conf/cluster is one that ``vvm config check`` takes, once its files are there."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vvm.runtime.keys import admin_token, master_key, tls_context
from vvm.runtime.systemd import Socket

CONF = Path(__file__).parents[2] / "conf"
EXAMPLES = sorted((CONF / "cluster").glob("*.toml"))


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The directories that the examples name, with keys and secrets."""
    etc = tmp_path / "etc" / "vvm"
    etc.mkdir(parents=True)
    master_key(etc / "master.key", store_exists=False)
    admin_token(etc / "admin.token")
    tls_context(etc / "tls.crt", etc / "tls.key", host="vvm.example.net", made_here=True)
    for name in ("database.password", "s3.secret", "ari.password"):
        (etc / name).write_text("a long secret\n")
    (etc / "smsc-north.password").write_text("secret\n")  # SMPP knows eight characters
    return tmp_path


def test_there_are_examples() -> None:
    assert {path.name for path in EXAMPLES} == {"api.toml", "asterisk.toml", "imap.toml", "sms.toml"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_is_taken(machine: Path, example: Path) -> None:
    text = re.sub(r'"/(etc|var)/', rf'"{machine}/\1/', example.read_text())
    file = machine / example.name
    file.write_text(text)
    words = (sys.executable, "-m", "vvm", "config", "check", "--config", str(file))
    done = subprocess.run(words, cwd=machine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # configparser's way to keep capitals
    parsed.read(path)
    return parsed


def test_the_service_unit_waits_for_the_start_hears_signs_of_life_and_kills_nobody_too_early() -> None:
    service = unit(CONF / "systemd" / "vvm.service")["Service"]
    assert (service["Type"], service["TimeoutStartSec"]) == ("notify", "infinity")
    assert int(service["WatchdogSec"]) > 0
    for example in EXAMPLES:
        settings = tomllib.loads(example.read_text())
        http, imap = settings.get("http", {}), settings.get("imap", {})
        drains = [http.get("drain_seconds", 0), imap.get("drain_seconds", 0)]
        longest = http.get("notice_seconds", 0) + max(drains)
        assert longest < int(service["TimeoutStopSec"])


def test_socket_units_have_names_that_the_program_knows() -> None:
    units = sorted((CONF / "systemd").glob("*.socket"))
    names = set()
    for path in units:
        parsed = unit(path)
        assert parsed["Socket"]["Service"] == "vvm.service"
        names.add(parsed["Socket"]["FileDescriptorName"])
    assert names == set(Socket)
