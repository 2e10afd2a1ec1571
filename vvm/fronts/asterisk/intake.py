# SPDX-License-Identifier: Apache-2.0
"""Recordings on the node become messages, exactly once.

Order matters: fetch, deposit under the recording's name, and only then delete.  Whatever is interrupted
leaves the file where it is, and the next look finds it.  An event that a recording has finished is only
a hint to look sooner.
"""

from __future__ import annotations

import asyncio

import structlog

from vvm.domain.errors import Outage, TooLarge, VvmError
from vvm.domain.message import Envelope
from vvm.fronts.asterisk.ari import AriClient, AriRefusal, Gone
from vvm.fronts.asterisk.depositor import Delivery
from vvm.fronts.asterisk.names import PREFIX, InvalidName, discreet, parse_name
from vvm.fronts.asterisk.settings import AsteriskSettings

log = structlog.get_logger(__name__)


class Intake:
    """Takes recordings in, by hint and by looking for them."""

    def __init__(self, ari: AriClient, delivery: Delivery, settings: AsteriskSettings) -> None:
        self._ari = ari
        self._delivery = delivery
        self._settings = settings
        self._waiting: asyncio.Queue[str] = asyncio.Queue(settings.intake_queue)
        self._known: set[str] = set()
        """Waiting or in work: nobody takes the same recording twice at once."""
        self._look = asyncio.Event()

    async def run(self) -> None:
        """Look at the start, at each ``look_now``, and every ``recover_every`` seconds.  Never returns."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._settings.intake_workers):
                tasks.create_task(self._work())
            while True:
                self._look.clear()
                await self._recover()
                try:
                    async with asyncio.timeout(self._settings.recover_every):
                        await self._look.wait()
                except TimeoutError:
                    continue

    def hint(self, name: str) -> None:
        """A recording is whole.  May be lost when too many wait: the next look finds the recording."""
        if name.startswith(PREFIX) and name not in self._known and not self._waiting.full():
            self._known.add(name)
            self._waiting.put_nowait(name)

    def look_now(self) -> None:
        """The node may have recordings that we were not told of."""
        self._look.set()

    async def _recover(self) -> None:
        try:
            names = [name for name in await self._ari.stored() if name.startswith(PREFIX)]
            self._delivery.forget_all_but(PREFIX, set(names))
            for name in names:
                if name in self._known or not self._delivery.is_due(name):
                    continue
                # Asked after the listing: whatever is not live now was whole by now.
                if not await self._ari.is_live(name) and name not in self._known:
                    self._known.add(name)
                    await self._waiting.put(name)  # as fast as the workers are
        except VvmError as error:
            log.warning("recording_recovery_postponed", reason=str(error))

    async def _work(self) -> None:
        while True:
            name = await self._waiting.get()
            try:
                await self._take(name)
            except Gone:
                log.debug("recording_gone", key=discreet(name))
            except (AriRefusal, Outage) as error:
                log.warning("recording_intake_postponed", key=discreet(name), reason=str(error))
            except Exception:
                # A defect met by one recording must not stop the others; the file stays.
                log.exception("recording_intake_failed", key=discreet(name))
            finally:
                self._known.discard(name)

    async def _take(self, name: str) -> None:
        try:
            known = parse_name(name)
            audio = await self._ari.fetch(name)
        except InvalidName:
            self._delivery.refuse(name, "invalid_name")
            return
        except TooLarge as refusal:
            self._delivery.refuse(name, refusal.code)
            return
        envelope = Envelope(caller=known.caller, received_at=known.started_at)
        outcome = await self._delivery.deliver(name, known.subscriber, audio, envelope)
        if outcome.settled:
            await self._ari.delete(name)
