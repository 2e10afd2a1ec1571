# SPDX-License-Identifier: Apache-2.0
"""Messages and what IMAP says of them, by Python's ``email`` package: an oracle that is not ours."""

from __future__ import annotations

import random
import re
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import TypeAlias

from imap_server.backend import Flags, MessageRecord, PartSpan


def voice_message(
    *, number: int, caller: str, called: str, seconds: float, moment: datetime, transcript: str | None = None
) -> bytes:
    """The wire form of spec/omtp-vvm.md 13.4 with audio that depends on ``number`` only."""
    lines = [
        f"Date: {format_datetime(moment)}",
        f"From: {caller}@vvm.example.net",
        f"To: {called}@vvm.example.net",
        f"Message-ID: <m{number}.{called.strip('+')}@vvm.example.net>",
        "Message-Context: voice-message",
        f"Content-Duration: {round(seconds)}",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="vvm_7c1a5e"',
        "",
        "",
    ]
    audio = EmailMessage(policy=SMTP)
    octets = b"#!AMR\n" + random.Random(number).randbytes(round(1600 * seconds))
    audio.set_content(octets, "audio", "amr", filename="voicemail.amr", cte="base64")
    del audio["MIME-Version"]
    audio["X-AppleVM-Duration"] = str(round(seconds))
    pieces = ["\r\n".join(lines).encode(), b"--vvm_7c1a5e\r\n", audio.as_bytes()]
    if transcript is not None:
        text = EmailMessage(policy=SMTP)
        text.set_content(transcript, cte="base64")
        del text["MIME-Version"]
        pieces += [b"--vvm_7c1a5e\r\n", text.as_bytes()]
    return b"".join([*pieces, b"--vvm_7c1a5e--\r\n"])


def record(
    uid: int, octets: bytes, flags: Flags, modseq: int, moment: datetime, *, email_id: str = "M1"
) -> MessageRecord:
    """What a store would have computed at deposit."""
    message = message_from_bytes(octets)
    parts = _spans(octets, message, "", 0, len(octets))
    sizes = {part.number: part for part in parts}
    return MessageRecord(
        uid=uid,
        flags=flags,
        modseq=modseq,
        internal_date=moment,
        size=len(octets),
        header=octets[: _body_start(octets, 0)],
        envelope=_envelope(message),
        body=_structure(octets, message, "", sizes, extended=False),
        body_structure=_structure(octets, message, "", sizes, extended=True),
        parts=tuple(parts),
        email_id=email_id,
        preview=message["Subject"] or f"Message of {len(octets)} octets",
    )


def _body_start(octets: bytes, start: int) -> int:
    """Behind the empty line; the end of a message without one, which APPEND may bring."""
    empty = octets.find(b"\r\n\r\n", start)
    return len(octets) if empty < 0 else empty + 4


Part: TypeAlias = "Message[str, str]"


def _spans(octets: bytes, message: Part, number: str, start: int, end: int) -> list[PartSpan]:
    """Where the parts lie: ``email`` says what nests, the octets say where."""
    body_start = _body_start(octets, start)
    span = PartSpan(number or "1", start, body_start, end, message.get_content_type() == "message/rfc822")
    if message.get_content_type() == "message/rfc822":
        inner = message.get_payload(0)
        assert isinstance(inner, Message)
        return [span, *_spans(octets, inner, f"{number or '1'}.1", body_start, end)]
    if not message.is_multipart():
        return [span]
    boundary = re.escape(str(message.get_boundary()).encode())
    marks = list(
        re.finditer(rb"(?:\A|\r\n)--" + boundary + rb"(?:--)?[ \t]*(?:\r\n|\Z)", octets[body_start - 2 : end])
    )
    spans = [span] if number else []
    children = message.get_payload()
    assert isinstance(children, list)
    for index, (child, here, after) in enumerate(zip(children, marks, marks[1:], strict=False), 1):
        assert isinstance(child, Message)
        name = f"{number}.{index}" if number else str(index)
        spans += _spans(octets, child, name, body_start - 2 + here.end(), body_start - 2 + after.start())
    return spans


def _structure(
    octets: bytes, message: Part, number: str, spans: dict[str, PartSpan], *, extended: bool
) -> bytes:
    if message.is_multipart():
        children = message.get_payload()
        assert isinstance(children, list)
        inner = b"".join(
            _structure(octets, child, f"{number}.{n}" if number else str(n), spans, extended=extended)
            for n, child in enumerate(children, 1)
            if isinstance(child, Message)
        )
        tail = b" " + _parameters(message) + b" NIL NIL NIL" if extended else b""
        return b"(" + inner + b" " + _quoted(message.get_content_subtype()) + tail + b")"
    span = spans[number or "1"]
    content = octets[span.body_start : span.body_end]
    fields = [
        _quoted(message.get_content_maintype()),
        _quoted(message.get_content_subtype()),
        _parameters(message),
        _quoted(message["Content-ID"]),
        _quoted(message["Content-Description"]),
        _quoted(message.get("Content-Transfer-Encoding", "7bit")),
        b"%d" % len(content),
    ]
    if message.get_content_maintype() == "text":
        fields.append(b"%d" % len(content.splitlines()))
    if extended:
        fields += [b"NIL", _disposition(message), b"NIL", b"NIL"]
    return b"(" + b" ".join(fields) + b")"


def _parameters(message: Part) -> bytes:
    pairs = (message.get_params() or [])[1:]
    return b"(" + b" ".join(_quoted(text) for pair in pairs for text in pair) + b")" if pairs else b"NIL"


def _disposition(message: Part) -> bytes:
    disposition = message.get_content_disposition()
    if disposition is None:
        return b"NIL"
    name = message.get_filename()
    parameters = b"(" + _quoted("filename") + b" " + _quoted(name) + b")" if name else b"NIL"
    return b"(" + _quoted(disposition) + b" " + parameters + b")"


def _envelope(message: Part) -> bytes:
    senders = [_addresses(message, field) for field in ("From", "Sender", "Reply-To")]
    fields = [
        _quoted(message["Date"]),
        _quoted(message["Subject"]),
        *(sender if sender != b"NIL" else senders[0] for sender in senders),
        *(_addresses(message, field) for field in ("To", "Cc", "Bcc")),
        _quoted(message["In-Reply-To"]),
        _quoted(message["Message-ID"]),
    ]
    return b"(" + b" ".join(fields) + b")"


def _addresses(message: Part, field: str) -> bytes:
    listed = []
    for name, address in getaddresses(message.get_all(field, [])):
        local, _, domain = address.rpartition("@")
        listed.append(
            b"(" + _quoted(name or None) + b" NIL " + _quoted(local) + b" " + _quoted(domain) + b")"
        )
    return b"(" + b"".join(listed) + b")" if listed else b"NIL"


def _quoted(text: str | None) -> bytes:
    return b"NIL" if text is None else b'"' + text.encode() + b'"'
