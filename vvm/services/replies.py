# SPDX-License-Identifier: Apache-2.0
"""What STATUS tells a subscriber now: status, service, credentials, the facts of its carrier."""

from __future__ import annotations

from vvm.domain.cos import Limits
from vvm.domain.subscriber import ClientProfile, Dialect, ProvisioningStatus, Subscriber
from vvm.omtp.carrier import Carriers, StatusFacts
from vvm.omtp.status import ReturnCode, StatusReply
from vvm.services.credentials import Keyring
from vvm.services.settings import ServiceSettings

_WITHOUT_ACCOUNT = frozenset({ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED})
_NO_FACTS = StatusFacts()
_NO_LIMITS = Limits()


class Replies:
    def __init__(self, service: ServiceSettings, carriers: Carriers, keyring: Keyring) -> None:
        self._service = service
        self._carriers = carriers
        self._keyring = keyring

    def client(self, subscriber: Subscriber | None) -> ClientProfile:
        """The client that is told; that of somebody whom we do not serve is supposed."""
        return self._service.client if subscriber is None else subscriber.client

    def source(self, client: ClientProfile) -> str:
        """The short code that the client's SMS come from."""
        return client.source or self._service.service_number

    def __call__(
        self, subscriber: Subscriber | None, return_code: ReturnCode, limits: Limits = _NO_LIMITS
    ) -> StatusReply:
        """``limits`` are those of the subscriber's class of service.

        Raises UnfitField, and SealBroken when the master key does not open the password.
        """
        client = self.client(subscriber)
        facts = self._facts(client)
        status = _told(subscriber, return_code)
        if subscriber is None or status in _WITHOUT_ACCOUNT:
            return StatusReply(
                status=status,
                return_code=_failure(status, return_code, client, facts),
                vmg_url=facts.vmg_url or None,
            )
        service = self._service
        return StatusReply(
            status=status,
            return_code=return_code,
            server=service.imap_host,
            host_kind=facts.host_kind,
            tui=service.tui_number or None,
            service_number=self.source(client),
            imap_port=facts.imap_port or service.imap_port,
            user=subscriber.imap_user,
            password=self._keyring.open(subscriber.imap_user, subscriber.password_sealed),
            languages=facts.languages or service.languages,
            language_separator=facts.language_separator,
            greeting_seconds=limits.greeting_seconds or service.greeting_seconds,
            signature_seconds=service.signature_seconds,
            pin_length=(
                limits.pin_min_digits or service.pin_min_digits,
                limits.pin_max_digits or service.pin_max_digits,
            ),
            vmg_url=facts.vmg_url or None,
            device_type=facts.device_type,
        )

    def _facts(self, client: ClientProfile) -> StatusFacts:
        """Of the carrier whose dialect the client still speaks."""
        carrier = self._carriers.get(client.carrier)
        if carrier is None or carrier.client.dialect is not client.dialect:
            return _NO_FACTS
        return carrier.status


def _told(subscriber: Subscriber | None, return_code: ReturnCode) -> ProvisioningStatus:
    """st=: a refusal says U and nothing of the account, but a block is always told (OMTP 1.3 2.9.1)."""
    if subscriber is None:
        return ProvisioningStatus.UNKNOWN
    if return_code is ReturnCode.SUCCESS or subscriber.status is ProvisioningStatus.BLOCKED:
        return subscriber.status
    return ProvisioningStatus.UNKNOWN


def _failure(
    status: ProvisioningStatus, return_code: ReturnCode, client: ClientProfile, facts: StatusFacts
) -> ReturnCode:
    """rc= without an account; VVM3 asks for its own two, of which 2 starts the subscription (sheet 14.3)."""
    if client.dialect is not Dialect.VVM3 or status is not ProvisioningStatus.UNKNOWN:
        return return_code
    return ReturnCode.SUBSCRIBER_ERROR if facts.self_subscription else ReturnCode.MAILBOX_UNKNOWN
