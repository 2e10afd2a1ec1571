# SPDX-License-Identifier: Apache-2.0
"""Write a voice message once, in the one form that every known handset reads.

The form is that of the sheet's section 13.4: vvmd splits the text at its boundary, takes a folded
header line for audio and wants the boundary as the only parameter; AOSP wants audio as a direct
child and a Date; all of it holds for OMTP 1.3 section 2.1.5.  ENVELOPE, BODYSTRUCTURE and the place
of every part are known while the text is put together, so that a FETCH never parses a message.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256

import msgspec

from vvm.message.envelope import Address, MessageEnvelope, render_envelope
from vvm.message.structure import Leaf, Multipart, Pairs, render_body, render_body_structure

_CRLF = b"\r\n"
_COLUMNS = 76
_MAX_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1
_RESTRICTED = Address("anonymous", "invalid")
_NOT_DIALLED = re.compile(r"[^A-Za-z0-9+*#-]")
_DOTTED_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")
_LOCAL_PART = re.compile(r"[A-Za-z0-9+.-]+\Z")


class VoiceMessage(msgspec.Struct, frozen=True):
    """What is written.  Raises ValueError when our own side made a field that no header can carry."""

    audio: bytes
    """AMR-NB in its storage format (RFC 4867 section 5)."""
    seconds: int
    caller: str | None
    """As the network gave it, whatever it holds; None when the caller's number is restricted."""
    recipient: str
    """MSISDN of the mailbox owner."""
    domain: str
    """Right side of From, To and Message-ID; has a dot, or AOSP takes no number from From."""
    received_at: datetime
    """Aware; the Date header keeps its zone."""
    message_id: str
    """Left side of Message-ID, unique for ever; letters, digits, ``+``, ``.`` and ``-``."""
    transcript: str | None = None
    greeting: str = ""
    """What kind of greeting it is; "" for a message."""

    def __post_init__(self) -> None:
        if not _DOTTED_DOMAIN.match(self.domain):
            raise ValueError("the domain needs two labels or more")
        if not _LOCAL_PART.match(self.recipient) or not _LOCAL_PART.match(self.message_id):
            raise ValueError("recipient and message_id hold letters, digits, +, . and - only")
        if self.received_at.tzinfo is None:
            raise ValueError("received_at must be aware")


class PartSpan(msgspec.Struct, frozen=True):
    """Where a body part stands in the message, in octets from its start."""

    number: str
    """As FETCH names it: "1", "2"."""
    mime_start: int
    """Start of the part's header, which ends at ``body_start``, empty line included."""
    body_start: int
    body_end: int
    message: bool = False
    """It is message/rfc822, and so has a header and a text of its own."""


class Composed(msgspec.Struct, frozen=True):
    """A message and everything that FETCH answers about it, in ready IMAP syntax."""

    octets: bytes
    header_size: int
    """Octets of the message's header, empty line included."""
    envelope: bytes
    body: bytes
    body_structure: bytes
    parts: tuple[PartSpan, ...]


class _Part(msgspec.Struct, frozen=True):
    """A part before it has its place: header fields, encoded content, description."""

    header: bytes
    content: bytes
    leaf: Leaf


def compose(message: VoiceMessage) -> Composed:
    """Write a message (sheet 13.4).  The same message always gives the same octets.

    Nothing that a caller or a transcript holds can add a header field or end a part.
    """
    sender = _sender(message)
    recipient = Address(message.recipient, message.domain)
    date = format_datetime(message.received_at)
    message_id = f"<{message.message_id}@{message.domain}>"
    boundary = _boundary(message.message_id)
    header = _header(
        # Date first: vvmd takes any earlier field whose name holds the word (MSG-07).
        ("Date", date),
        ("From", str(sender)),
        ("To", str(recipient)),
        ("Message-ID", message_id),
        ("Message-Context", "voice-message"),
        ("Content-Duration", str(message.seconds)),
        *((("X-CNS-Greeting-Type", message.greeting),) if message.greeting else ()),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
    )
    parts = [_audio_part(message)]
    if message.transcript:
        parts.append(_transcript_part(message.transcript))
    octets, spans = _assemble(header, boundary.encode(), parts)
    structure = Multipart("mixed", (("boundary", boundary),), tuple(part.leaf for part in parts))
    return Composed(
        octets=octets,
        header_size=len(header),
        envelope=render_envelope(
            MessageEnvelope(date=date, from_=[sender], to=[recipient], message_id=message_id)
        ),
        body=render_body(structure),
        body_structure=render_body_structure(structure),
        parts=spans,
    )


def _sender(message: VoiceMessage) -> Address:
    """The caller as AOSP and vvmd read it: a number before ``@`` (sheet 13.2).

    A domain without a dot is how a restricted caller is told: AOSP finds no number in it.
    """
    local = _NOT_DIALLED.sub("", message.caller or "")[:_MAX_LOCAL_PART]
    return Address(local, message.domain) if local else _RESTRICTED


def _boundary(message_id: str) -> str:
    """A text with ``_``, which neither base64 nor our header fields hold (vvmd splits at it)."""
    return "vvm_" + sha256(message_id.encode()).hexdigest()[:12]


def _audio_part(message: VoiceMessage) -> _Part:
    content, _ = _base64(message.audio)
    name: Pairs = (("filename", "voicemail.amr"),)
    return _Part(
        _header(
            ("Content-Type", "audio/amr"),
            ("Content-Transfer-Encoding", "base64"),
            ("Content-Disposition", 'attachment; filename="voicemail.amr"'),
            ("X-AppleVM-Duration", str(message.seconds)),
        ),
        content,
        Leaf("audio", "amr", "base64", len(content), disposition=("attachment", name)),
    )


def _transcript_part(transcript: str) -> _Part:
    """Without a disposition: with one, vvmd saves it as a second voice message (sheet 13.3)."""
    content, lines = _base64(transcript.encode("utf-8", "replace"))
    return _Part(
        _header(
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "base64"),
        ),
        content,
        Leaf("text", "plain", "base64", len(content), parameters=(("charset", "utf-8"),), lines=lines),
    )


def _header(*fields: tuple[str, str]) -> bytes:
    """Header fields, one physical line each, and the empty line that ends them."""
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("ascii") + _CRLF


def _base64(octets: bytes) -> tuple[bytes, int]:
    """Encoded text in lines of 76 columns, and how many.  The last line end belongs to the boundary."""
    text = b64encode(octets)
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return _CRLF.join(lines), len(lines)


def _assemble(header: bytes, boundary: bytes, parts: list[_Part]) -> tuple[bytes, tuple[PartSpan, ...]]:
    """The whole text, and the span of each part by adding up what stands before it."""
    pieces = [header]
    spans = []
    position = len(header)
    delimiter = b"--%b\r\n" % boundary
    for number, part in enumerate(parts, 1):
        mime_start = position + len(delimiter)
        body_start = mime_start + len(part.header)
        body_end = body_start + len(part.content)
        spans.append(PartSpan(str(number), mime_start, body_start, body_end))
        pieces += [delimiter, part.header, part.content, _CRLF]
        position = body_end + len(_CRLF)
    pieces.append(b"--%b--\r\n" % boundary)
    return b"".join(pieces), tuple(spans)
