# SPDX-License-Identifier: Apache-2.0
"""The subscriber chooses the language of the telephone menus (OMTP 1.3 2.4)."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from vvm.domain.clock import Clock
from vvm.domain.errors import UnknownSubscriber
from vvm.domain.subscriber import Dialect, Subscriber, SubscriberId
from vvm.services.provisioning import UnknownLanguage
from vvm.services.settings import ServiceSettings
from vvm.store.port import SubscriberChange, SubscriberStore

log = structlog.get_logger(__name__)

_VVM3: Mapping[str, str] = {"5": "eng", "6": "spa"}
"""VVM3 says languages in numbers (spec/omtp-vvm.md 14.1); its client sends these two."""


class Languages:
    def __init__(self, subscribers: SubscriberStore, *, clock: Clock, service: ServiceSettings) -> None:
        self._subscribers = subscribers
        self._clock = clock
        self._served = {language.lower(): language for language in service.languages}

    async def choose(self, subscriber: SubscriberId, value: str) -> None:
        """Take a value of ``lang=`` of STATUS, in any case.  Raises UnknownLanguage, UnknownSubscriber."""
        found = await self._subscribers.by_id(subscriber)
        if found is None:
            raise UnknownSubscriber
        language = self._meant(found, value)
        if language is None:
            raise UnknownLanguage(f"language must be one of {', '.join(self._served.values())}")
        if language != found.language:
            change = SubscriberChange(changed_at=self._clock.now(), language=language)
            await self._subscribers.change(found.msisdn, change)
            log.info("language_changed", msisdn=found.msisdn, language=language)

    def _meant(self, subscriber: Subscriber, value: str) -> str | None:
        """The language as it is written here.

        A VVM3 client takes the answer to this command for that to its next one, the PIN change, so
        that a refusal would break its set-up off (spec/omtp-vvm.md 14.2): a number of its own whose
        language we do not serve leaves the language as it is.
        """
        if value.lower() in self._served:
            return self._served[value.lower()]
        if subscriber.client.dialect is Dialect.VVM3 and value in _VVM3:
            return self._served.get(_VVM3[value], subscriber.language)
        return None
