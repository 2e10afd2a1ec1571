# SPDX-License-Identifier: Apache-2.0
"""Who may open a mailbox by IMAP, and why not."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from vvm.domain.clock import Clock
from vvm.domain.device import Device
from vvm.domain.errors import InvalidNumber, Refusal
from vvm.domain.numbers import parse_msisdn
from vvm.domain.secrets import Secret
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.domain.visit import Act
from vvm.services.credentials import Keyring
from vvm.services.visits import Visits
from vvm.store.port import DeviceStore, SubscriberStore

_USE_NOTED = timedelta(minutes=1)
"""A device that comes back sooner is not written down again."""


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


class Admitted(msgspec.Struct, frozen=True):
    """Who has logged in."""

    subscriber: Subscriber
    device: Device | None = None
    """None: with the credentials that STATUS tells, or by a master."""
    by_master: bool = False
    """By who opens every mailbox (services.master)."""


_NOT_NOW = {
    ProvisioningStatus.UNKNOWN: LoginRefusal.NOT_PROVISIONED,
    ProvisioningStatus.PROVISIONED: LoginRefusal.NOT_ACTIVATED,
    ProvisioningStatus.BLOCKED: LoginRefusal.BLOCKED,
}


class Login:
    """Checks a user name and password: those of the subscriber, or those of one of its devices.

    The password is checked before the status, so that only its owner learns the status.  A login
    with the subscriber's own shows that its client is there: no SYNC to it counts as unanswered any
    more.  A device needs no activation, only a subscriber who is served.
    """

    def __init__(
        self,
        subscribers: SubscriberStore,
        devices: DeviceStore,
        keyring: Keyring,
        *,
        clock: Clock,
        visits: Visits,
    ) -> None:
        self._subscribers = subscribers
        self._devices = devices
        self._keyring = keyring
        self._clock = clock
        self._visits = visits

    async def __call__(self, user: str, password: str) -> Admitted:
        """Raises LoginRefused."""
        found = await self._known(user)
        if not self._matches(found, password):
            raise self._refused(found, LoginRefusal.INVALID_PASSWORD)
        return await self._admitted(found)

    async def password(self, user: str) -> Secret:
        """What ``user`` would log in with, for proofs that do not send it (SCRAM, DIGEST-MD5).

        Raises LoginRefused, and Outage when the master key does not open it.
        """
        found = await self._known(user)
        owner = found.device or found.subscriber
        return self._keyring.open(
            owner.imap_user if isinstance(owner, Subscriber) else owner.login, owner.password_sealed
        )

    async def proven(self, user: str) -> Admitted:
        """Who has just proven ``password``.  Raises LoginRefused."""
        return await self._admitted(await self._known(user))

    async def _known(self, user: str) -> Admitted:
        if (subscriber := await self._subscribers.by_imap_user(user)) is not None:
            return Admitted(subscriber)
        device = await self._devices.by_login(user)
        owner = None if device is None else await self._subscribers.by_id(device.subscriber)
        if owner is not None:
            return Admitted(owner, device)
        if (subscriber := await self._by_alias(user)) is not None:
            return Admitted(subscriber)
        raise LoginRefused(LoginRefusal.UNKNOWN_USER)

    async def _by_alias(self, user: str) -> Subscriber | None:
        """Whose further number stands in place of the own one in its user name."""
        number, _, domain = user.partition("@")
        try:
            msisdn = parse_msisdn(f"+{number}")
        except InvalidNumber:
            return None
        found = await self._subscribers.by_msisdn(msisdn)
        if found is None or found.msisdn == msisdn:
            return None
        return found if found.imap_user.partition("@")[2] == domain else None

    async def _admitted(self, found: Admitted) -> Admitted:
        subscriber, device = found.subscriber, found.device
        if device is not None:
            if not subscriber.status.served:
                raise self._refused(found, _NOT_NOW[subscriber.status])
            await self._note_use(device)
        else:
            if not subscriber.status.active:
                raise self._refused(found, _NOT_NOW[subscriber.status])
            if subscriber.unanswered_syncs:
                await self._subscribers.answered(subscriber.id)
        self._note(found, Act.LOGGED_IN)
        return found

    def _refused(self, found: Admitted, reason: LoginRefusal) -> LoginRefused:
        self._note(found, Act.REFUSED, reason.value)
        return LoginRefused(reason)

    def _note(self, found: Admitted, act: Act, detail: str = "") -> None:
        device = None if found.device is None else found.device.id
        self._visits.note(found.subscriber.id, act, device=device, detail=detail)

    async def _note_use(self, device: Device) -> None:
        now = self._clock.now()
        if device.last_used_at is None or now - device.last_used_at >= _USE_NOTED:
            await self._devices.used(device.id, at=now)

    def _matches(self, found: Admitted, password: str) -> bool:
        if found.device is not None:
            return self._keyring.matches(found.device.login, password, found.device.password_check)
        return self._matches_own(found.subscriber, password)

    def _matches_own(self, subscriber: Subscriber, password: str) -> bool:
        """The STATUS with a new password may be late: the old one works for a while (sheet row ST-18)."""
        user = subscriber.imap_user
        if self._keyring.matches(user, password, subscriber.password_check):
            return True
        previous, until = subscriber.previous_check, subscriber.previous_until
        if previous is None or until is None or self._clock.now() >= until:
            return False
        return self._keyring.matches(user, password, previous)
