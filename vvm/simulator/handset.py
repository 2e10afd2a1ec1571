# SPDX-License-Identifier: Apache-2.0
"""A simulated handset on a simulated SMSC: sends what AOSP sends, reads as AOSP reads."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import structlog

from sms_gateway.port import Coding
from sms_gateway.simulator.handset import HandsetSms
from sms_gateway.simulator.smsc import SimulatedSmsc
from vvm.omtp.system import STATUS, SYNC, SystemSms, parse_system_sms
from vvm.simulator.imap import Transcript

log = structlog.get_logger(__name__)

_STATUS_SECONDS = 60.0
"""AOSP waits so long for the STATUS that answers its request (spec/omtp-vvm.md 19.1)."""
_PORT = 5499
_SECRETS = ("pw", "smtp_pw")


class NoAnswer(Exception):
    """The SMS that the handset waits for did not come in time."""


class Handset:
    """One subscriber's phone.  Hand its ``hear`` to the SMSC; texts and PDUs go to the transcript."""

    def __init__(self, msisdn: str, *, service_number: str, prefix: str, transcript: Transcript) -> None:
        self._msisdn = msisdn
        self._service_number = service_number
        self._prefix = prefix
        self._transcript = transcript
        self._heard: asyncio.Queue[SystemSms] = asyncio.Queue()

    def hear(self, sms: HandsetSms) -> None:
        """Take an SMS from the air; what is not for visual voicemail is told and left."""
        if sms.recipient != self._msisdn:
            return
        for segment in sms.segments:
            self._transcript(
                f"   PDU esm_class={segment.sm.esm_class:#04x}"
                f" data_coding={segment.sm.data_coding:#04x} {_hex(segment.sm.short_message)}"
            )
        system = parse_system_sms(sms.text or "", self._prefix)
        if system is None:
            self._transcript(f"<- not a visual voicemail SMS, {len(sms.text or '')} characters")
            return
        self._transcript(f"<- SMS from {sms.originator} to port {sms.port}: {_masked(system, self._prefix)}")
        self._heard.put_nowait(system)

    async def send(self, smsc: SimulatedSmsc, text: str) -> None:
        """Send a client SMS as 8-bit data."""
        self._transcript(f"-> SMS to {self._service_number}: {text}")
        await smsc.send_mo(
            self._msisdn.removeprefix("+"), self._service_number, text, coding=Coding.OCTETS, port=_PORT
        )

    async def activate(self, smsc: SimulatedSmsc) -> SystemSms:
        """Ask to be activated, wait for STATUS.  Raises NoAnswer."""
        # A phone differs from the last one, or the server takes its SMS for a redelivery.
        client_type = f"vvm.handset.{token_hex(3)}"
        await self.send(smsc, f"Activate:pv=12;ct={client_type};pt={_PORT};{self._prefix}")
        return await self._next(STATUS, _STATUS_SECONDS)

    async def next_sync(self, seconds: float) -> SystemSms:
        """Wait for the next SYNC.  Raises NoAnswer."""
        return await self._next(SYNC, seconds)

    async def _next(self, event: str, seconds: float) -> SystemSms:
        try:
            async with asyncio.timeout(seconds):
                while (system := await self._heard.get()).event != event:
                    pass
        except TimeoutError:
            raise NoAnswer(f"no {event} within {seconds:.0f} s") from None
        return system


def _masked(system: SystemSms, prefix: str) -> str:
    fields = ";".join(f"{key}={'***' if key in _SECRETS else value}" for key, value in system.fields.items())
    return f"{prefix}:{system.event}:{fields}"


def _hex(octets: bytes) -> str:
    """User data header and the first letters; the rest of a STATUS holds a password."""
    shown = octets[:24].hex(" ")
    return shown if len(octets) <= 24 else f"{shown} … {len(octets)} octets"  # noqa: PLR2004 - as above
