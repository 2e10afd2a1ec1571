# SPDX-License-Identifier: Apache-2.0
"""What a handset must be told before its first SMS, as makers and distributions take it (sheet 19.2, 20.1).

No server can tell it: Android phones have it from CarrierConfig, Linux phones from a database of providers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

import msgspec

from vvm.domain.subscriber import Dialect

_ANDROID = {Dialect.OMTP: "vvm_type_omtp", Dialect.CVVM: "vvm_type_cvvm", Dialect.VVM3: "vvm_type_vvm3"}
_VVMD = {Dialect.OMTP: "otmp", Dialect.CVVM: "cvvm", Dialect.VVM3: "vvm3"}
"""The first is a slip of vvmd and of mobile-broadband-provider-info, which both keep to."""
_MCC = 3


class HandsetConfig(msgspec.Struct, frozen=True):
    """The facts of one service, or of one carrier profile of it."""

    name: str
    dialect: Dialect
    service_number: str
    """What the client writes to and hears from."""
    port: int
    """Application port of the SMS to it; 0 for text SMS."""
    prefix: str
    imap_host: str
    imap_port: int
    """STARTTLS, as STATUS says it."""
    tls_port: int
    """TLS from the first octet; 0 where there is none."""
    networks: tuple[str, ...]
    """MCC and MNC."""
    vmg_url: str = ""


class NotForHandsets(ValueError):
    """A dialect that this form has no word for."""


def android(config: HandsetConfig) -> str:
    """A file for CarrierConfig: what stands in ``assets`` of the CarrierConfig app, by network.

    Raises NotForHandsets.
    """
    kind = _ANDROID.get(config.dialect)
    if kind is None:
        raise NotForHandsets(f"Android has no type for {config.dialect}")
    values = [
        _string("vvm_type_string", kind),
        _string("vvm_destination_number_string", config.service_number),
        f'<int name="vvm_port_number_int" value="{config.port}"/>',
        f'<int name="vvm_ssl_port_number_int" value="{config.tls_port}"/>',
        _string("vvm_client_prefix_string", config.prefix),
    ]
    if config.vmg_url:
        values.append(_string("default_vmg_url", config.vmg_url))
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<carrier_config_list>"]
    for network in config.networks or ("",):
        where = f' mcc="{network[:_MCC]}" mnc="{network[_MCC:]}"' if network else ""
        lines += [f"  <carrier_config{where}>", *(f"    {value}" for value in values), "  </carrier_config>"]
    return "\n".join([*lines, "</carrier_config_list>", ""])


def provider_info(config: HandsetConfig) -> str:
    """The element of mobile-broadband-provider-info, inside a provider's ``gsm``.  Raises NotForHandsets."""
    return (
        "<visual-voicemail>\n"
        f'  <standard type="{_vvmd_type(config)}"/>\n'
        f"  <destination-number>{escape(config.service_number)}</destination-number>\n"
        f"  <carrier-prefix>{escape(config.prefix)}</carrier-prefix>\n"
        "</visual-voicemail>\n"
    )


def vvmd(config: HandsetConfig) -> str:
    """Settings of vvmd, ``~/.vvm/modemmanager/vvm``.  Raises NotForHandsets."""
    return (
        "[Modem Manager]\n"
        "VVMEnabled=true\n"
        f"VVMType={_vvmd_type(config)}\n"
        f"VVMDestinationNumber={config.service_number}\n"
        f"CarrierPrefix={config.prefix}\n"
    )


def markdown(configs: Sequence[HandsetConfig]) -> str:
    """A table for people who make handsets."""
    heads, rows = _table(configs)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def comma_separated(configs: Sequence[HandsetConfig]) -> str:
    """The same table for programs."""
    heads, rows = _table(configs)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([heads, *rows])
    return out.getvalue()


def _table(configs: Sequence[HandsetConfig]) -> tuple[list[str], list[list[str]]]:
    heads = [
        "name",
        "type",
        "service number",
        "SMS port",
        "prefix",
        "IMAP host",
        "STARTTLS",
        "TLS",
        "networks",
    ]
    rows = [
        [
            config.name,
            config.dialect.value,
            config.service_number,
            str(config.port),
            config.prefix,
            config.imap_host,
            str(config.imap_port),
            str(config.tls_port or "-"),
            " ".join(config.networks),
        ]
        for config in configs
    ]
    return heads, rows


def _vvmd_type(config: HandsetConfig) -> str:
    kind = _VVMD.get(config.dialect)
    if kind is None:
        raise NotForHandsets(f"vvmd has no type for {config.dialect}")
    return kind


def _string(name: str, value: str) -> str:
    return f'<string name="{name}">{escape(value)}</string>'
