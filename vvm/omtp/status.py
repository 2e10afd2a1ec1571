# SPDX-License-Identifier: Apache-2.0
"""STATUS: tell the handset where its mailbox is and how to log in (OMTP 1.3 2.9.1, sheet section 6).

A credential is never shortened to fit: a phone that stores half a password is dead until somebody
notices.  What does not fit is refused where the reply is made, that is, before it is owed.
"""

from __future__ import annotations

import re
from contextlib import suppress
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address

import msgspec

from vvm.domain.errors import Refusal
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import Dialect, ProvisioningStatus
from vvm.omtp.system import STATUS, SystemSms, render_system_sms

_SILENT = frozenset({ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED})

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}\Z")
_USER = re.compile(r"[A-Za-z0-9@._+-]{1,50}\Z")
_PASSWORD = re.compile(r"[A-Za-z0-9]{1,30}\Z")
_NUMBER = re.compile(r"[0-9+*#]{1,20}\Z")
_LANGUAGES = re.compile(r"(?=.{1,36}\Z)[A-Za-z0-9._-]+([|,][A-Za-z0-9._-]+)*\Z")
_PIN_LENGTH = re.compile(r"(?=.{1,5}\Z)\d+-\d+\Z")
_MAX_PORT = 65535

_CVVM = ("st", "rc", "srv", "ipt", "u", "pw", "lang", "g_len", "vs_len", "pw_len")
_FIELDS = {
    Dialect.OMTP: (
        *("st", "rc", "srv", "tui", "dn", "ipt", "u", "pw", "lang", "g_len", "vs_len", "pw_len"),
        *("pm", "gm"),
    ),
    Dialect.CVVM: _CVVM,
    Dialect.VVM3: (*_CVVM, "dev_t", "vmg_url"),
}
"""What each dialect says, in its order (sheet sections 6.3 and 23)."""


class ReturnCode(IntEnum):
    """Values of ``rc=`` (sheet 6.1)."""

    SUCCESS = 0
    SYSTEM_ERROR = 1
    SUBSCRIBER_ERROR = 2
    MAILBOX_UNKNOWN = 3
    NOT_ACTIVATED = 4
    NOT_PROVISIONED = 5
    CLIENT_UNKNOWN = 6
    NOT_INITIALISED = 7


class GreetingWanted(StrEnum):
    """Values of ``gm=``: which greeting the client has to record when it is activated."""

    NORMAL = "G"
    VOICE_SIGNATURE = "V"
    BOTH = "B"
    NONE = "N"


class UnfitField(Refusal):
    """A value that STATUS cannot carry; the text names the field and never shows the value."""

    code = "unfit_status_field"

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(f"{key}= of STATUS must be {expected}")
        self.key = key
        self.expected = expected

    def __reduce__(self) -> tuple[type[UnfitField], tuple[str, str]]:
        return type(self), (self.key, self.expected)


class StatusReply(msgspec.Struct, frozen=True):
    """A STATUS before it is text.

    Raises UnfitField for a value beyond the limits of sheet section 6, and for a status other than
    unknown and blocked without server, port or credentials; ValueError for an active status with a
    return code other than success, which AOSP takes for a failure.
    """

    status: ProvisioningStatus
    return_code: ReturnCode
    server: str | None = None
    """A bare host name or IPv4 address."""
    host_kind: bool = False
    """Say before it which of them it is; AOSP resolves the ``2:`` of the specification as a name."""
    tui: str | None = None
    """The number to call for the telephone menus."""
    service_number: str | None = None
    """The number that client SMS go to."""
    imap_port: int | None = None
    user: str | None = None
    password: Secret | None = None
    languages: tuple[str, ...] = ()
    """Based on three letters of ISO 639-2 each; numbers in CVVM and VVM3."""
    language_separator: str = "|"
    greeting_seconds: int | None = None
    """The longest greeting."""
    signature_seconds: int | None = None
    """The longest voice signature."""
    pin_length: tuple[int, int] | None = None
    """Fewest and most digits."""
    pin_reset: bool = False
    """The client must have the PIN changed when it is activated."""
    greeting_wanted: GreetingWanted = GreetingWanted.NONE
    vmg_url: str | None = None
    """Where a VVM3 client subscribes by itself; told in every status."""
    device_type: int | None = None
    """dev_t= of VVM3."""

    def __post_init__(self) -> None:
        if self.status.active and self.return_code is not ReturnCode.SUCCESS:
            raise ValueError("an active status goes with success only")
        if self.status not in _SILENT:
            self._check()

    def _check(self) -> None:
        _fit("srv", _HOST, self.server, "a bare host of letters, digits, . and -")
        _fit("u", _USER, self.user, "50 characters at most, of letters, digits and @ . _ + -")
        password = None if self.password is None else self.password.reveal()
        _fit("pw", _PASSWORD, password, "30 letters and digits at most")
        _fit(
            "lang",
            _LANGUAGES,
            self.language_separator.join(self.languages),
            "36 characters at most, language codes",
        )
        _fit("pw_len", _PIN_LENGTH, _range(self.pin_length), "two numbers, 5 characters at most")
        if self.tui is not None:
            _fit("tui", _NUMBER, self.tui, "a telephone number")
        if self.service_number is not None:
            _fit("dn", _NUMBER, self.service_number, "a telephone number")
        if self.imap_port is None or not 1 <= self.imap_port <= _MAX_PORT:
            raise UnfitField("ipt", f"a port from 1 to {_MAX_PORT}")


def render_status(reply: StatusReply, prefix: str, dialect: Dialect = Dialect.OMTP) -> str:
    """The text of the SMS, with the fields of the dialect.  It holds a password: never log it.

    A reply of status unknown or blocked carries ``st`` and ``rc`` and nothing else (OMTP 1.2 8.2), but
    ``vmg_url`` in VVM3.  Raises KeyError for a dialect with another grammar.
    """
    fields: dict[str, str | None] = {
        "st": reply.status.value,
        "rc": str(reply.return_code.value),
        "vmg_url": reply.vmg_url,
    }
    if reply.status not in _SILENT and reply.password is not None:
        fields |= {
            "srv": _host(reply.server, with_kind=reply.host_kind),
            "tui": reply.tui,
            "dn": reply.service_number,
            "ipt": _number(reply.imap_port),
            "u": reply.user,
            "pw": reply.password.reveal(),
            "lang": reply.language_separator.join(reply.languages),
            "g_len": _number(reply.greeting_seconds),
            "vs_len": _number(reply.signature_seconds),
            "pw_len": _range(reply.pin_length),
            "dev_t": _number(reply.device_type),
        }
    if reply.status.active:
        fields |= {"pm": "Y" if reply.pin_reset else "N", "gm": reply.greeting_wanted.value}
    told = {key: value for key in _FIELDS[dialect] if (value := fields.get(key)) is not None}
    return render_system_sms(SystemSms(STATUS, told), prefix)


def _fit(key: str, pattern: re.Pattern[str], value: str | None, expected: str) -> None:
    if value is None or not pattern.match(value):
        raise UnfitField(key, expected)


def _host(host: str | None, *, with_kind: bool) -> str | None:
    """srv=, with the kind of the address where that is asked for (sheet section 6, row ST-06)."""
    if host is None or not with_kind:
        return host
    with suppress(ValueError):
        return f"1:{IPv4Address(host)}"
    return f"2:{host}"


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _range(value: tuple[int, int] | None) -> str | None:
    return None if value is None else f"{value[0]}-{value[1]}"
