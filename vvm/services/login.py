# SPDX-License-Identifier: Apache-2.0
"""Who may open a mailbox by IMAP, and why not."""

from __future__ import annotations

from enum import StrEnum

from vvm.domain.errors import Refusal
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.services.credentials import Keyring
from vvm.store.port import SubscriberStore


class LoginRefusal(StrEnum):
    """The reasons that OMTP tells apart (OMTP 1.3 2.1.1; the front knows their texts)."""

    UNKNOWN_USER = "unknown_user"
    INVALID_PASSWORD = "invalid_password"  # noqa: S105 - names a reason
    NOT_PROVISIONED = "not_provisioned"
    NOT_ACTIVATED = "not_activated"
    BLOCKED = "blocked"


class LoginRefused(Refusal):
    code = "login_refused"

    def __init__(self, reason: LoginRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


_NOT_NOW = {
    ProvisioningStatus.UNKNOWN: LoginRefusal.NOT_PROVISIONED,
    ProvisioningStatus.PROVISIONED: LoginRefusal.NOT_ACTIVATED,
    ProvisioningStatus.BLOCKED: LoginRefusal.BLOCKED,
}


class Login:
    """Checks a user name and password.

    The password is checked before the status, so that only its owner learns the status.
    """

    def __init__(self, subscribers: SubscriberStore, keyring: Keyring) -> None:
        self._subscribers = subscribers
        self._keyring = keyring

    async def __call__(self, user: str, password: str) -> Subscriber:
        """Raises LoginRefused."""
        subscriber = await self._subscribers.by_imap_user(user)
        if subscriber is None:
            raise LoginRefused(LoginRefusal.UNKNOWN_USER)
        if not self._keyring.matches(user, password, subscriber.password_check):
            raise LoginRefused(LoginRefusal.INVALID_PASSWORD)
        if not subscriber.status.active:
            raise LoginRefused(_NOT_NOW[subscriber.status])
        return subscriber
