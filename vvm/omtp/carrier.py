# SPDX-License-Identifier: Apache-2.0
"""What one carrier's handsets expect: its number, port and prefix, the coding, the odd fields of STATUS.

A dialect is code; which carrier speaks it, and how, is a file in conf/carriers (sheet 2, 3 and 19.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from vvm.domain.client import client_faults
from vvm.domain.subscriber import ClientProfile, Dialect

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
_URL = re.compile(r"(https?://[\x21-\x3a\x3c-\x7e]{1,200})?\Z")
_STATUSES = range(1, 1 << 32)
_PORTS = range(65_536)


class BadCarrier(ValueError):
    """A profile that no handset could be served with; the text says why."""


StatusAction = Literal["slow_down", "hold", "later", "refuse", "rebind"]
"""What a gateway does about a command_status; sms_gateway.smpp.status says what each of them is."""


class StatusFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where this carrier's STATUS differs from that of the service."""

    languages: tuple[str, ...] = ()
    """lang=; none takes those of the service.  CVVM and VVM3 have numbers of their own (sheet 6.3)."""
    language_separator: Literal["|", ","] = "|"
    host_kind: bool = False
    """srv= says ``1:`` before an address and ``2:`` before a name, as the specification's examples do;
    Android's dialer takes that for a part of the name."""
    imap_port: int = 0
    """ipt=; 0 takes that of the service."""
    vmg_url: str = ""
    """vmg_url= of VVM3: where a client may subscribe by itself."""
    self_subscription: bool = False
    """A client of VVM3 that is unknown here is told so (rc=2), and goes to vmg_url."""
    device_type: int | None = None
    """dev_t= of VVM3."""


class CarrierProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of conf/carriers.  Raises BadCarrier."""

    name: str
    """What configuration and provisioning call it; small letters, digits and hyphens."""
    client: ClientProfile
    """What is assumed of a client until its SMS says more."""
    status: StatusFacts = StatusFacts()
    status_actions: dict[str, StatusAction] = {}
    """What its SMSCs mean by a command_status, where that differs: ``"0x40B" = "refuse"``."""
    networks: tuple[str, ...] = ()
    """MCC and MNC of the networks that it is known from; for people."""
    experimental: bool = False
    """Made from reports and not from a specification or the source of a client."""

    def __post_init__(self) -> None:
        for key, right in carrier_faults(self.name, self.client, self.status, self.status_actions):
            raise BadCarrier(f"{key}: {right}")


def carrier_faults(
    name: str, client: ClientProfile, status: StatusFacts, status_actions: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Each key of a profile that breaks its rule, and the rule."""
    vvm3 = client.dialect is Dialect.VVM3
    for good, key, right in (
        (_NAME.match(name), "name", "small letters, digits and hyphens, 40 at most"),
        (status.imap_port in _PORTS, "status.imap_port", "0 to 65535"),
        (_URL.match(status.vmg_url), "status.vmg_url", "an address of HTTP without ;"),
        (status.vmg_url or not status.self_subscription, "status.self_subscription", "needs status.vmg_url"),
        (vvm3 or not status.vmg_url, "status.vmg_url", "of the dialect vvm3 only"),
        (vvm3 or not status.device_type, "status.device_type", "of the dialect vvm3 only"),
    ):
        if not good:
            yield key, right
    for field, rule in client_faults(client):
        yield f"client.{field}", rule
    for number in status_actions:
        if not is_status(number):
            yield "status_actions", f'numbers as keys, for example "0x40B", and not {number!r}'


def is_status(number: str) -> bool:
    """Whether it is the number of an error, in decimal or as 0x (SMPP 3.4 section 5.1.3)."""
    try:
        return int(number, 0) in _STATUSES
    except ValueError:
        return False


class _Said(msgspec.Struct):
    """The keys of ``client``, whose struct passes over unknown ones because it is also read from stores."""

    client: dict[str, object]


Carriers = Mapping[str, CarrierProfile]
"""By name."""


def read_carrier(text: str) -> CarrierProfile:
    """Read a file of conf/carriers, which is TOML.  Raises BadCarrier with the key and what is wrong."""
    try:
        profile = msgspec.toml.decode(text, type=CarrierProfile)
        said = msgspec.toml.decode(text, type=_Said)
    except msgspec.DecodeError as error:
        raise BadCarrier(str(error)) from None
    if unknown := set(said.client) - set(ClientProfile.__struct_fields__):
        raise BadCarrier(f"client.{min(unknown)}: unknown key")
    client = msgspec.structs.replace(profile.client, carrier=profile.name)
    return msgspec.structs.replace(profile, client=client)
