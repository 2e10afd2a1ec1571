# SPDX-License-Identifier: Apache-2.0
"""From the handset's SMS to decoded sound, over the listeners of the running service.

The subscriber is a real one.  What is left of a walk: lines in its timeline.  The test message is removed
whatever happens; a phone that was told of it is told to look again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.resources import files
from uuid import uuid4

import aiohttp
import msgspec

from vvm.config.address import parse_address
from vvm.config.carriers import load_carriers
from vvm.config.routing import serving
from vvm.config.sections import Config
from vvm.domain.errors import BadAudio, Outage, Refusal
from vvm.domain.message import INBOX, Envelope, Flags
from vvm.domain.notification import Family, of_family
from vvm.domain.subscriber import Subscriber
from vvm.message.audio.amr import SAMPLE_BYTES, SAMPLE_RATE
from vvm.message.audio.decode import decode
from vvm.message.audio.voice import AudioLimits
from vvm.runtime.wiring import Services
from vvm.services.owing import Owing
from vvm.simulator.doctor.finding import Finding, Hop, failed, ok, skipped
from vvm.simulator.doctor.sockets import reachable, trusting
from vvm.simulator.imap import Account, ClientFailed, Fetched, ImapClient
from vvm.store.port import NewInbound, NotificationRecord, Settlement

CALLER = "+10000000000"
"""Nobody's number: a phone that shows the test message for a moment shows that."""
_SPEECH = "hello.wav"
_LOG = "look into the log of the service at this moment"
_LOOK_SECONDS = 0.1
_HISTORY = 20
_LOST = frozenset({Settlement.FAILED, Settlement.EXPIRED, Settlement.NOT_WANTED})


class WalkOptions(msgspec.Struct, frozen=True):
    sms: bool
    """Whether the phone may be sent SMS."""
    patience: timedelta
    """How long an SMS may take to be accepted."""


