# SPDX-License-Identifier: Apache-2.0
"""What an SMSC delivers: SMS from handsets, receipts, and word of who is reachable again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from sms_gateway import receipts, user_data
from sms_gateway.esme import Delivery
from sms_gateway.intake import Delivered, Intake
from sms_gateway.port import Clock, Inbox, Metrics, Outbox, Reachable, Receipt, Unavailable
from sms_gateway.settings import HandsetNumbers, SmscSettings
from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import Address, Alert, DataSm, Sm
from sms_gateway.smpp.status import Status
from sms_gateway.smpp.tlv import Tag
from sms_gateway.text import coding

_INTERNATIONAL = 1
"""Type of number (SMPP 3.4 section 5.2.5)."""
_REACHABLE = {None, 0}
"""ms_availability_status (section 5.3.2.30): 1 is denied, 2 unavailable; most SMSCs leave it out."""


class Receiver:
    """Answers one SMSC; ``settled`` waits until nothing to a recipient is being sent."""

    def __init__(
        self,
        settings: SmscSettings,
        outbox: Outbox,
        inbox: Inbox,
        *,
        settled: Callable[[str], Awaitable[None]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._inbox = inbox
        self._settled = settled
        self._clock = clock
        self._metrics = metrics
        self._intake = Intake(settings.name, inbox, settings.intake, clock=clock, metrics=metrics)

    async def __call__(self, sm: Delivery) -> int:
        """Keep what was delivered; returns the command_status of the answer, if it has one.

        ROK for what is kept or is garbage, ESME_RX_T_APPN for what the SMSC must deliver again.
        """
        return Status.ROK if await self._intake.kept(self._keep(sm)) else Status.RX_T_APPN

    async def _keep(self, sm: Delivery) -> None:
        """Raises Unavailable, and BadHeader for what makes no sense."""
        if isinstance(sm, Alert):
            await self._alert(sm)
        elif receipts.is_receipt(sm):
            await self._receipt(sm)
        else:
            await self._message(sm)

    async def _receipt(self, sm: Sm | DataSm) -> None:
        octets = user_data.octets_of(sm)
        report = receipts.read(sm, octets)
        receipt = Receipt(
            smsc=self._settings.name,
            message_id=receipts.normal_id(report.message_id, self._settings.receipt_id_form),
            state=report.state,
            error=report.error,
            recipient=self._handset(sm.source),
            received_at=self._clock.now(),
            octets=octets,
        )
        await self._overtaken(receipt.recipient)
        await self._outbox.receipt(receipt)
        self._metrics.receipt(self._settings.name, receipt.state)

    async def _overtaken(self, recipient: str) -> None:
        """A receipt that is early waits a moment; a busy handset must not hold up everybody's SMS."""
        try:
            async with asyncio.timeout(self._settings.early_receipt_seconds):
                await self._settled(recipient)
        except TimeoutError:
            raise Unavailable from None

    def _handset(self, address: Address) -> str:
        if self._settings.handset_numbers is HandsetNumbers.INTERNATIONAL:
            return number(msgspec.structs.replace(address, ton=_INTERNATIONAL))
        return number(address)

    async def _message(self, sm: Sm | DataSm) -> None:
        header, octets = user_data.read(sm)
        await self._intake.take(
            Delivered(
                originator=self._handset(sm.source),
                destination=number(sm.destination),
                header=header,
                octets=octets,
                coding=coding.of(sm.data_coding),
                text_of=lambda whole: coding.text(whole, sm.data_coding),
                # 0 is what stands there where nobody counts (SMPP 3.4 section 5.3.2.17).
                reference=str(tlv.find_number(sm.tlvs, Tag.USER_REFERENCE) or ""),
            )
        )

    async def _alert(self, alert: Alert) -> None:
        if tlv.find_number(alert.tlvs, Tag.AVAILABILITY) in _REACHABLE:
            hint = Reachable(self._settings.name, self._handset(alert.handset), self._clock.now())
            await self._inbox.reachable(hint)


def number(address: Address) -> str:
    """With ``+`` where the type of number says that it is international, else as received."""
    digits = address.digits.decode("latin-1")
    return f"+{digits}" if address.ton == _INTERNATIONAL and not digits.startswith("+") else digits
