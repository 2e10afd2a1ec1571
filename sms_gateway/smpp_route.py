# SPDX-License-Identifier: Apache-2.0
"""One SMSC as a route: its binds, its contracted rate, its circuit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from sms_gateway import policy
from sms_gateway.bind import Bind
from sms_gateway.circuit import Circuit
from sms_gateway.compose import Unfit, compose
from sms_gateway.errors import Nacked, NotSent, OutcomeUnknown, Rejected
from sms_gateway.esme import Esme, Receive
from sms_gateway.meter import Meter
from sms_gateway.pace import Pace
from sms_gateway.pool import Health, SegmentTaken
from sms_gateway.port import Acceptance, Metrics, OutboundSms, Outcome, Refused, Sent
from sms_gateway.receipts import normal_id
from sms_gateway.settings import SmscSettings
from sms_gateway.smpp import status as smpp_status
from sms_gateway.smpp import tlv
from sms_gateway.smpp.pdu import PduError
from sms_gateway.smpp.status import Action
from sms_gateway.smpp.tlv import Tag, Tlvs
from sms_gateway.throttle import Throttle

_CONGESTED = 90
"""congestion_state (SMPP 5.0 section 4.8.4.18): from here on congestion is near, 100 is reached."""

log = structlog.get_logger(__name__)


class SmppRoute:
    """sms_gateway.pool.Route over SMPP.  ``changed`` is called when it may have room again."""

    def __init__(
        self, settings: SmscSettings, receive: Receive, *, metrics: Metrics, changed: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._actions = settings.overrides()
        self._pace = Pace(
            Throttle(rate=settings.rate, slowest=settings.slowest_rate, pause=settings.throttle_pause_seconds)
        )
        self._circuit = Circuit(
            failures=settings.circuit_failures,
            first=settings.circuit_first_seconds,
            last=settings.circuit_last_seconds,
        )
        meter = Meter(settings.name, metrics)
        self._binds = [Bind(settings, receive, meter=meter, changed=changed) for _ in range(settings.binds)]

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def carriers(self) -> frozenset[str]:
        return frozenset(self._settings.carriers)

    @property
    def weight(self) -> int:
        return self._settings.weight

    @property
    def connected(self) -> bool:
        return bool(self._esmes())

    def health(self, now: float) -> Health:
        return self._circuit.health(now) if self.connected and self._pace.open(now) else Health.DOWN

    def capacity(self, now: float) -> int:
        """Twice the windows - while some wait for the SMSC, others are being settled - but no more
        than can be sent soon.
        """
        if not self._circuit.closed:
            return 1
        affordable = self._pace.affordable(now, self._settings.hold_limit_seconds)
        return max(1, min(2 * self._settings.window * len(self._esmes()), affordable))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for bind in self._binds:
                group.create_task(bind.run())

    def share(self, part: float, until: float) -> None:
        self._pace.share(part, until)

    def stop(self) -> None:
        self._pace.stop()

    def abort(self) -> None:
        for bind in self._binds:
            bind.abort()

    async def send(self, sms: OutboundSms, taken: SegmentTaken) -> Outcome:
        try:
            parts = compose(sms, self._settings)
        except Unfit as unfit:
            return Refused(None, reason=unfit.reason)
        loop = asyncio.get_running_loop()
        esme: Esme | None = None
        acceptance: Acceptance | None = None
        for number, part in enumerate(parts, start=1):
            if number in sms.accepted:
                continue
            try:
                await self._pace.turn()
                now = loop.time()
                if now >= sms.held_until:
                    return policy.not_sent()
                esme = esme or self._least_busy(now)
                answer = await esme.submit(part)
            except Rejected as error:
                return self._rejected(sms, esme, error)
            except NotSent:
                return policy.not_sent()
            except OutcomeUnknown:
                return self._unanswered(esme)
            except PduError:
                return Refused(None, reason="unencodable")
            self._circuit.succeeded()
            self._heed_congestion(answer.tlvs)
            message_id = normal_id(answer.message_id, self._settings.response_id_form)
            acceptance = Acceptance(number, len(parts), message_id)
            if number < len(parts):
                await taken(acceptance)
        return Sent(acceptance)

    def _esmes(self) -> list[Esme]:
        return [esme for bind in self._binds if (esme := bind.esme) is not None]

    def _least_busy(self, now: float) -> Esme:
        """Raises NotSent without a bind, and while the circuit is open."""
        esmes = self._esmes()
        if not esmes or self._circuit.health(now) is Health.DOWN:
            raise NotSent
        return min(esmes, key=lambda esme: esme.load) if len(esmes) > 1 else esmes[0]

    def _unanswered(self, esme: Esme | None) -> Outcome:
        # A lost link is the bind's affair; silence on one that stands is the SMSC's.
        if esme is not None and esme.link.usable:
            self._failed()
        return policy.unknown(self._settings)

    def _rejected(self, sms: OutboundSms, esme: Esme | None, error: Rejected) -> Outcome:
        judge = smpp_status.nack_action if isinstance(error, Nacked) else smpp_status.action
        action = judge(error.status, self._actions)
        pause = 0.0
        match action:
            case Action.SLOW_DOWN:
                pause = self._pace.slow_down()
            case Action.LATER:
                self._failed()
            case Action.REBIND if esme is not None:
                esme.link.close("smsc_says_not_bound")
            case _:
                self._circuit.succeeded()
        return policy.after_rejection(
            error.status, action, attempt=sms.attempt, pause_seconds=pause, settings=self._settings
        )

    def _heed_congestion(self, tlvs: Tlvs) -> None:
        """An SMSC of SMPP 5.0 says that it is getting too much before it has to refuse."""
        state = tlv.find_number(tlvs, Tag.CONGESTION_STATE)
        if state is not None and state >= _CONGESTED:
            self._pace.slow_down()

    def _failed(self) -> None:
        seconds = self._circuit.failed(asyncio.get_running_loop().time())
        if seconds is not None:
            log.error("smsc_circuit_opened", smsc=self.name, again_in_seconds=seconds)
