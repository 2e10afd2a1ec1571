# SPDX-License-Identifier: Apache-2.0
"""``vvm carrier-config export``: what handsets are told is what the server says of itself."""

from __future__ import annotations

import configparser
import csv
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.command_line import CommandLine, command_line
from vvm.cli.main import Exit

CARRIERS = Path(__file__).parents[2] / "conf" / "carriers"
MORE = f"""
[imap]
listen = ["127.0.0.1:1143"]
listen_tls = ["127.0.0.1:993"]
[vvm]
imap_host = "vvm.example.net"
service_number = "5511"
carriers = "{CARRIERS}"
"""


@pytest.fixture
def vvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    with command_line(tmp_path, monkeypatch, capsys, more=MORE) as made:
        yield made


def android(vvm: CommandLine, *words: str) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The networks, and the values of the first."""
    root = ET.fromstring(vvm("carrier-config", "export", "android", *words).out.encode())
    assert root.tag == "carrier_config_list"
    values = {item.attrib["name"]: item.attrib.get("value") or item.text or "" for item in root[0]}
    return [dict(one.attrib) for one in root], values


def test_android_is_told_the_service_itself(vvm: CommandLine) -> None:
    networks, values = android(vvm, "--network", "20820", "--network", "310260")
    assert networks == [{"mcc": "208", "mnc": "20"}, {"mcc": "310", "mnc": "260"}]
    assert values == {
        "vvm_type_string": "vvm_type_omtp",
        "vvm_destination_number_string": "5511",
        "vvm_port_number_int": "5499",
        "vvm_ssl_port_number_int": "993",
        "vvm_client_prefix_string": "//VVM",
    }


def test_a_profile_has_its_own_number_port_and_networks(vvm: CommandLine) -> None:
    networks, values = android(vvm, "--carrier", "t-mobile-us")
    assert networks == [{"mcc": "310", "mnc": "260"}]
    assert values["vvm_type_string"] == "vvm_type_cvvm"
    assert (values["vvm_destination_number_string"], values["vvm_port_number_int"]) == ("122", "1808")


def test_vvmd_and_its_database_are_told_the_same(vvm: CommandLine) -> None:
    settings = configparser.ConfigParser()
    settings.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser documents it
    settings.read_string(vvm("carrier-config", "export", "vvmd", "--carrier", "vvmd").out)
    assert dict(settings["Modem Manager"]) == {
        "VVMEnabled": "true",
        "VVMType": "otmp",
        "VVMDestinationNumber": "5511",
        "CarrierPrefix": "//VVM",
    }
    found = ET.fromstring(vvm("carrier-config", "export", "provider-info").out)
    assert [child.tag for child in found] == ["standard", "destination-number", "carrier-prefix"]
    assert (found[0].attrib["type"], found[1].text, found[2].text) == ("otmp", "5511", "//VVM")


def test_the_table_has_the_service_and_every_profile(vvm: CommandLine) -> None:
    rows = list(csv.DictReader(vvm("carrier-config", "export", "csv").out.splitlines()))
    assert rows[0]["name"] == "service"
    assert {row["name"] for row in rows[1:]} == {file.stem for file in CARRIERS.glob("*.toml")}
    assert (rows[0]["IMAP host"], rows[0]["STARTTLS"], rows[0]["TLS"]) == ("vvm.example.net", "1143", "993")
    lines = vvm("carrier-config", "export", "markdown", "--carrier", "telus-ca").out.splitlines()
    assert len(lines) == 3
    assert "7723" in lines[2]


@pytest.mark.parametrize(
    "words",
    [
        ("android", "--carrier", "nobody"),
        ("android", "--carrier", "apple"),
        ("vvmd", "--carrier", "apple"),
        ("android", "--network", "20"),
    ],
)
def test_what_cannot_be_exported_is_told(vvm: CommandLine, words: tuple[str, ...]) -> None:
    ran = vvm("carrier-config", "export", *words)
    assert (ran.code, ran.out) == (Exit.REFUSED, "")
    assert ran.err
