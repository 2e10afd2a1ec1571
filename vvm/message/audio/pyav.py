# SPDX-License-Identifier: Apache-2.0
"""AMR-NB by the FFmpeg inside PyAV, where it was built with opencore-amr."""

from __future__ import annotations

from typing import Final

import av

from vvm.message.audio.amr import FRAME_PCM_BYTES, FRAME_SAMPLES, SAMPLE_RATE

NAME: Final = "libopencore_amrnb"

_BIT_RATE = 12200


def encode(pcm: bytes) -> bytes:
    """See ``codec.Encode``.  Raises NotImplementedError when this FFmpeg has no encoder.

    The encoder is not flushed: that would add a frame of padding, and frames are our measure of time.
    """
    try:
        codec = av.CodecContext.create(NAME, "w")
    except av.codec.codec.UnknownCodecError as error:
        raise NotImplementedError(NAME) from error
    codec.sample_rate = SAMPLE_RATE
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = _BIT_RATE
    frames = []
    for start in range(0, len(pcm), FRAME_PCM_BYTES):
        frame = av.AudioFrame("s16", "mono", FRAME_SAMPLES)
        frame.sample_rate = SAMPLE_RATE
        frame.planes[0].update(pcm[start : start + FRAME_PCM_BYTES])
        frames += [bytes(packet) for packet in codec.encode(frame)]
    return b"".join(frames)
