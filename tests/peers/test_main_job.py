# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end: a call into real Asterisk, an SMS through a foreign SMSC, a fetch by a
client that is not ours.

Nothing here is imported from the product but the readers of SMS texts and of audio.
"""

from __future__ import annotations

import asyncio
import imaplib
import io
import ssl
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path

import aioimaplib
import msgspec
import pytest

from sms_gateway.text import udh
from tests.peers.asterisk.front import eventually
from tests.peers.asterisk.server import AsteriskServer
from tests.peers.asterisk.sip import SipCaller
from tests.peers.asterisk.speech import RATE, Speech, likeness
from tests.peers.smsc.peer import Event, SmscPeer
from tests.process.clients import api_of
from tests.process.program import Program, running
from vvm.message.audio.decode import decode
from vvm.message.audio.voice import AudioLimits
from vvm.omtp.system import SystemSms, parse_system_sms

pytestmark = pytest.mark.peers

CALLED = "+33612345678"
CALLER = "+33698765432"
SERVICE = "5511"
PREFIX = "//VVM"


class Fetched(msgspec.Struct, frozen=True):
    uid: int
    message: Message

    @property
    def voice(self) -> Message:
        (part,) = [part for part in self.message.walk() if part.get_content_type() == "audio/amr"]
        return part

    @property
    def amr(self) -> bytes:
        octets = self.voice.get_payload(decode=True)
        assert isinstance(octets, bytes)
        return octets


@asynccontextmanager
async def service(folder: Path, node: AsteriskServer, smsc: SmscPeer) -> AsyncIterator[Program]:
    """The real program beside a media node and an SMSC, one subscriber provisioned."""
    async with running(folder, smsc_port=smsc.port, more=_capture(folder, node)) as program:
        await smsc.wait_bound()
        async with api_of(program) as api:
            await api.add(CALLED)
        yield program


def _capture(folder: Path, node: AsteriskServer) -> str:
    password = folder / "ari.password"
    password.write_text(node.ari_password.reveal())
    return f"""
[asterisk]
ari = "{node.ari_url}"
ari_password_file = "{password}"
greeting = "sound:hello"
goodbye = ""
recover_every = 1.0
spool = "{node.spool}"
spool_every = 0.2
system_name = "vvm-media-1"
"""


async def activate(smsc: SmscPeer) -> SystemSms:
    """Send what AOSP sends; the STATUS that answers it."""
    assert await smsc.send_mo(CALLED[1:], SERVICE, "Activate:pv=11;ct=Google.Pixel_4a.14", port=5499) == [0]
    return await system_sms(smsc, "STATUS")


async def system_sms(smsc: SmscPeer, event: str, *, number: int = 1) -> SystemSms:
    """The so-many-th SMS of this event, its segments joined, as a handset reads it."""

    def found() -> list[SystemSms]:
        return [sms for sms in _joined(smsc.submits) if sms.event == event]

    await smsc.wait_for(lambda _: len(found()) >= number)
    return found()[number - 1]


def _joined(submits: list[Event]) -> list[SystemSms]:
    texts: dict[tuple[int, int], dict[int, str]] = {}
    for position, submit in enumerate(submits):
        header, octets = udh.decode(submit.octets)
        assert header.ports is not None
        assert header.ports.destination == 5499
        part = header.concatenation
        key = (-1, position) if part is None else (part.reference, part.total)
        texts.setdefault(key, {})[1 if part is None else part.number] = octets.decode()
    whole = [
        "".join(text for _, text in sorted(parts.items()))
        for (reference, total), parts in texts.items()
        if reference < 0 or len(parts) == total
    ]
    return [sms for text in whole if (sms := parse_system_sms(text, PREFIX)) is not None]


async def call(node: AsteriskServer, speech: Speech, *, to: str = CALLED) -> None:
    async with SipCaller(node.sip_address, number=CALLER) as phone:
        await phone.call(to)
        await phone.until_quiet()
        await phone.say(speech.pcmu)
        await phone.hang_up()


def trust(program: Program) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(program.certificate))


def fetch_by_imaplib(program: Program, status: SystemSms) -> list[Fetched]:
    """Everything in INBOX, by the standard library's client over STARTTLS."""
    with imaplib.IMAP4("localhost", program.imap_port) as client:
        client.starttls(trust(program))
        client.login(status.fields["u"], status.fields["pw"])
        client.select("INBOX")
        uids = client.uid("SEARCH", "1:* NOT DELETED")[1][0].split()
        found = []
        for uid in uids:
            ((_, octets), _) = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1]
            found.append(Fetched(int(uid), message_from_bytes(octets)))
        return found


async def fetch_by_aioimaplib(program: Program, status: SystemSms, uid: int) -> Fetched:
    """One message, by aioimaplib over TLS from the first octet."""
    client = aioimaplib.IMAP4_SSL("localhost", program.imap_tls_port, ssl_context=trust(program))
    await client.wait_hello_from_server()
    assert (await client.login(status.fields["u"], status.fields["pw"])).result == "OK"
    assert (await client.select("INBOX")).result == "OK"
    answer = await client.uid("fetch", str(uid), "(BODY.PEEK[])")
    octets = max(answer.lines, key=len)
    await client.logout()
    return Fetched(uid, message_from_bytes(bytes(octets)))