class Walk:
    def __init__(
        self, config: Config, services: Services, subscriber: Subscriber, options: WalkOptions
    ) -> None:
        self._config = config
        self._services = services
        self._subscriber = subscriber
        self._options = options
        self._owing = Owing(services.clock, config.notification)

    async def __call__(self) -> AsyncIterator[Finding]:
        """Ends behind the hop that failed, and cleans up."""
        if self._options.sms:
            asked = await self._ask()
            yield asked
            if asked.fault:
                return
        else:
            yield skipped(Hop.STATUS, "no SMS is to be sent")
        uid, since = None, self._services.clock.now()
        try:
            deposited, uid = await self._deposit()
            yield deposited
            if uid is None:
                return
            async for finding in self._retrieved(uid, since):
                yield finding
        finally:
            if uid is not None:
                await self._clean_up(uid)
        yield ok(Hop.CLEAN_UP, f"test message {uid} is removed")

    async def _retrieved(self, uid: int, since: datetime) -> AsyncIterator[Finding]:
        if self._options.sms:
            yield await self._told(Hop.SYNC, Family.SYNC, since)
        else:
            yield skipped(Hop.SYNC, "no SMS is to be sent")
        fetched, sound = await self._fetch(uid)
        yield fetched
        if sound is not None:
            yield _sound(sound)

    async def _ask(self) -> Finding:
        """The handset asks for its STATUS; of an active one that changes nothing (OMTP 1.3 2.9.2)."""
        services = self._services
        since = services.clock.now()
        await services.store.inbound.save(
            NewInbound(
                key=f"doctor:{uuid4().hex}",
                originator=self._subscriber.msisdn,
                destination=services.service.service_number,
                text="STATUS",
                received_at=since,
            )
        )
        return await self._told(Hop.STATUS, Family.STATUS, since)

    async def _deposit(self) -> tuple[Finding, int | None]:
        """By HTTP, as other systems do; without SMS by the same use case, because HTTP always tells."""
        speech = files("vvm.simulator").joinpath(_SPEECH).read_bytes()
        key = f"doctor:{uuid4().hex}"
        try:
            uid = await (self._post(speech, key) if self._options.sms else self._place(speech, key))
        except (Refusal, Outage) as error:
            return _not_deposited(str(error)), None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return _not_deposited(type(error).__name__), None
        return ok(Hop.DEPOSIT, f"test message {uid} is in INBOX"), uid

    async def _post(self, speech: bytes, key: str) -> int:
        address = reachable(parse_address(self._config.http.listen))
        try:
            token = self._config.admin_token_path.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise Refusal(f"{self._config.admin_token_path} holds no token for the API") from None
        timeout = aiohttp.ClientTimeout(total=self._config.http.request_seconds)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(
                f"http://{address}/v1/subscribers/{self._subscriber.msisdn}/messages",
                params={"from": CALLER},
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
                data=speech,
            ) as answer,
        ):
            body = await answer.read()
            if not answer.ok:
                raise Refusal(f"the API answered {answer.status} {_code(body)}")
            return msgspec.json.decode(body, type=_Deposited).uid

    async def _place(self, speech: bytes, key: str) -> int:
        envelope = Envelope(caller=CALLER, received_at=self._services.clock.now())
        made = await self._services.deposit(self._subscriber.msisdn, speech, envelope, key=key, told=False)
        return made.uid

    async def _told(self, hop: Hop, family: Family, since: datetime) -> Finding:
        """Wait until an SMSC has taken the SMS, as far as a server can see it."""
        record = None
        try:
            async with asyncio.timeout(self._options.patience.total_seconds()):
                while record is None or not _ended(record, since):
                    await asyncio.sleep(_LOOK_SECONDS)
                    record = await self._latest(family, since)
        except TimeoutError:
            return self._late(hop, record)
        if record.state in _LOST:
            status = "" if record.smpp_status is None else f", command_status {record.smpp_status:#010x}"
            return failed(
                hop,
                "sms_refused",
                f"the SMSC did not take the SMS ({record.state}{status})",
                "ask the SMSC's operator about that status; docs/sms.md says what each means",
            )
        return ok(hop, f"the SMSC took it after {record.attempts} attempt(s)")

    async def _latest(self, family: Family, since: datetime) -> NotificationRecord | None:
        """What was owed by this walk, or had waited and was joined by it."""
        history = await self._services.store.outbox.history(self._subscriber.msisdn, limit=_HISTORY)
        meant = [one for one in history if of_family(one.cause, family)]
        return next((one for one in reversed(meant) if one.state is None or _ended(one, since)), None)

    def _late(self, hop: Hop, record: NotificationRecord | None) -> Finding:
        seconds = self._options.patience.total_seconds()
        if record is None:
            return failed(
                hop,
                "sms_not_answered",
                f"the service did nothing about it within {seconds:.0f} s",
                "run the role worker (vvm serve --role worker), and look into its log",
            )
        return failed(
            hop,
            "sms_not_sent",
            f"the SMS is owed and was not taken within {seconds:.0f} s, after {record.attempts} attempt(s)",
            f"run the role sms (vvm serve --role sms); look into its log for why {self._smscs()} takes none",
        )

    def _smscs(self) -> str:
        """Those that the subscriber's SMS go by."""
        known = serving(self._config, load_carriers(self._config.vvm))
        carrier = self._subscriber.client.carrier
        if all(each.carrier != carrier for each in known):
            carrier = ""  # its profile is gone
        return " or ".join(each.smsc for each in known if each.carrier == carrier) or "no SMSC"

    async def _fetch(self, uid: int) -> tuple[Finding, Fetched | None]:
        """Log in as STATUS says, and read; nothing is marked."""
        try:
            async with self._account() as account:
                listener = reachable(parse_address(self._config.imap.listen[0]))
                client = ImapClient(
                    account, trusting(), lambda _: None, address=(listener.host, listener.port)
                )
                async with client:
                    fetched = await client.peek(uid)
        except ClientFailed as refused:
            return failed(
                Hop.FETCH, "fetch_refused", str(refused), "look into the service's log for it"
            ), None
        except (OSError, TimeoutError, EOFError) as error:
            text = f"the session broke off: {type(error).__name__}"
            return failed(Hop.FETCH, "fetch_broken", text, _LOG), None
        return ok(Hop.FETCH, f"{len(fetched.audio)} octets of {fetched.audio_type}"), fetched

    @asynccontextmanager
    async def _account(self) -> AsyncIterator[Account]:
        """The handset's own, or that of a device for the time being.

        A login with the handset's own would say that its client is there, where it has been silent.
        """
        subscriber, services = self._subscriber, self._services
        host = services.service.imap_host
        if not subscriber.unanswered_syncs:
            password = services.keyring.open(subscriber.imap_user, subscriber.password_sealed)
            yield Account(host, services.service.imap_port, subscriber.imap_user, password.reveal())
            return
        given = await services.devices.add(subscriber.msisdn, name="vvm doctor")
        try:
            login, password = given.device.login, given.password
            yield Account(host, services.service.imap_port, login, password.reveal())
        finally:
            await services.devices.revoke(subscriber.msisdn, given.device.id)

    async def _clean_up(self, uid: int) -> None:
        """Through the store, which needs no listener.  Raises Outage."""
        mailbox, retrieval = self._subscriber.mailbox, self._services.retrieval
        owed = [self._owing.mailbox_update(self._subscriber)] if self._options.sms else []
        await retrieval.mark(mailbox, INBOX, [uid], add=Flags.DELETED, remove=Flags(0))
        await retrieval.expunge(mailbox, INBOX, [uid], owed)


def _ended(record: NotificationRecord, since: datetime) -> bool:
    """Taken by an SMSC, or lost, since then."""
    taken = record.accepted_at is not None and record.accepted_at >= since
    lost = record.state in _LOST and record.settled_at is not None and record.settled_at >= since
    return taken or lost


class _Deposited(msgspec.Struct):
    uid: int


class _Problem(msgspec.Struct):
    code: str = ""


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Problem).code
    except msgspec.DecodeError:
        return ""


def _not_deposited(why: str) -> Finding:
    return failed(Hop.DEPOSIT, "deposit_refused", f"a test message was not taken: {why}", _LOG)


def _sound(fetched: Fetched) -> Finding:
    try:
        pcm = decode(fetched.audio, AudioLimits(max_seconds=600))
    except BadAudio as bad:
        return failed(
            Hop.SOUND, "sound_broken", f"the audio does not decode: {bad}", "report it, with the log"
        )
    seconds = len(pcm) / SAMPLE_BYTES / SAMPLE_RATE
    return ok(Hop.SOUND, f"{seconds:.1f} s of sound, announced as {fetched.seconds} s")
