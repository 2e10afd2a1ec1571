# SPDX-License-Identifier: Apache-2.0
"""A WAV file as Asterisk leaves it, made readable.

Sizes are written into the header when a recording is closed.  After a kill or a power cut they are
0 or 0xFFFFFFFF while the samples are there, and a caller's message must not be lost for that.
"""

from __future__ import annotations

from struct import Struct

from vvm.domain.errors import BadAudio
from vvm.message.audio import amr

_CHUNK = Struct("<4sI")
_FORMAT = Struct("<HHIIHH")  # tag, channels, rate, octets a second, block size, bits
_EXTENSIBLE = 0xFFFE
_SUBFORMAT = 24  # offset of the true tag in an extensible format
_READABLE = {1: "PCM", 6: "A-law", 7: "mu-law", 49: "GSM 06.10"}
_MAX_CHANNELS = 2
_RATES = range(8000, 48001)


def is_wav(octets: bytes) -> bool:
    return octets[:4] == b"RIFF" and octets[8:12] == b"WAVE"


def repaired(octets: bytes) -> bytes:
    """The same sound as a plain WAV file: format and samples, with sizes that are true.

    A last block that is cut off is left out.  Raises BadAudio for a file without sound and for a
    format other than PCM, A-law, mu-law and GSM in one or two channels at 8 to 48 kHz.
    """
    form, data = _chunks(octets)
    block = _block_size(form)
    data = data[: len(data) - len(data) % block]
    if not data:
        raise BadAudio("a WAV file without sound")
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", data)
    return _chunk(b"RIFF", body)


def written(pcm: bytes) -> bytes:
    """A WAV file of what ``decode`` gives: signed 16-bit samples, one channel, 8 kHz."""
    octets_a_second = amr.SAMPLE_RATE * amr.SAMPLE_BYTES
    form = _FORMAT.pack(1, 1, amr.SAMPLE_RATE, octets_a_second, amr.SAMPLE_BYTES, 8 * amr.SAMPLE_BYTES)
    return _chunk(b"RIFF", b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", pcm))


def _chunks(octets: bytes) -> tuple[bytes, bytes]:
    """Content of the chunks ``fmt`` and ``data``."""
    form = b""
    position = 12
    while position + _CHUNK.size <= len(octets):
        name, size = _CHUNK.unpack_from(octets, position)
        start = position + _CHUNK.size
        if name == b"data":
            unfinished = size == 0 or start + size > len(octets)
            return form, octets[start:] if unfinished else octets[start : start + size]
        if name == b"fmt ":
            form = octets[start : start + size]
        position = start + size + size % 2
    raise BadAudio("a WAV file without sound")


def _block_size(form: bytes) -> int:
    """Octets that belong together.  Raises BadAudio for a format that we do not read."""
    if len(form) < _FORMAT.size:
        raise BadAudio("a WAV file without a format")
    tag, channels, rate, _, block, _ = _FORMAT.unpack_from(form)
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(form[_SUBFORMAT : _SUBFORMAT + 2], "little")
    if tag not in _READABLE:
        raise BadAudio(f"WAV format {tag} is not one of {', '.join(_READABLE.values())}")
    if not 1 <= channels <= _MAX_CHANNELS or rate not in _RATES or not block:
        raise BadAudio("a WAV file needs one or two channels at 8 to 48 kHz")
    return int(block)


def _chunk(name: bytes, content: bytes) -> bytes:
    return _CHUNK.pack(name, len(content)) + content + bytes(len(content) % 2)
