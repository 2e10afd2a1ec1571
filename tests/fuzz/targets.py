# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed, and what must hold for any octets: each target raises nothing, or has found a bug."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable

from imap_server.auth.digest_md5 import directives
from imap_server.dispatch import START, execute
from imap_server.errors import Bad
from imap_server.wire import numbers, utf7
from imap_server.wire.deflate import BrokenStream, Deflate
from imap_server.wire.framer import Event, Frame, Framer, Refused
from imap_server.wire.lexer import Lexer
from sms_gateway.smpp import pdu
from sms_gateway.text import coding, gsm7, udh
from tests.dialogues.agreeable import COMMANDS, MESSAGE, MOMENT, new_session
from tests.dialogues.memory_backend import Entry, MemoryBackend
from tests.dialogues.memory_mail import MailAccount
from vvm.domain.errors import BadAudio
from vvm.message.audio import amr, wav
from vvm.message.reader import ReadLimits, Unreadable, read_message
from vvm.omtp.client import parse_client_sms
from vvm.omtp.commands import (
    InvalidParameter,
    parse_change_language,
    parse_change_pin,
    parse_close_tutorial,
)

Target = Callable[[bytes], None]

_MOST = 1_024
_ANSWER = re.compile(rb"(?:\A|\n)(?:\S+ (?:OK|NO|BAD)|\* BYE) [^\r\n]*\r\n\Z")


def imap_framer(octets: bytes) -> None:
    """However the network cuts the octets, the events are the same."""
    whole, cut = _framer(), _framer()
    whole.feed(octets)
    at_once = _until_refused(whole.events())
    piecemeal: list[Event] = []
    for at in range(0, len(octets), 7):
        cut.feed(octets[at : at + 7])
        piecemeal += cut.events()
        if any(isinstance(event, Refused) for event in piecemeal):
            break
    assert _until_refused(piecemeal) == at_once


def imap_command(octets: bytes) -> None:
    """A command without its tag is read, or refused with Bad, whichever way mailbox names are written."""
    framer = _framer()
    framer.feed(b"t " + octets + b"\r\n")
    for event in framer.events():
        if isinstance(event, Refused):
            return
        start = START.match(event.parts[0]) if isinstance(event, Frame) else None
        command = COMMANDS.get(start[2].upper()) if start else None
        if not isinstance(event, Frame) or start is None or command is None:
            continue
        for utf8_names in (False, True):
            try:
                command.prepare(Lexer(event.parts, start.end(), max_depth=20, utf8_names=utf8_names))
            except Bad:
                continue


def imap_session(octets: bytes) -> None:
    """Who has logged in and sends this gets one answer to each command, and at most a goodbye behind it."""
    asyncio.run(_converse(octets))


async def _converse(octets: bytes) -> None:
    backend = MemoryBackend()
    account = MailAccount("user", backend.power)
    backend.entries["user"] = Entry(account, "pass")
    await account.create("Other")
    for folder in account.folders.values():
        folder.append(MESSAGE, MOMENT)
        folder.append(MESSAGE, MOMENT)
    session = new_session(backend)
    framer = _framer()
    framer.feed(b"t LOGIN user pass\r\nt SELECT INBOX\r\n" + octets + b"\r\n")
    for event in framer.events():
        if isinstance(event, Refused) or session.ended:
            return
        if isinstance(event, Frame):
            await execute(session, COMMANDS, event)
            answer = session.out.take()
            assert _ANSWER.search(answer), answer


def imap_names(octets: bytes) -> None:
    """A name in modified UTF-7 that was read is written to what reads as the same."""
    try:
        name = utf7.decode(octets)
    except ValueError:
        return
    assert utf7.decode(utf7.encode(name)) == name


def omtp_command(octets: bytes) -> None:
    """The arguments of OMTP's own commands are read, or are no arguments of theirs."""
    text = octets.decode("utf-8", "replace")
    for parse in (parse_change_pin, parse_change_language, parse_close_tutorial):
        try:
            parse(text)
        except InvalidParameter:
            continue


def message_reader(octets: bytes) -> None:
    """A message is read within its limits, and its parts lie within it; or it is unreadable."""
    try:
        message = read_message(octets, ReadLimits())
        for leaf in message.leaves:
            message.content(leaf)
    except Unreadable:
        return
    assert 0 <= message.header_size <= len(octets)
    assert b"\0" not in message.envelope + message.body + message.body_structure


def imap_numbers(octets: bytes) -> None:
    """A set that was read selects nothing that does not exist, and its wire form reads as the same."""
    try:
        chosen = numbers.read(octets)
    except ValueError:
        return
    existing = range(1, 60)
    selected = chosen.select(existing)
    assert selected == sorted(set(selected) & set(existing))
    if selected:
        assert numbers.read(numbers.write(selected)).select(existing) == selected


def imap_deflate(octets: bytes) -> None:
    """A stream inflates within its bound, or is refused."""
    stream = Deflate(most=256)
    stream.feed(octets)
    try:
        for _ in range(_MOST):
            if not stream.take():
                break
    except BrokenStream:
        return


def sasl_directives(octets: bytes) -> None:
    """Read, or refused with Bad."""
    try:
        directives(octets)
    except Bad:
        return


def sms_gsm7(octets: bytes) -> None:
    """What decodes and is in the alphabet encodes to something that decodes to the same."""
    try:
        text = gsm7.decode(octets)
    except ValueError:
        return
    try:
        again = gsm7.encode(text)
    except gsm7.NotInAlphabet:
        return
    assert gsm7.decode(again) == text


def sms_header(octets: bytes) -> None:
    """A header that was read is written to something that reads as the same, or to nothing."""
    try:
        header, _ = udh.decode(octets)
    except udh.BadHeader:
        return
    try:
        written = udh.encode(header)
    except ValueError:
        return
    assert written == b"" if header == udh.Header() else udh.decode(written)[0] == header


def sms_text(octets: bytes) -> None:
    """Any data coding gives text or nothing."""
    if octets:
        coding.text(octets[1:], octets[0])


def smpp_pdu(octets: bytes) -> None:
    """Read, or refused with PduError; what was read can be written and is the same."""
    try:
        read = pdu.decode(octets)
    except pdu.PduError:
        return
    try:
        written = pdu.encode(read)
    except pdu.PduError:
        return
    assert pdu.decode(written) == read


def client_sms(octets: bytes) -> None:
    """Every text is some request."""
    parse_client_sms(octets.decode("utf-8", "replace"))


def audio_amr(octets: bytes) -> None:
    """Frames are no more than the file, or the file is bad."""
    try:
        assert sum(map(len, amr.frames(octets))) <= len(octets)
        assert amr.milliseconds(octets) >= 0
    except BadAudio:
        return


def audio_wav(octets: bytes) -> None:
    """A file is mended to one that needs no mending, or is bad."""
    try:
        mended = wav.repaired(octets)
    except BadAudio:
        return
    assert wav.repaired(mended) == mended


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        imap_framer,
        imap_command,
        imap_session,
        imap_names,
        imap_numbers,
        imap_deflate,
        sasl_directives,
        sms_gsm7,
        sms_header,
        sms_text,
        smpp_pdu,
        client_sms,
        omtp_command,
        message_reader,
        audio_amr,
        audio_wav,
    )
}


def _framer() -> Framer:
    return Framer(max_line=_MOST, max_command=4 * _MOST)


def _until_refused(events: Iterable[Event]) -> list[Event]:
    """The connection ends there."""
    seen: list[Event] = []
    for event in events:
        seen.append(event)
        if isinstance(event, Refused):
            break
    return seen
