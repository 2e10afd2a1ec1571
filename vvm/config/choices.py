# SPDX-License-Identifier: Apache-2.0
"""Keys whose documentation names their values, which no type says: another one fails at a call or an SMS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vvm.config.errors import Mistake
from vvm.config.sections import Config
from vvm.config.toml import render

_TON = (
    "0 unknown, 1 international, 2 national, 3 network specific, 4 subscriber, 5 alphanumeric, 6 abbreviated"
)
_NPI = "0 unknown, 1 E.164, 3 X.121, 4 telex, 6 E.212, 8 national, 9 private, 10 ERMES, 14 IP, 18 WAP"
_OCTET = (frozenset(range(256)), "one octet: 0 to 255")
_TONS = (frozenset(range(7)), f"{_TON} (SMPP 3.4 5.2.5)")
_NPIS = (frozenset({0, 1, 3, 4, 6, 8, 9, 10, 14, 18}), f"{_NPI} (SMPP 3.4 5.2.6)")
_SMSC: Mapping[str, tuple[frozenset[int], str]] = {
    "source_ton": _TONS,
    "source_npi": _NPIS,
    "destination_ton": _TONS,
    "destination_npi": _NPIS,
    "esm_mode": (
        frozenset(range(4)),
        "0 default, 1 datagram, 2 transaction or 3 store and forward (SMPP 3.4 5.2.12)",
    ),
    "protocol_id": _OCTET,
    # 3 is reserved; other bits ask for what no part of the gateway reads
    "registered_delivery": (frozenset(range(3)), "0 none, 1 final or 2 failures only (SMPP 3.4 5.2.17)"),
    "data_coding_octets": _OCTET,
}
_DLR_MASK = range(32)
_SERVICE_TYPE = 5
"""SMPP 3.4 5.2.11: 6 octets with the NUL."""
_SYSTEM_TYPE = 12
"""SMPP 3.4 4.1.1: 13 octets with the NUL."""
_ENDS = ("#", "*", "any", "none")
"""What ARI's terminateOn may be (stasis_app_recording_termination_parse of Asterisk)."""
_MEDIA = re.compile(r"(sound|recording|number|digits|characters|tone):\S+\Z")
_REALM = re.compile(r'[^\s"\\\x00-\x1f\x7f]*\Z')

Findings = Iterator[Mistake]


def _smscs(config: Config) -> Findings:
    for index, smsc in enumerate(config.sms.smsc):
        key = f"sms.smsc[{index}]"
        for name, (values, right) in _SMSC.items():
            if (value := getattr(smsc, name)) not in values:
                yield Mistake(f"{key}.{name}", right, render(value))
        for name, text, most, section in (
            ("service_type", smsc.service_type, _SERVICE_TYPE, "5.2.11"),
            ("system_type", smsc.system_type, _SYSTEM_TYPE, "4.1.1"),
        ):
            if len(text) > most or not text.isascii():
                yield Mistake(
                    f"{key}.{name}", f"at most {most} octets of ASCII (SMPP 3.4 {section})", render(text)
                )
    for index, kannel in enumerate(config.sms.kannel):
        if kannel.dlr_mask not in _DLR_MASK:
            right = "a sum of 1 delivered, 2 not deliverable, 4 buffered, 8 accepted and 16 rejected"
            yield Mistake(f"sms.kannel[{index}].dlr_mask", right, render(kannel.dlr_mask))


def _asterisk(config: Config) -> Findings:
    asterisk = config.asterisk
    if asterisk is None:
        return
    if asterisk.terminate_on not in _ENDS:
        right = f"one of {', '.join(map(render, _ENDS))}, which are those of ARI"
        yield Mistake("asterisk.terminate_on", right, render(asterisk.terminate_on))
    if not _MEDIA.match(asterisk.greeting):
        yield Mistake(
            "asterisk.greeting", "a media URI of ARI, for example sound:vm-intro", render(asterisk.greeting)
        )
    if asterisk.goodbye and not _MEDIA.match(asterisk.goodbye):
        right = 'a media URI of ARI, for example sound:vm-goodbye, or ""'
        yield Mistake("asterisk.goodbye", right, render(asterisk.goodbye))
    if asterisk.media_url and not asterisk.media_url.startswith(("http://", "https://")):
        right = 'an address, for example http://127.0.0.1:8089, or ""'
        yield Mistake("asterisk.media_url", right, render(asterisk.media_url))


def _imap(config: Config) -> Findings:
    realm = config.imap.limits.sasl_realm
    if not _REALM.match(realm):
        yield Mistake("imap.limits.sasl_realm", "a host name, without blanks or quotes", render(realm))


RULES = (_smscs, _asterisk, _imap)
