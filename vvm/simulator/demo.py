# SPDX-License-Identifier: Apache-2.0
"""The main job in front of your eyes: activate, deposit, notify, fetch, decode.

The server runs beside it in the same process, but everything here goes through its sockets: HTTP to
provision and deposit, SMPP for the SMS, IMAP for the message.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import aiohttp

from sms_gateway.settings import SmscSettings
from sms_gateway.simulator.settings import SimulatorSettings
from sms_gateway.simulator.smsc import SimulatedSmsc
from vvm.config.address import parse_address
from vvm.config.errors import ConfigError, Mistake
from vvm.config.sections import Config
from vvm.domain.errors import BadAudio
from vvm.message.audio.amr import SAMPLE_BYTES, SAMPLE_RATE
from vvm.message.audio.decode import decode
from vvm.message.audio.voice import AudioLimits
from vvm.runtime.keys import admin_token
from vvm.runtime.serve import ALL_ROLES, serve
from vvm.runtime.supervisor import Ready
from vvm.simulator.handset import Handset, NoAnswer
from vvm.simulator.imap import Account, ClientFailed, Fetched, ImapClient, Transcript
from vvm.simulator.next_steps import next_steps

SUBSCRIBER = "+33612345678"
CALLER = "+33698765432"
_SPEECH = "hello.wav"
_SYNC_SECONDS = 60.0
_HTTP_SECONDS = 60.0
_LONGEST_SECONDS = 600


class DemoFailed(Exception):
    """A step did not end as it should; the text says which and how."""


async def demonstrate(config: Config, file: Path, tell: Transcript, *, once: bool) -> None:
    """Run server, SMSC and handset; return after the main job, or with ``once`` unset at a signal.

    ``file`` is where the configuration comes from, for the commands that are told at the end.
    Raises ConfigError when there is no demonstration with it, and DemoFailed.
    """
    smsc_settings = _only_smsc(config)
    stop, started = asyncio.Event(), asyncio.Event()
    failures: list[DemoFailed] = []
    handset = Handset(
        SUBSCRIBER,
        service_number=config.vvm.service_number,
        prefix=config.vvm.client.prefix,
        transcript=tell,
    )
    smsc = SimulatedSmsc(_simulated(smsc_settings), on_sms=handset.hear)

    async def play(ready: Ready) -> None:
        ready()
        await started.wait()
        try:
            account = await _play(config, smsc, handset, tell)
        except DemoFailed as failed:
            failures.append(failed)
            stop.set()
        else:
            if once:
                stop.set()
            else:
                _where_next(config, file, account, tell)
        await asyncio.Event().wait()

    async with smsc.running():
        await serve(config, ALL_ROLES, stop=stop, started=started, beside={"demo": play})
    if failures:
        raise failures[0]


def _only_smsc(config: Config) -> SmscSettings:
    """The SMSC that is simulated.  Raises ConfigError."""
    mistakes = []
    if len(config.sms.smsc) != 1 or config.sms.kannel:
        right = "one table and no [[sms.kannel]]: the demonstration is its SMSC, as in conf/dev.toml"
        mistakes.append(Mistake("sms.smsc", right))
    if not config.imap.listen:
        mistakes.append(Mistake("imap.listen", "an address: the demonstration's handset uses STARTTLS"))
    if mistakes:
        raise ConfigError(mistakes)
    return config.sms.smsc[0]


async def _play(config: Config, smsc: SimulatedSmsc, handset: Handset, tell: Transcript) -> Account:
    """The main job, step by step; answers the account that the handset was given.  Raises DemoFailed."""
    try:
        await smsc.until(lambda: smsc.bound > 0)
        tell(f"1. Provision {SUBSCRIBER} over HTTP")
        async with _api(config) as api:
            await _call(api, "PUT", f"/v1/subscribers/{SUBSCRIBER}", tell, document={})
            tell("2. The handset asks to be activated")
            account = Account.of(await handset.activate(smsc))
            tell(f"3. {CALLER} leaves a message")
            audio = files("vvm.simulator").joinpath(_SPEECH).read_bytes()
            path = f"/v1/subscribers/{SUBSCRIBER}/messages"
            await _call(api, "POST", path, tell, query={"from": CALLER}, audio=audio)
        tell("4. The handset is told by SMS")
        sync = await handset.next_sync(_SYNC_SECONDS)
        tell("5. It fetches, decodes and marks the message")
        fetched = await _fetch(config, account, int(sync.fields["id"]), tell)
        _check(fetched, sync.fields, tell)
    except (ClientFailed, NoAnswer, OSError, TimeoutError, aiohttp.ClientError) as error:
        raise DemoFailed(f"{type(error).__name__}: {error}") from error
    return account


async def _fetch(config: Config, account: Account, uid: int, tell: Transcript) -> Fetched:
    trust = ssl.create_default_context(cafile=str(config.certificate_path))
    listener = parse_address(config.imap.listen[0])
    async with ImapClient(account, trust, tell, address=(listener.host, account.port)) as imap:
        if uid not in await imap.list_uids():
            raise DemoFailed(f"SYNC named UID {uid}, and the mailbox does not have it")
        fetched = await imap.fetch(uid)
        await imap.mark_played(uid)
    return fetched


def _check(fetched: Fetched, sync: Mapping[str, str], tell: Transcript) -> None:
    """The sound must be what SYNC and the header said.  Raises DemoFailed."""
    try:
        pcm = decode(fetched.audio, AudioLimits(max_seconds=_LONGEST_SECONDS))
    except BadAudio as error:
        raise DemoFailed(f"the audio does not decode: {error}") from error
    seconds = len(pcm) / SAMPLE_BYTES / SAMPLE_RATE
    tell(
        f"   decoded {fetched.audio_type} from {fetched.caller}: {len(fetched.audio)} octets, "
        f"{seconds:.2f} s of sound; Content-Duration {fetched.seconds}, l={sync['l']}"
    )
    if not abs(seconds - fetched.seconds) <= 1 or sync["l"] != str(fetched.seconds):
        raise DemoFailed("the durations do not agree")
    if fetched.caller != CALLER or sync["s"] != CALLER:
        raise DemoFailed("the caller's number was lost")


@asynccontextmanager
async def _api(config: Config) -> AsyncIterator[aiohttp.ClientSession]:
    address = parse_address(config.http.listen)
    token = admin_token(config.admin_token_path)
    async with aiohttp.ClientSession(
        f"http://{address.host}:{address.port}",
        headers={"Authorization": f"Bearer {token.reveal()}"},
        timeout=aiohttp.ClientTimeout(total=_HTTP_SECONDS),
    ) as session:
        yield session


async def _call(
    api: aiohttp.ClientSession,
    method: str,
    path: str,
    tell: Transcript,
    *,
    query: Mapping[str, str] | None = None,
    document: object = None,
    audio: bytes | None = None,
) -> None:
    async with api.request(method, path, params=query, json=document, data=audio) as answer:
        text = await answer.text()
        tell(f"   {method} {path} -> {answer.status} {text.strip()}")
        if not answer.ok:
            raise DemoFailed(f"{method} {path} was answered {answer.status}")


def _where_next(config: Config, file: Path, account: Account, tell: Transcript) -> None:
    tell("")
    tell("The server runs on.  In another terminal, in this directory:")
    for line in next_steps(config, file, account, subscriber=SUBSCRIBER, caller=CALLER):
        tell(line)
    tell("Ctrl-C ends it.")


def _simulated(smsc: SmscSettings) -> SimulatorSettings:
    return SimulatorSettings(host=smsc.host, port=smsc.port, system_id=smsc.system_id, password=smsc.password)
