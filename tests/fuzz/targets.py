# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed, and what must hold for any octets: each target raises nothing, or has found a bug."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from imap_server.auth.digest_md5 import directives
from imap_server.commands import STANDARD, table
from imap_server.errors import Bad
from imap_server.wire import numbers
from imap_server.wire.deflate import BrokenStream, Deflate
from imap_server.wire.framer import Event, Frame, Framer, Refused
from imap_server.wire.lexer import Lexer
from sms_gateway.smpp import pdu
from sms_gateway.text import coding, gsm7, udh
from vvm.domain.errors import BadAudio
from vvm.message.audio import amr, wav
from vvm.omtp.client import parse_client_sms

Target = Callable[[bytes], None]

_COMMANDS = table(STANDARD)
_NAMES = sorted(_COMMANDS)
_MOST = 1_024


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
    """The first octet chooses the command, the rest are its arguments: read, or refused with Bad."""
    framer = _framer()
    framer.feed(b" " + octets[1:] + b"\r\n")
    command = _COMMANDS[_NAMES[octets[0] % len(_NAMES)]] if octets else _COMMANDS[b"NOOP"]
    for event in framer.events():
        if isinstance(event, Refused):
            return
        if isinstance(event, Frame):
            try:
                command.prepare(Lexer(event.parts, max_depth=20))
            except Bad:
                continue


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
        imap_numbers,
        imap_deflate,
        sasl_directives,
        sms_gsm7,
        sms_header,
        sms_text,
        smpp_pdu,
        client_sms,
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
