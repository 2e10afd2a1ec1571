# SPDX-License-Identifier: Apache-2.0
"""Which SMSC takes whose SMS, and what stops the start because nobody would."""

from __future__ import annotations

from pathlib import Path

import pytest

from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.settings import SmscSettings
from vvm.config.carriers import load_carriers
from vvm.config.checks import check
from vvm.config.routing import routes_of, serving
from vvm.config.sections import Config, SmsSection
from vvm.services.settings import ServiceSettings


def smsc(name: str, *carriers: str, weight: int = 1) -> SmscSettings:
    return SmscSettings(name=name, carriers=carriers, weight=weight)


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    for name in ("blue", "red"):
        (tmp_path / f"{name}.toml").write_text(f'name = "{name}"\n[client]\n')
    return tmp_path


def config(profiles: Path, *smscs: SmscSettings, carrier: str = "", kannel: str | None = None) -> Config:
    kannels = () if kannel is None else (KannelSettings(carriers=(kannel,), callback_password="x"),)
    return Config(
        vvm=ServiceSettings(carriers=str(profiles), carrier=carrier),
        sms=SmsSection(smsc=smscs, kannel=kannels),
    )


def mistakes(config: Config) -> list[str]:
    return [str(mistake) for mistake in check(config) if "carrier" in mistake.key]


def found(config: Config) -> dict[str, str]:
    """The SMSCs of each carrier."""
    names: dict[str, str] = {}
    for each in serving(config, load_carriers(config.vvm)):
        names[each.carrier] = f"{names.get(each.carrier, '')} {each.smsc}".strip()
    return names


def test_without_names_every_smsc_serves_everybody(profiles: Path) -> None:
    wanted = config(profiles, smsc("a"), smsc("b"))
    assert mistakes(wanted) == []
    assert found(wanted) == {"": "a b", "red": "a b", "blue": "a b"}


def test_who_names_carriers_serves_those_and_who_names_none_serves_all(profiles: Path) -> None:
    wanted = config(profiles, smsc("spare", weight=0), smsc("r", "red"), smsc("all"), smsc("heavy", weight=3))
    assert mistakes(wanted) == []
    assert found(wanted) == {"": "heavy all spare", "red": "heavy r all spare", "blue": "heavy all spare"}


def test_who_has_no_carrier_goes_the_way_of_the_services_own(profiles: Path) -> None:
    wanted = config(profiles, smsc("r", "red"), smsc("b", "blue"), carrier="blue")
    assert mistakes(wanted) == []
    assert found(wanted) == {"": "b", "red": "r", "blue": "b"}
    assert [route.carriers for route in routes_of(wanted)] == [("red",), ("blue", "")]


def test_a_kannel_serves_carriers_too(profiles: Path) -> None:
    assert found(config(profiles, smsc("r", "red"), carrier="red", kannel="blue"))["blue"] == "kannel"


def test_a_carrier_that_nobody_serves_stops_the_start(profiles: Path) -> None:
    (mistake,) = mistakes(config(profiles, smsc("r", "red"), carrier="red"))
    assert mistake == (
        f'vvm.carriers = "{profiles}": profiles that an SMSC serves, and none serves blue: name them in '
        "carriers of an SMSC, or leave carriers of one empty, or take their files away"
    )


def test_subscribers_without_a_carrier_must_have_an_smsc(profiles: Path) -> None:
    (mistake,) = mistakes(config(profiles, smsc("all", "red", "blue")))
    assert mistake == (
        'vvm.carrier = "": the carrier that an SMSC names: no SMSC serves subscribers without a carrier'
    )


def test_a_carrier_without_a_profile_is_told_with_its_place(profiles: Path) -> None:
    wanted = config(profiles, smsc("all"), smsc("r", "red", "rde"), kannel="grey")
    assert mistakes(wanted) == [
        'sms.smsc[1].carriers[1] = "rde": the name of a profile in vvm.carriers',
        'sms.kannel[0].carriers[0] = "grey": the name of a profile in vvm.carriers',
    ]


def test_without_an_smsc_there_is_nothing_to_serve(profiles: Path) -> None:
    assert mistakes(config(profiles)) == []
