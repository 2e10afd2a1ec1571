# SPDX-License-Identifier: Apache-2.0
"""Carrier profiles: every file that we ship is good, and what no handset could be served with is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vvm.config.carriers import BadCarrierFile, load_carriers, read_carriers
from vvm.domain.client import MAX_PORT
from vvm.domain.subscriber import Dialect, SmsCoding
from vvm.omtp.carrier import BadCarrier, CarrierProfile, read_carrier
from vvm.services.settings import ServiceSettings

SHIPPED = Path(__file__).parents[2] / "conf" / "carriers"
GOOD = 'name = "x"\n[client]\n'


def shipped() -> dict[str, CarrierProfile]:
    return dict(load_carriers(ServiceSettings(carriers=str(SHIPPED))))


def test_every_file_has_the_name_of_its_profile() -> None:
    assert set(shipped()) == {file.stem for file in SHIPPED.glob("*.toml")}
    assert {profile.client.dialect for profile in shipped().values()} == set(Dialect)
    assert all(profile.client.carrier == name for name, profile in shipped().items())


# rows: SMS-02 SMS-07 SMS-08
@pytest.mark.parametrize(
    ("name", "dialect", "source", "port", "prefix", "coding"),
    [
        ("bouygues-fr", Dialect.OMTP, "22344", 5499, "//VVM", SmsCoding.OCTETS),
        ("orange-fr", Dialect.OMTP, "21101", 20481, "//VVM", SmsCoding.OCTETS),
        ("orange-be", Dialect.OMTP, "8082", 0, "//VVM", SmsCoding.GSM7),
        ("telus-ca", Dialect.OMTP, "7723", 5499, "//VVM", SmsCoding.OCTETS),
        ("t-mobile-us", Dialect.CVVM, "122", 1808, "//VVM", SmsCoding.GSM7),
        ("verizon-us", Dialect.VVM3, "900080006200", 0, "//VZWVVM", SmsCoding.GSM7),
        ("vvmd", Dialect.OMTP, "", 0, "//VVM", SmsCoding.GSM7),
    ],
)
def test_the_carriers_are_those_of_the_sheet(  # noqa: PLR0917 - pytest hands columns over by name
    name: str, dialect: Dialect, source: str, port: int, prefix: str, coding: SmsCoding
) -> None:
    client = shipped()[name].client
    assert (client.dialect, client.source, client.port) == (dialect, source, port)
    assert (client.prefix, client.coding) == (prefix, coding)


def test_only_apple_is_experimental() -> None:
    assert [name for name, profile in shipped().items() if profile.experimental] == ["apple"]


# rows: SMS-07 SMS-12
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"port = {MAX_PORT + 1}", "client.port: at most 32767"),
        ("port = -1", "client.port"),
        ('prefix = "//V:M"', "client.prefix"),
        ('prefix = ""', "client.prefix"),
        ('source = "+33612345678"', "client.source: digits only"),
        ('source = "VVM"', "client.source"),
        ("protocol_version = 9", "client.protocol_version"),
        ('dialect = "klingon"', "Invalid enum value"),
        ('colour = "red"', "client.colour: unknown key"),
        ("[status]\nimap_port = 70000", "status.imap_port"),
        ('[status]\nvmg_url = "https://vmg.example.net"', "status.vmg_url: of the dialect vvm3 only"),
        ("[status]\nself_subscription = true", "needs status.vmg_url"),
        ('[status]\nlanguage_separator = ";"', "Invalid enum value"),
        ("[status]\nport =", "Invalid value"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(line: str, reason: str) -> None:
    with pytest.raises(BadCarrier, match=reason.replace("[", r"\[")):
        read_carrier(GOOD + line)


@pytest.mark.parametrize("name", ["", "Orange", "a b", "-x", "x" * 41])
def test_a_name_is_small_letters_digits_and_hyphens(name: str) -> None:
    with pytest.raises(BadCarrier, match="name"):
        read_carrier(f'name = "{name}"\n[client]\n')


# rows: SMS-07
def test_the_highest_port_that_aosp_can_read_is_taken() -> None:
    assert read_carrier(f"{GOOD}port = {MAX_PORT}").client.port == MAX_PORT


def test_a_directory_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    service = ServiceSettings(carriers=str(tmp_path), carrier="x")
    with pytest.raises(BadCarrierFile, match=r"vvm\.carrier = .x.: the name of a profile: no file of"):
        load_carriers(service)
    (tmp_path / "a.toml").write_text(GOOD)
    assert list(load_carriers(service)) == ["x"]
    (tmp_path / "b.toml").write_text(GOOD)
    with pytest.raises(BadCarrierFile, match=r"b\.toml: name = .x.: a name of its own: a\.toml has it"):
        load_carriers(service)
    (tmp_path / "b.toml").write_bytes(b"\xff")
    with pytest.raises(BadCarrierFile, match=r"b\.toml"):
        load_carriers(service)


def test_a_directory_that_is_not_there_is_told() -> None:
    with pytest.raises(BadCarrierFile, match=r"vvm\.carriers = ./no/such.: not a directory"):
        load_carriers(ServiceSettings(carriers="/no/such"))
    assert load_carriers(ServiceSettings()) == {}
    with pytest.raises(BadCarrierFile, match=r"no file of vvm\.carriers has it"):
        load_carriers(ServiceSettings(carrier="y"))


def test_every_mistake_of_every_file_is_told_with_its_file_and_key(tmp_path: Path) -> None:
    client = '[client]\nport = "x"\nprefx = "//V"\nprotocol_version = 9\n'
    (tmp_path / "a.toml").write_text(f'name = "a"\nclent = 1\n{client}[status]\nimap_port = 70000')
    (tmp_path / "b.toml").write_text('name = "B"\n[status_actions]\n"0x58" = "panic"\n"0x40B" = "hold"\n')
    (tmp_path / "c.toml").write_text("name = ")
    (tmp_path / "d.toml").write_text('name = "d"\n[client]\n[status]\ndevice_type = "x"')
    actions = '"slow_down" or "hold" or "later" or "refuse" or "rebind"'
    found = read_carriers(ServiceSettings(carriers=str(tmp_path))).mistakes
    assert [str(mistake).removeprefix(f"{tmp_path}/") for mistake in found] == [
        "a.toml: clent: unknown key; did you mean client?",
        'a.toml: client.port = "x": expected whole number',
        "a.toml: client.prefx: unknown key; did you mean client.prefix?",
        "a.toml: status.imap_port = 70000: 0 to 65535",
        "a.toml: client.protocol_version = 9: 10 to 99",
        f'b.toml: status_actions.0x58 = "panic": expected {actions}',
        "b.toml: client: is missing: expected a table",
        'b.toml: name = "B": small letters, digits and hyphens, 40 at most',
        "c.toml: is not TOML: Invalid value (at end of document)",
        'd.toml: status.device_type = "x": expected whole number',
    ]


def test_a_carrier_that_is_not_there_is_blamed_on_who_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "orange-fr"\n[client]\n')
    (found,) = read_carriers(ServiceSettings(carriers=str(tmp_path), carrier="orange-rf")).mistakes
    assert (found.key, found.value) == ("vvm.carrier", '"orange-rf"')
    assert found.right.endswith("did you mean orange-fr?")
