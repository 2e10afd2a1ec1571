# SPDX-License-Identifier: Apache-2.0
"""The one name that opens every mailbox, for a PBX whose voicemail is stored here (RFC 4616 section 2)."""

from __future__ import annotations

import hmac
from ipaddress import ip_address, ip_network

import structlog

from vvm.domain.errors import InvalidNumber
from vvm.domain.numbers import international
from vvm.domain.subscriber import Subscriber
from vvm.services.login import LoginRefusal, LoginRefused
from vvm.services.settings import MasterSettings
from vvm.store.port import SubscriberStore

log = structlog.get_logger(__name__)


class MasterLogin:
    """Refuses everybody unless a name and a password are configured.  Every try is logged."""

    def __init__(self, subscribers: SubscriberStore, settings: MasterSettings) -> None:
        self._subscribers = subscribers
        self._user = settings.user
        self._password = settings.password
        self._networks = [ip_network(network) for network in settings.networks]

    async def __call__(self, identity: str, user: str, password: str, *, address: str) -> Subscriber:
        """Open the mailbox of ``identity``, an IMAP user name or a number.  Raises LoginRefused."""
        if not self._is_master(user, password) or not self._is_near(address):
            log.warning("master_login_refused", address=address, near=self._is_near(address))
            raise LoginRefused(LoginRefusal.INVALID_PASSWORD)
        subscriber = await self._subscribers.by_imap_user(identity) or await self._by_number(identity)
        if subscriber is None:
            log.warning("master_login_refused", address=address, reason="unknown_user")
            raise LoginRefused(LoginRefusal.UNKNOWN_USER)
        if not subscriber.status.served:
            raise LoginRefused(LoginRefusal.BLOCKED)
        log.info("master_logged_in", address=address, msisdn=subscriber.msisdn)
        return subscriber

    def _is_master(self, user: str, password: str) -> bool:
        """Compared in constant time, and never equal to what is not configured."""
        if not self._user or not self._password:
            return False
        same_user = hmac.compare_digest(user.encode(), self._user.encode())
        same_password = hmac.compare_digest(password.encode(), self._password.encode())
        return same_user and same_password

    def _is_near(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self._networks)

    async def _by_number(self, identity: str) -> Subscriber | None:
        try:
            return await self._subscribers.by_msisdn(international(identity))
        except InvalidNumber:
            return None