def heard(amr: bytes) -> array[int]:
    return array("h", decode(amr, AudioLimits(max_seconds=60)))


def spoken(speech: Speech) -> array[int]:
    with wave.open(io.BytesIO(speech.wav)) as audio:
        return array("h", audio.readframes(audio.getnframes()))


# rows: ST-15 SY-03 SY-07 SY-08
async def test_a_call_becomes_a_message_on_the_phone(
    tmp_path: Path, asterisk: AsteriskServer, speech: Speech, smsc_peer: SmscPeer
) -> None:
    async with service(tmp_path, asterisk, smsc_peer) as program:
        status = await activate(smsc_peer)
        assert (status.fields["st"], status.fields["rc"]) == ("R", "0")
        await call(asterisk, speech)
        sync = (await system_sms(smsc_peer, "SYNC")).fields
        assert (sync["ev"], sync["t"], sync["c"], sync["s"]) == ("NM", "v", "1", CALLER)
        (by_imaplib,) = await asyncio.to_thread(fetch_by_imaplib, program, status)
        by_aioimaplib = await fetch_by_aioimaplib(program, status, int(sync["id"]))
        assert by_imaplib.uid == int(sync["id"])
        assert by_imaplib.amr == by_aioimaplib.amr

        sound = heard(by_imaplib.amr)
        assert likeness(spoken(speech), sound) > 0.95
        seconds = len(sound) / RATE
        assert abs(seconds - speech.seconds) < 2.0  # silence before and after, on a busy machine
        assert sync["l"] == by_imaplib.message["Content-Duration"] == str(round(seconds))
        assert by_imaplib.voice["X-AppleVM-Duration"] == sync["l"]
        assert by_imaplib.message["From"].startswith(f"{CALLER}@")
        date = parsedate_to_datetime(by_imaplib.message["Date"])
        assert f"{date:%d/%m/%Y %H:%M %z}" == sync["dt"]
        await eventually(lambda: not asterisk.recordings)


async def test_a_call_during_which_the_program_is_killed_is_delivered_once(
    tmp_path: Path, asterisk: AsteriskServer, speech: Speech, node_smsc: SmscPeer
) -> None:
    async with service(tmp_path, asterisk, node_smsc) as program:
        status = await activate(node_smsc)
        async with SipCaller(asterisk.sip_address, number=CALLER) as phone:
            await phone.call(CALLED)
            await phone.until_quiet()
            await phone.say(speech.pcmu[: RATE * 2])
            program.kill()
            await phone.say(speech.pcmu[RATE * 2 :])
            await phone.hang_up()
        await program.ended()
        await program.start()
        sync = (await system_sms(node_smsc, "SYNC")).fields
        await eventually(lambda: not asterisk.recordings)
        (message,) = await asyncio.to_thread(fetch_by_imaplib, program, status)
        assert message.uid == int(sync["id"])
        assert likeness(spoken(speech), heard(message.amr)) > 0.95


async def test_a_call_while_the_program_is_away_is_recorded_by_asterisk_and_delivered_later(
    tmp_path: Path, asterisk: AsteriskServer, speech: Speech, node_smsc: SmscPeer
) -> None:
    async with service(tmp_path, asterisk, node_smsc) as program:
        status = await activate(node_smsc)
        program.terminate()
        assert await program.ended() == 0
        async with SipCaller(asterisk.sip_address, number=CALLER) as phone:
            await phone.call(CALLED)
            await phone.until_quiet()
            assert phone.heard_loudness > 0.0, "the caller was not greeted"
            await phone.say(speech.pcmu)
            await phone.hang_up()
        await eventually(lambda: any(asterisk.fallback.rglob("msg*.txt")))
        await program.start()
        sync = (await system_sms(node_smsc, "SYNC")).fields
        assert (sync["ev"], sync["s"]) == ("NM", CALLER)
        (message,) = await asyncio.to_thread(fetch_by_imaplib, program, status)
        assert message.uid == int(sync["id"])
        assert likeness(spoken(speech), heard(message.amr)) > 0.9
        await eventually(lambda: not any(asterisk.fallback.rglob("msg*.txt")))


# rows: SY-10
async def test_a_phone_that_deactivates_is_told_no_more(
    tmp_path: Path, asterisk: AsteriskServer, speech: Speech, node_smsc: SmscPeer
) -> None:
    async with service(tmp_path, asterisk, node_smsc) as program:
        await activate(node_smsc)
        assert await node_smsc.send_mo(CALLED[1:], SERVICE, "Deactivate:pv=11;ct=X", port=5499) == [0]
        gone = await system_sms(node_smsc, "STATUS", number=2)
        assert gone.fields["st"] == "P"
        await call(asterisk, speech)
        async with api_of(program) as api:
            async with asyncio.timeout(20):
                while not await api.messages(CALLED):  # noqa: ASYNC110 - another program's state
                    await asyncio.sleep(0.05)
        # The next STATUS is the proof that no SYNC was waiting before it.
        assert await node_smsc.send_mo(CALLED[1:], SERVICE, "STATUS", port=5499) == [0]
        await system_sms(node_smsc, "STATUS", number=3)
        assert not [sms for sms in _joined(node_smsc.submits) if sms.event == "SYNC"]
