# SPDX-License-Identifier: Apache-2.0
"""The carrier profiles that a configuration names: every ``*.toml`` of one directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sms_gateway.settings import SmscSettings
from sms_gateway.smpp.status import Action
from vvm.domain.errors import Refusal
from vvm.omtp.carrier import BadCarrier, CarrierProfile, Carriers, read_carrier
from vvm.services.settings import ServiceSettings


class BadCarrierFile(Refusal):
    """A profile that cannot be used; the text names the file and says why."""

    code = "bad_carrier_file"


def load_carriers(service: ServiceSettings) -> Carriers:
    """By name; none when no directory is configured.

    Raises BadCarrierFile, also when two files have one name or the service's own carrier is not there.
    """
    found: dict[str, CarrierProfile] = {}
    for file, profile in _profiles(service.carriers) if service.carriers else ():
        if profile.name in found:
            raise BadCarrierFile(f"{file}: another file has the name {profile.name}")
        found[profile.name] = profile
    if service.carrier and service.carrier not in found:
        raise BadCarrierFile(f"{service.carrier}: no file of {service.carriers or 'vvm.carriers'} has it")
    return found


def with_carriers_actions(smscs: Sequence[SmscSettings], carriers: Carriers) -> tuple[SmscSettings, ...]:
    """Each SMSC with what the profile that it names says of a command_status, where it is silent itself."""
    return tuple(
        msgspec.structs.replace(smsc, status_actions=_actions(smsc, carriers[smsc.status_actions_of]))
        if smsc.status_actions_of
        else smsc
        for smsc in smscs
    )


def _actions(smsc: SmscSettings, carrier: CarrierProfile) -> dict[str, Action]:
    """By number, so that 0x40B and 1035 are the same."""
    carriers = {int(status, 0): Action(action) for status, action in carrier.status_actions.items()}
    return {hex(status): action for status, action in (carriers | smsc.overrides()).items()}


def _profiles(directory: str) -> Iterator[tuple[Path, CarrierProfile]]:
    if not Path(directory).is_dir():
        raise BadCarrierFile(f"{directory}: not a directory that can be read")
    for file in sorted(Path(directory).glob("*.toml")):
        try:
            yield file, read_carrier(file.read_text(encoding="utf-8"))
        except (BadCarrier, UnicodeDecodeError, OSError) as error:
            raise BadCarrierFile(f"{file}: {error}") from None
