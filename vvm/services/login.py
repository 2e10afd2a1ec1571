# SPDX-License-Identifier: Apache-2.0
"""Who may open a mailbox by IMAP, and why not."""

from __future__ import annotations

from enum import StrEnum

from vvm.domain.clock import Clock
from vvm.domain.errors import Refusal
from vvm.domain.secrets import Secret
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

    The password is checked before the status, so that only its owner learns the status.  A login
    shows that the client is there: no SYNC to it counts as unanswered any more.
    """

    def __init__(self, subscribers: SubscriberStore, keyring: Keyring, *, clock: Clock) -> None:
        self._subscribers = subscribers
        self._keyring = keyring
        self._clock = clock

    async def __call__(self, user: str, password: str) -> Subscriber:
        """Raises LoginRefused."""
        subscriber = await self._known(user)
        if not self._matches(subscriber, password):
            raise LoginRefused(LoginRefusal.INVALID_PASSWORD)
        return await self._admitted(subscriber)

    async def password(self, user: str) -> Secret:
        """What ``user`` would log in with, for proofs that do not send it (SCRAM, DIGEST-MD5).

        Raises LoginRefused, and Outage when the master key does not open it.
        """
        subscriber = await self._known(user)
        return self._keyring.open(user, subscriber.password_sealed)

    async def proven(self, user: str) -> Subscriber:
        """The subscriber who has just proven ``password``.  Raises LoginRefused."""
        return await self._admitted(await self._known(user))

    async def _known(self, user: str) -> Subscriber:
        subscriber = await self._subscribers.by_imap_user(user)
        if subscriber is None:
            raise LoginRefused(LoginRefusal.UNKNOWN_USER)
        return subscriber

    async def _admitted(self, subscriber: Subscriber) -> Subscriber:
        if not subscriber.status.active:
            raise LoginRefused(_NOT_NOW[subscriber.status])
        if subscriber.unanswered_syncs:
            await self._subscribers.answered(subscriber.id)
        return subscriber

    def _matches(self, subscriber: Subscriber, password: str) -> bool:
        """The STATUS with a new password may be late: the old one works for a while (sheet row ST-18)."""
        user = subscriber.imap_user
        if self._keyring.matches(user, password, subscriber.password_check):
            return True
        previous, until = subscriber.previous_check, subscriber.previous_until
        if previous is None or until is None or self._clock.now() >= until:
            return False
        return self._keyring.matches(user, password, previous)
