# SPDX-License-Identifier: Apache-2.0
"""What a command_status means: the SMSC's own word, then its carrier's, then the specification's."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from sms_gateway.port import Refused, Retry
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp.status import Action, Status
from tests.unit.sms_world import sms, world
from vvm.config.carriers import load_carriers, with_carriers_actions
from vvm.config.checks import check
from vvm.config.compare import compare
from vvm.config.sections import Config, SmsSection
from vvm.omtp.carrier import BadCarrier, StatusAction, read_carrier
from vvm.services.settings import ServiceSettings

VENDOR = 0x40B
PROFILE = """
name = "north"
[client]
[status_actions]
"0x40B" = "refuse"
"20" = "later"
"""


def carriers(directory: Path) -> ServiceSettings:
    (directory / "north.toml").write_text(PROFILE)
    return ServiceSettings(carriers=str(directory))


def resolved(directory: Path, **own: Action) -> dict[str, Action]:
    """The table of an SMSC of this carrier."""
    smsc = SmscSettings(status_actions_of="north", status_actions={"0x" + key[1:]: own[key] for key in own})
    (found,) = with_carriers_actions([smsc], load_carriers(carriers(directory)))
    return found.status_actions


def test_the_words_of_a_profile_are_those_of_the_gateway() -> None:
    assert set(get_args(StatusAction)) == set(Action)


async def test_a_carriers_profile_decides_what_becomes_of_an_sms(tmp_path: Path) -> None:
    async with world(status_actions=resolved(tmp_path)) as it:
        it.smsc.inject(VENDOR, Status.RMSGQFUL)
        it.outbox.put(sms(1))
        assert await it.outbox.settled(1) == Refused(VENDOR, reason="smsc_0x040b")
        it.outbox.put(sms(2))
        await it.outbox.settled(2)
        (again,) = [outcome for _, outcome in it.outbox.outcomes if isinstance(outcome, Retry)]
        assert (again.status, again.counted) == (Status.RMSGQFUL, True)


async def test_the_smscs_own_word_goes_before_its_carriers(tmp_path: Path) -> None:
    async with world(status_actions=resolved(tmp_path, _40B=Action.SLOW_DOWN)) as it:
        it.smsc.inject(VENDOR)
        it.outbox.put(sms())
        assert await it.statuses() == [VENDOR]


async def test_without_either_a_vendors_status_is_temporary() -> None:
    async with world() as it:
        it.smsc.inject(VENDOR)
        it.outbox.put(sms())
        assert await it.statuses() == [VENDOR]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('"throttled" = "hold"', "numbers as keys"),
        ('"0" = "refuse"', "numbers as keys"),
        ('"0x100000000" = "refuse"', "numbers as keys"),
        ('"0x58" = "panic"', "panic"),
    ],
)
def test_what_no_gateway_could_do_is_refused_with_its_reason(line: str, reason: str) -> None:
    with pytest.raises(BadCarrier, match=reason):
        read_carrier(f'name = "x"\n[client]\n[status_actions]\n{line}\n')


@pytest.mark.parametrize(("name", "keys"), [("north", []), ("south", ["sms.smsc[0].status_actions_of"])])
def test_whose_table_an_smsc_takes_has_a_profile(tmp_path: Path, name: str, keys: list[str]) -> None:
    config = Config(vvm=carriers(tmp_path), sms=SmsSection(smsc=(SmscSettings(status_actions_of=name),)))
    assert [mistake.key for mistake in check(config) if "sms.smsc" in mistake.key] == keys


def test_the_key_of_before_is_not_taken_for_the_carriers_that_an_smsc_serves() -> None:
    (mistake,) = compare({"sms": {"smsc": [{"name": "a", "carrier": "north"}]}}, Config)
    assert (mistake.key, mistake.right) == (
        "sms.smsc[0].carrier",
        "is called sms.smsc[0].status_actions_of now",
    )
