# SPDX-License-Identifier: Apache-2.0
"""What a subscriber hears in place of SYNC while no visual voicemail client of it is active.

A lamp with a count, a plain SMS, or nothing: as its class of service says, or else its ``fallback``.
"""

from __future__ import annotations

from vvm.domain.subscriber import Fallback, ProvisioningStatus, SmsCoding, Subscriber
from vvm.services.plain_sms import PlainSms, in_language, plain_sms
from vvm.services.settings import NotificationSettings, ServiceSettings

_ENGLISH = "New voice messages: {count}."
_CALL = " Call {number} to listen."
"""Where there are menus to call."""


class FallbackRules:
    def __init__(self, service: ServiceSettings, settings: NotificationSettings) -> None:
        self._number = service.tui_number or service.service_number
        self._english = _ENGLISH + _CALL if service.tui_number else _ENGLISH
        self._languages = service.languages
        self._texts = settings.texts
        self._suspend_after = settings.suspend_after_syncs

    def client_is_told(self, subscriber: Subscriber, fallback: Fallback) -> bool:
        """Whether SYNC goes to its client.

        A client that did not log in after so many SYNC is taken to be gone, for example with the SIM
        in a plain phone (sheet section 7); its next login shows that it is there.  Nobody without a
        fallback is suspended: there is nothing better to send.
        """
        if not subscriber.status.active:
            return False
        suspended = 0 < self._suspend_after <= subscriber.unanswered_syncs
        return fallback is Fallback.NONE or not suspended

    def sms(self, subscriber: Subscriber, fallback: Fallback, *, count: int) -> PlainSms | None:
        """The SMS in place of SYNC, with ``count`` messages not heard; None for nothing.

        A subscriber whom the service was never given, or who is blocked, hears nothing.
        """
        if subscriber.status in {ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED}:
            return None
        match fallback:
            case Fallback.MWI:
                return PlainSms("", SmsCoding.GSM7, count)
            case Fallback.TEXT if count:
                text = self._template(subscriber.language).format(count=count, number=self._number)
                return plain_sms(text)
            case _:
                return None

    def _template(self, language: str) -> str:
        return in_language(self._texts, (language, *self._languages), or_else=self._english)
