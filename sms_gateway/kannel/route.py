# SPDX-License-Identifier: Apache-2.0
"""One Kannel as a route: a request a segment.

Kannel gives no message id, so each segment gets one of ours, which comes back in its reports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import aiohttp
import structlog
from yarl import URL

from sms_gateway import policy
from sms_gateway.backoff import doubling
from sms_gateway.circuit import Circuit
from sms_gateway.compose import Unfit, cut_up, spoken
from sms_gateway.errors import NotSent, OutcomeUnknown
from sms_gateway.kannel.request import Verdict, parameters, query, verdict
from sms_gateway.kannel.settings import KannelSettings
from sms_gateway.meter import Meter
from sms_gateway.pace import Pace
from sms_gateway.pool import Health, SegmentTaken
from sms_gateway.port import Acceptance, Metrics, OutboundSms, Outcome, Refused, Retry, Sent
from sms_gateway.throttle import Throttle

log = structlog.get_logger(__name__)


class KannelRoute:
    """sms_gateway.pool.Route over HTTP.  ``changed`` is called when it may have room again."""

    def __init__(self, settings: KannelSettings, *, metrics: Metrics, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._meter = Meter(settings.name, metrics)
        self._changed = changed
        self._pace = Pace(
            Throttle(rate=settings.rate, slowest=settings.slowest_rate, pause=settings.throttle_pause_seconds)
        )
        self._circuit = Circuit(
            failures=settings.circuit_failures,
            first=settings.circuit_first_seconds,
            last=settings.circuit_last_seconds,
        )
        self._window = asyncio.Semaphore(settings.window)
        self._session: aiohttp.ClientSession | None = None
        self._stopping = False
        self._deadlines: set[asyncio.Timeout] = set()

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
        return self._session is not None

    def health(self, now: float) -> Health:
        return self._circuit.health(now) if self.connected and self._pace.open(now) else Health.DOWN

    def capacity(self, now: float) -> int:
        if not self._circuit.closed:
            return 1
        affordable = self._pace.affordable(now, self._settings.hold_limit_seconds)
        return max(1, min(2 * self._settings.window, affordable))

    async def run(self) -> None:
        async with aiohttp.ClientSession(trust_env=False) as session:
            self._session = session
            self._stopping = False
            self._meter.bound(up=True)
            self._changed()
            try:
                await asyncio.Event().wait()
            finally:
                self._session = None
                self._meter.bound(up=False)

    def share(self, part: float, until: float) -> None:
        self._pace.share(part, until)

    def stop(self) -> None:
        self._stopping = True
        self._pace.stop()

    def abort(self) -> None:
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            deadline.reschedule(now)

    async def send(self, sms: OutboundSms, taken: SegmentTaken) -> Outcome:
        coding = spoken(sms, self._settings.gsm7_unsafe)
        try:
            segments = cut_up(sms, coding, wide=False)
        except Unfit as unfit:
            return Refused(None, reason=unfit.reason)
        loop = asyncio.get_running_loop()
        acceptance: Acceptance | None = None
        for number, segment in enumerate(segments, start=1):
            if number in sms.accepted:
                continue
            message_id = uuid4().hex
            values = parameters(
                sms,
                segment,
                coding,
                report_url=self._report_url(sms, message_id),
                dlr_mask=self._settings.dlr_mask,
            )
            try:
                await self._pace.turn()
            except NotSent:
                return policy.not_sent()
            if loop.time() >= sms.held_until:
                return policy.not_sent()
            try:
                status = await self._request(values)
            except NotSent:
                return self._away(counted=False)
            except OutcomeUnknown:
                return self._away(counted=True)
            if verdict(status) is not Verdict.TAKEN:
                return self._rejected(sms, status)
            self._circuit.succeeded()
            acceptance = Acceptance(number, len(segments), message_id)
            if number < len(segments):
                await taken(acceptance)
        return Sent(acceptance)

    async def _request(self, values: dict[str, bytes]) -> int:
        """Returns the HTTP status.  Raises NotSent, OutcomeUnknown."""
        settings = self._settings
        account = {"username": settings.username.encode(), "password": settings.password.encode()}
        if settings.smsc:
            account["smsc"] = settings.smsc.encode()
        url = URL(f"{settings.url}?{query(account | values)}", encoded=True)
        loop = asyncio.get_running_loop()
        async with self._window:
            if self._session is None or self._stopping:
                raise NotSent
            started, status = loop.time(), None
            self._meter.in_flight(+1)
            try:
                async with asyncio.timeout(settings.request_seconds) as deadline:
                    self._deadlines.add(deadline)
                    try:
                        async with self._session.get(url, allow_redirects=False) as response:
                            status = response.status
                            return status
                    finally:
                        self._deadlines.discard(deadline)
            except aiohttp.ClientConnectorError:
                raise NotSent from None  # without its text, which has the whole query
            except (aiohttp.ClientError, TimeoutError):
                raise OutcomeUnknown from None
            finally:
                taken = status is not None and verdict(status) is Verdict.TAKEN
                self._meter.in_flight(-1)
                self._meter.answered(0 if taken else status, loop.time() - started)

    def _report_url(self, sms: OutboundSms, message_id: str) -> str:
        """Kannel puts its own words in place of %d and %A, and a % in place of %%."""
        settings = self._settings
        values = {
            "token": settings.callback_password.encode(),
            "id": message_id.encode(),
            "to": sms.recipient.encode(),
        }
        base = settings.callback_url.rstrip("/")
        return f"{base}/{settings.name}/dlr?{query(values).replace('%', '%%')}&type=%d&reply=%A"

    def _away(self, *, counted: bool) -> Retry:
        self._failed()
        return Retry(timedelta(seconds=self._settings.unknown_seconds), None, counted)

    def _rejected(self, sms: OutboundSms, status: int) -> Outcome:
        settings = self._settings
        match verdict(status):
            case Verdict.LOCKED_OUT:
                log.error("smsc_credentials_refused", smsc=self.name, system_id=settings.username)
                self._meter.credentials_refused()
                self._failed()  # so that another route gets its share
                return Retry(timedelta(seconds=settings.locked_out_seconds), None, counted=False)
            case Verdict.SLOW_DOWN:
                return Retry(timedelta(seconds=self._pace.slow_down()), None, counted=False)
            case Verdict.REFUSED:
                self._circuit.succeeded()
                return Refused(None, reason=f"kannel_http_{status}")
            case _:
                self._failed()
                wait = doubling(settings.retry_first_seconds, settings.retry_last_seconds, sms.attempt)
                return Retry(timedelta(seconds=wait), None, counted=True)

    def _failed(self) -> None:
        seconds = self._circuit.failed(asyncio.get_running_loop().time())
        if seconds is not None:
            log.error("smsc_circuit_opened", smsc=self.name, again_in_seconds=seconds)
