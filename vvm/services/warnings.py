# SPDX-License-Identifier: Apache-2.0
"""SMS that tell a subscriber, in words, of what its class of service is about to do.

They are for the person and not for the client: a mailbox that gets full, messages that expire.
"""

from __future__ import annotations

from vvm.domain.cos import Limits
from vvm.domain.notification import Cause
from vvm.domain.subscriber import ProvisioningStatus, Subscriber
from vvm.services.plain_sms import PlainSms, in_language, plain_sms
from vvm.services.settings import NotificationSettings, ServiceSettings

_NEARLY_FULL = "Your voicemail is {percent} % full. Delete messages you do not need."
_NEARLY_FULL_CALL = "Your voicemail is {percent} % full. Call {number} and delete messages you do not need."
_EXPIRY = "Voice messages are deleted after {days} days, some of yours within {notice}."
_EXPIRY_CALL = f"{_EXPIRY} Call {{number}} to listen."
_SILENT = frozenset({ProvisioningStatus.UNKNOWN, ProvisioningStatus.BLOCKED})


class Warnings:
    """The texts are made when they are sent (ADR 0005)."""

    def __init__(self, service: ServiceSettings, settings: NotificationSettings) -> None:
        self._number = service.tui_number or service.service_number
        menus = bool(service.tui_number)  # there are some to call
        self._default_nearly_full = _NEARLY_FULL_CALL if menus else _NEARLY_FULL
        self._default_expiry = _EXPIRY_CALL if menus else _EXPIRY
        self._languages = service.languages
        self._nearly_full = settings.nearly_full_texts
        self._expiry = settings.expiry_texts

    def sms(self, subscriber: Subscriber, cause: Cause, limits: Limits) -> PlainSms | None:
        """None when its class does not warn of it any more, and for who is not served."""
        if subscriber.status in _SILENT:
            return None
        languages = (subscriber.language, *self._languages)
        if cause is Cause.NEARLY_FULL and limits.warn_percent is not None:
            text = in_language(self._nearly_full, languages, or_else=self._default_nearly_full)
            return plain_sms(text.format(percent=limits.warn_percent, number=self._number))
        if (
            cause is Cause.EXPIRY
            and limits.message_days is not None
            and limits.expiry_notice_days is not None
        ):
            text = in_language(self._expiry, languages, or_else=self._default_expiry)
            days, notice = limits.message_days, limits.expiry_notice_days
            return plain_sms(text.format(days=days, notice=notice, number=self._number))
        return None
