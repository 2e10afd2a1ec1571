# SPDX-License-Identifier: Apache-2.0
"""What Kannel reports by HTTP: SMS from handsets (MO) and delivery (DLR).

A report is answered 200 only when what it brought has been kept; 503 asks Kannel to come again,
which it does where its ``http-request-retry`` is set.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from aiohttp import web

from sms_gateway.intake import Delivered, Intake
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.port import Clock, Coding, Inbox, MessageState, Metrics, Outbox, Receipt
from sms_gateway.text import udh
from sms_gateway.text.udh import Header

_STATES = {
    "1": MessageState.DELIVERED,
    "2": MessageState.UNDELIVERABLE,
    "4": MessageState.ENROUTE,
    "8": MessageState.ACCEPTED,
    "16": MessageState.REJECTED,
}
"""``%d`` of a DLR."""
_CODINGS = {"0": Coding.GSM7, "1": Coding.OCTETS, "2": Coding.UCS2}
"""``%c`` of an MO; with 0 the text comes as UTF-8."""


class KannelCallbacks:
    """The reports of one Kannel; ``settled`` waits until nothing to a recipient is being sent."""

    def __init__(
        self,
        settings: KannelSettings,
        outbox: Outbox,
        inbox: Inbox,
        *,
        settled: Callable[[str], Awaitable[None]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """Raises ValueError where there is no ``callback_password``."""
        if not settings.callback_password:
            raise ValueError("without a callback_password anybody could be any handset")
        self._settings = settings
        self._outbox = outbox
        self._settled = settled
        self._clock = clock
        self._metrics = metrics
        self._intake = Intake(settings.name, inbox, settings.intake, clock=clock, metrics=metrics)

    def app(self) -> web.Application:
        """``/mo`` and ``/dlr``, to be mounted where ``callback_url`` leads."""
        app = web.Application()
        app.router.add_get("/mo", self._mo)
        app.router.add_get("/dlr", self._dlr)
        return app

    async def _mo(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._message)

    async def _dlr(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._report)

    async def _answer(
        self, request: web.Request, keep: Callable[[dict[str, bytes]], Awaitable[None]]
    ) -> web.Response:
        values = _query(request)
        # Compared in a time that tells nothing of how much of it was right.
        if not hmac.compare_digest(values.get("token", b""), self._settings.callback_password.encode()):
            return web.Response(status=403)
        # Nothing in the body: Kannel would send it to the handset.
        return web.Response(status=200 if await self._intake.kept(keep(values)) else 503)

    async def _message(self, values: dict[str, bytes]) -> None:
        """Raises Unavailable, and BadHeader for what makes no sense."""
        header, octets = Header(), values.get("bin", b"")
        if values.get("udh"):
            header, octets = udh.decode(values["udh"] + octets)
        coding = _CODINGS.get(_text(values, "coding"), Coding.OCTETS)
        await self._intake.take(
            Delivered(
                originator=_text(values, "from"),
                destination=_text(values, "to"),
                header=header,
                octets=octets,
                coding=coding,
                text_of=lambda whole: _read(whole, coding),
                reference=_text(values, "id"),
            )
        )

    async def _report(self, values: dict[str, bytes]) -> None:
        """Raises Unavailable."""
        receipt = Receipt(
            smsc=self._settings.name,
            message_id=_text(values, "id"),
            state=_STATES.get(_text(values, "type"), MessageState.UNKNOWN),
            error="",
            recipient=_text(values, "to"),
            received_at=self._clock.now(),
            octets=values.get("reply", b""),
        )
        await self._settled(receipt.recipient)
        await self._outbox.receipt(receipt)
        self._metrics.receipt(self._settings.name, receipt.state)


def _query(request: web.Request) -> dict[str, bytes]:
    """The query's octets: Kannel writes binary into it, which is no text in any charset."""
    pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True, encoding="latin-1")
    return {name: value.encode("latin-1") for name, value in pairs}


def _text(values: dict[str, bytes], name: str) -> str:
    return values.get(name, b"").decode("utf-8", "replace")


def _read(octets: bytes, coding: Coding) -> str | None:
    try:
        return octets.decode("utf-16-be" if coding is Coding.UCS2 else "utf-8")
    except UnicodeDecodeError:
        return None
