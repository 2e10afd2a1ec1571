# SPDX-License-Identifier: Apache-2.0
"""Which SMSCs take the SMS of which carrier, as far as a configuration says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.settings import SmscSettings
from vvm.config.errors import Mistake
from vvm.config.sections import Config, SmsSection
from vvm.config.toml import render
from vvm.omtp.carrier import Carriers

Routes = tuple[SmscSettings | KannelSettings, ...]


class Serving(msgspec.Struct, frozen=True):
    """One SMSC of a carrier."""

    carrier: str
    """Name of a profile; "" for subscribers without one."""
    smsc: str
    weight: int
    """0: only while no other SMSC of this carrier takes any."""


def routes_of(config: Config) -> Routes:
    """Every SMSC and Kannel; what is taken for ``vvm.carrier`` is taken for whoever has no carrier, too."""
    default = config.vvm.carrier
    routes: Routes = (*config.sms.smsc, *config.sms.kannel)
    return tuple(
        msgspec.structs.replace(route, carriers=(*route.carriers, ""))
        if default and default in route.carriers
        else route
        for route in routes
    )


def serving(config: Config, carriers: Carriers) -> Sequence[Serving]:
    """For each carrier its SMSCs, the order in which they are asked: by weight, standbys last."""
    routes = sorted(routes_of(config), key=lambda route: -route.weight)
    return [
        Serving(carrier, route.name, route.weight)
        for carrier in ("", *sorted(carriers))
        for route in routes
        if not route.carriers or carrier in route.carriers
    ]


def routing(config: Config, carriers: Carriers) -> Iterator[Mistake]:
    """Every carrier that is named has a profile, and each one has an SMSC."""
    for key, route in _keys(config.sms):
        for index, name in enumerate(route.carriers):
            if name not in carriers:
                right = "the name of a profile in vvm.carriers"
                yield Mistake(f"{key}.carriers[{index}]", right, render(name))
    if not config.sms.names:
        return
    served = {each.carrier for each in serving(config, carriers)}
    if missing := sorted(set(carriers) - served):
        right = (
            f"profiles that an SMSC serves, and none serves {', '.join(missing)}: name them in carriers of "
            "an SMSC, or leave carriers of one empty, or take their files away"
        )
        yield Mistake("vvm.carriers", right, render(config.vvm.carriers))
    if "" not in served:
        right = "the carrier that an SMSC names: no SMSC serves subscribers without a carrier"
        yield Mistake("vvm.carrier", right, render(config.vvm.carrier))


def _keys(sms: SmsSection) -> Iterator[tuple[str, SmscSettings | KannelSettings]]:
    yield from ((f"sms.smsc[{index}]", smsc) for index, smsc in enumerate(sms.smsc))
    yield from ((f"sms.kannel[{index}]", kannel) for index, kannel in enumerate(sms.kannel))
