# SPDX-License-Identifier: Apache-2.0
"""What a handset asks by SMS: Activate, Deactivate, STATUS (OMTP 1.3 2.9.2, sheet section 5).

Clients in the field bend the grammar: AOSP writes ``Status`` and never says port or prefix, CVVM
clients say ``dt=6`` alone, some end with a colon or a line end.  So every text is read as something,
and nothing that a text says decides whose mailbox is meant: that is the originator's matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from vvm.domain.prefix import is_prefix

_MIN_VERSION, _MAX_VERSION = 10, 99
_MAX_CLIENT_TYPE = 30
_MAX_PORT = 0xFFFF
_INTEGER = re.compile(r"-?[0-9]{1,9}\Z")


class Activate(msgspec.Struct, frozen=True):
    """The client is to be told of its messages from now on; also a new device, so it may repeat.

    What the text does not say, or says unreadably, is None or empty: the profile keeps what it has.
    """

    protocol_version: int | None = None
    """pv=, ten times the version: 10 to 99."""
    client_type: str = ""
    """ct=, 30 characters at most."""
    port: int | None = None
    """pt=, 0 to 65535; 0 wants SMS without a port."""
    prefix: str | None = None
    """Text in front of every SMS to this client, without the colon."""
    device_type: int | None = None
    """dt= of a CVVM client; 6 wants no voice-to-text."""


class Deactivate(msgspec.Struct, frozen=True):
    """No SYNC any more.  Whatever else the text says changes nothing."""


class StatusRequest(msgspec.Struct, frozen=True):
    """Only the answer is wanted.  Whatever else the text says changes nothing."""


class StateRequest(msgspec.Struct, frozen=True):
    """The beacon of Apple's client, which asks for the state and to be told from now on (sheet 17)."""


class UnknownRequest(msgspec.Struct, frozen=True):
    """Not a request of a dialect that is spoken here.  Says nothing of the text, which may be private."""


ClientRequest = Activate | Deactivate | StatusRequest | StateRequest
"""What can be done something about."""


def parse_client_sms(text: str) -> ClientRequest | UnknownRequest:
    """Read the text of a client's SMS as sheet 5.3 asks.  Total: any text gives one of these."""
    verb, rest = _split(text.replace("\0", "").strip())
    match verb:
        case "ACTIVATE":
            return _activate(rest)
        case "DEACTIVATE":
            return Deactivate()
        case "STATUS":
            return StatusRequest()
        case "STATE":
            return StateRequest()
        case _:
            return UnknownRequest()


def _split(text: str) -> tuple[str, str]:
    """The verb in upper case, and what follows the first ``:`` or ``?``."""
    verb, *rest = re.split("[:?]", text, maxsplit=1)
    # Letters of other alphabets may become ours in upper case.
    return verb.strip().upper() if verb.isascii() else "", "".join(rest)


def _activate(text: str) -> Activate:
    fields: dict[str, str] = {}
    prefix = None
    for token in filter(None, map(str.strip, text.split(";"))):
        key, equals, value = token.partition("=")
        if equals:
            fields.setdefault(key.strip().lower(), value.strip())
        else:
            prefix = prefix or _prefix(token)
    version = _integer(fields, "pv")
    return Activate(
        protocol_version=None if version is None else max(_MIN_VERSION, min(version, _MAX_VERSION)),
        client_type=_printable(fields.get("ct", "")),
        port=_port(_integer(fields, "pt")),
        prefix=prefix,
        device_type=_integer(fields, "dt"),
    )


def _prefix(token: str) -> str | None:
    """A bare token.  One that could not travel back in front of an SMS is as good as none."""
    token = token.removesuffix(":")
    return token if is_prefix(token) else None


def _port(value: int | None) -> int | None:
    """AOSP holds a port in 16 bits with a sign, so that a high one arrives as a negative number."""
    if value is None:
        return None
    return value & _MAX_PORT if value < 0 else min(value, _MAX_PORT)


def _integer(fields: Mapping[str, str], key: str) -> int | None:
    value = fields.get(key, "")
    return int(value) if _INTEGER.match(value) else None


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:_MAX_CLIENT_TYPE]
