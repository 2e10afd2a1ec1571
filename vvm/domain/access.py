# SPDX-License-Identifier: Apache-2.0
"""Who may do what through the API: a token has a role, and a role is a set of scopes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from vvm.domain.errors import Refusal


class Scope(StrEnum):
    """A right.  ``read`` never changes anything; none but ``audio_read`` lets anybody listen."""

    SUBSCRIBER_READ = "subscriber:read"
    SUBSCRIBER_WRITE = "subscriber:write"
    COS_READ = "cos:read"
    COS_WRITE = "cos:write"
    PIN_RESET = "pin:reset"
    """A new PIN, which only its subscriber hears of: who may ask for one need not be trusted with more."""
    MESSAGE_READ = "message:read"
    """Lists and facts, without sound."""
    MESSAGE_WRITE = "message:write"
    """Flags, deletion."""
    AUDIO_READ = "audio:read"
    GREETING_WRITE = "greeting:write"
    DEPOSIT = "deposit"
    NOTIFICATION_READ = "notification:read"
    NOTIFICATION_WRITE = "notification:write"
    AUDIT_READ = "audit:read"
    EVENT_READ = "event:read"
    WEBHOOK = "webhook"
    """Webhooks altogether: who registers one hears of everybody."""
    HOLD = "hold"
    """Legal holds: to lay one and to lift it.  No role but admin has it."""
    CREDENTIAL_WRITE = "credential:write"
    """Logins of devices: the answer holds a password, which opens the mailbox."""


class Role(StrEnum):
    ADMIN = "admin"
    PROVISIONING = "provisioning"
    SUPPORT = "support"
    BILLING = "billing"
    DEPOSIT = "deposit"


ROLES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Scope),
        Role.PROVISIONING: frozenset(
            {
                Scope.SUBSCRIBER_READ,
                Scope.SUBSCRIBER_WRITE,
                Scope.PIN_RESET,
                Scope.COS_READ,
                Scope.COS_WRITE,
                Scope.GREETING_WRITE,
                Scope.NOTIFICATION_READ,
                Scope.NOTIFICATION_WRITE,
                Scope.AUDIT_READ,
                Scope.CREDENTIAL_WRITE,
                Scope.EVENT_READ,
            }
        ),
        Role.SUPPORT: frozenset(
            {
                Scope.SUBSCRIBER_READ,
                Scope.PIN_RESET,
                Scope.COS_READ,
                Scope.MESSAGE_READ,
                Scope.MESSAGE_WRITE,
                Scope.NOTIFICATION_READ,
                Scope.NOTIFICATION_WRITE,
                Scope.AUDIT_READ,
            }
        ),
        Role.BILLING: frozenset({Scope.SUBSCRIBER_READ, Scope.COS_READ}),
        Role.DEPOSIT: frozenset({Scope.DEPOSIT}),
    }
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")


class InvalidToken(Refusal):
    """A token that cannot be made; the text says why."""

    code = "invalid_token"


class TokenExists(Refusal):
    code = "token_exists"

    def __init__(self) -> None:
        super().__init__("a token of this name exists already")


class UnknownToken(Refusal):
    code = "unknown_token"

    def __init__(self) -> None:
        super().__init__("no such token")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token: everything but the token."""

    name: str
    role: Role
    digest: bytes
    """SHA-256 of the token, which is 256 random bits: nothing slower is needed."""
    scopes: frozenset[str] = frozenset()
    """Of the role's only these; empty for all of them.  A scope of a newer release is no right here."""
    rate: float | None = None
    """Requests a second; None for http.requests_per_second."""
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def allowed(self) -> frozenset[Scope]:
        rights = ROLES[self.role]
        return frozenset(right for right in rights if right in self.scopes) if self.scopes else rights


def check_token(name: str, role: Role, scopes: frozenset[Scope], rate: float | None) -> None:
    """Raises InvalidToken."""
    if not _NAME.match(name):
        raise InvalidToken("the name of a token has 1 to 40 letters, digits, dots, _ or -")
    if beyond := scopes - ROLES[role]:
        raise InvalidToken(f"the role {role} has no {', '.join(sorted(beyond))}")
    if rate is not None and not rate > 0:
        raise InvalidToken("the rate must be more than 0 requests a second")
