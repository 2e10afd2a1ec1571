# SPDX-License-Identifier: Apache-2.0
"""The carrier profiles that a configuration names: every ``*.toml`` of one directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from sms_gateway.settings import SmscSettings
from sms_gateway.smpp.status import Action
from vvm.config.compare import Raw, compare, sound
from vvm.config.errors import ConfigError, Mistake, further
from vvm.config.toml import read_toml, render
from vvm.domain.errors import Refusal
from vvm.domain.form import closest
from vvm.domain.subscriber import ClientProfile
from vvm.omtp.carrier import CarrierProfile, Carriers, StatusFacts, carrier_faults, read_carrier
from vvm.services.settings import ServiceSettings


class BadCarrierFile(Refusal):
    """Profiles that cannot be used; the text has a line for each mistake, with its file and key."""

    code = "bad_carrier_file"


class Read(msgspec.Struct, frozen=True):
    """What a directory of profiles says."""

    carriers: Carriers
    mistakes: Sequence[Mistake]
    """Of all files, and of the keys that lead to them."""


def load_carriers(service: ServiceSettings) -> Carriers:
    """By name; none when no directory is configured.

    Raises BadCarrierFile, also when two files have one name or the service's own carrier is not there.
    """
    read = read_carriers(service)
    if read.mistakes:
        raise BadCarrierFile("\n".join(map(str, read.mistakes)))
    return read.carriers


def read_carriers(service: ServiceSettings) -> Read:
    """As ``load_carriers``, and goes on where something is wrong."""
    found: dict[str, CarrierProfile] = {}
    files: dict[str, Path] = {}
    mistakes: list[Mistake] = []
    directory = service.carriers
    if directory and not Path(directory).is_dir():
        mistakes.append(Mistake("vvm.carriers", "not a directory that can be read", render(directory)))
    for file in sorted(Path(directory).glob("*.toml")) if directory else ():
        try:
            profile = _profile(file)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        name = profile.name
        if name in found:
            right = f"a name of its own: {files[name].name} has it"
            mistakes.append(Mistake("name", right, render(name), str(file)))
        found[name], files[name] = profile, file
    if service.carrier and service.carrier not in found and not mistakes:
        where = directory or "vvm.carriers"
        right = f"the name of a profile: no file of {where} has it{_nearest(service.carrier, found)}"
        mistakes.append(Mistake("vvm.carrier", right, render(service.carrier)))
    return Read(found, mistakes)


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


def _profile(file: Path) -> CarrierProfile:
    """Raises ConfigError with everything that is wrong in it."""
    raw = read_toml(file)
    mistakes = list(compare(raw, CarrierProfile))
    mistakes += further(_faults(raw), mistakes)
    if mistakes:
        raise ConfigError([msgspec.structs.replace(mistake, source=str(file)) for mistake in mistakes])
    return read_carrier(file.read_text(encoding="utf-8"))


def _faults(raw: Raw) -> Iterator[Mistake]:
    """What no type says of the part of a file that types have nothing to say against."""
    kept = sound(raw, CarrierProfile)
    for key, right in carrier_faults(
        msgspec.convert(kept.get("name", ""), str),
        msgspec.convert(kept.get("client", {}), ClientProfile),
        msgspec.convert(kept.get("status", {}), StatusFacts),
        msgspec.convert(kept.get("status_actions", {}), dict[str, object]),
    ):
        table, _, name = key.rpartition(".")
        said = kept if not table else msgspec.convert(kept.get(table, {}), dict[str, object])
        value = said.get(name)
        yield Mistake(key, right, "" if value is None else render(value))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = closest(name, known)
    return f"; did you mean {near}?" if near else ""
