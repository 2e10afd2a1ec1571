# SPDX-License-Identifier: Apache-2.0
"""The extension commands that handsets send over IMAP: their grammar and their texts (OMTP 1.3 2.3-2.5).

Arguments are unquoted ``KEY=value`` words, in any order and with keys in any case, because clients
differ in both.  Clients compare a text as a whole, so each stands here once, to the letter
(sheet section 15).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import msgspec

from vvm.domain.errors import Refusal
from vvm.domain.pin import PinFault
from vvm.domain.secrets import Secret

PIN_CHANGED = "password changed successfully"
LANGUAGE_CHANGED = "language changed successfully"
TUTORIAL_CLOSED = "NUT closed"

OLD_PIN_MISMATCH = "old password mismatch"
INVALID_LANGUAGE = "invalid language"
PIN_FAULTS: Mapping[PinFault, str] = {
    PinFault.TOO_SHORT: "password too short",
    PinFault.TOO_LONG: "password too long",
    PinFault.TOO_WEAK: "password too weak",
    PinFault.INVALID_CHARACTERS: "password contains invalid characters",
}

NOT_ALLOWED = "command not allowed"
INVALID_PARAMETER = "invalid parameter"
"""Texts that any command may answer (sheet 9.5)."""


class InvalidParameter(Refusal):
    """The arguments of a command are not its arguments; what they were is not repeated."""

    code = "invalid_parameter"

    def __init__(self) -> None:
        super().__init__(INVALID_PARAMETER)


class ChangePin(msgspec.Struct, frozen=True):
    """XCHANGE_TUI_PWD and CHANGE_TUI_PWD."""

    new: Secret
    old: Secret
    user: str | None = None
    """Whose PIN; only AT&T's client says it, before it has logged in."""


class ChangeLanguage(msgspec.Struct, frozen=True):
    """XCHANGE_VM_LANG and CHANGE_VM_LANG."""

    language: str


def parse_change_pin(arguments: str) -> ChangePin:
    """What follows the verb: ``PWD=`` and ``OLD_PWD=``, either first; ``USER=``.  Raises InvalidParameter."""
    fields = _fields(arguments, required={"PWD", "OLD_PWD"}, allowed={"USER"})
    return ChangePin(Secret(fields["PWD"]), Secret(fields["OLD_PWD"]), fields.get("USER"))


def parse_change_language(arguments: str) -> ChangeLanguage:
    """What follows the verb: ``LANG=``.  Raises InvalidParameter."""
    return ChangeLanguage(_fields(arguments, required={"LANG"})["LANG"])


def parse_close_tutorial(arguments: str) -> None:
    """Nothing follows the verb.  Raises InvalidParameter."""
    _fields(arguments, required=frozenset())


def _fields(
    arguments: str, *, required: AbstractSet[str], allowed: AbstractSet[str] = frozenset()
) -> dict[str, str]:
    fields: dict[str, str] = {}
    for word in arguments.split():
        key, equals, value = word.partition("=")
        if not equals or key.upper() in fields or key.upper() not in required | allowed:
            raise InvalidParameter
        fields[key.upper()] = value
    if not required <= fields.keys():
        raise InvalidParameter
    return fields
