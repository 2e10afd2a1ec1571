# SPDX-License-Identifier: Apache-2.0
"""A message's sound in the forms that people and their programs play."""

from __future__ import annotations

from enum import StrEnum
from io import BytesIO
from typing import cast

import av
import msgspec

from vvm.message.audio import amr, wav
from vvm.message.audio.decode import decode
from vvm.message.audio.transcode import transcode
from vvm.message.audio.voice import AudioLimits


class Format(StrEnum):
    AMR = "amr"
    """As it is stored."""
    WAV = "wav"
    OPUS = "opus"
    MP3 = "mp3"


class _Encoding(msgspec.Struct, frozen=True):
    """FFmpeg's names of a container and of the encoder for it."""

    muxer: str
    encoder: str
    bit_rate: int


_ENCODINGS = {
    Format.OPUS: _Encoding("ogg", "libopus", 16_000),
    Format.MP3: _Encoding("mp3", "libmp3lame", 32_000),
}


def rendered(octets: bytes, limits: AudioLimits, form: Format) -> bytes:
    """The sound of any audio that ``decode`` reads, one channel.  What is AMR-NB stays as it came.

    Raises BadAudio, AudioTooLong, and NoEncoder where there is no AMR-NB and it was wanted.
    """
    if form is Format.AMR:
        return octets if amr.is_amr(octets) else transcode(octets, limits).amr
    pcm = decode(octets, limits)
    return wav.written(pcm) if form is Format.WAV else _encoded(pcm, _ENCODINGS[form])


def _encoded(pcm: bytes, encoding: _Encoding) -> bytes:
    target = BytesIO()
    with av.open(target, "w", format=encoding.muxer) as container:
        stream = cast("av.AudioStream", container.add_stream(encoding.encoder, rate=amr.SAMPLE_RATE))
        stream.codec_context.layout = "mono"
        stream.codec_context.bit_rate = encoding.bit_rate
        frame = av.AudioFrame("s16", "mono", len(pcm) // amr.SAMPLE_BYTES)
        frame.sample_rate = amr.SAMPLE_RATE
        frame.pts = 0
        frame.planes[0].update(pcm)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return target.getvalue()
