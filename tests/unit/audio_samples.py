# SPDX-License-Identifier: Apache-2.0
"""Sound for tests, made by the standard library."""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import cache

from vvm.message.audio.transcode import AudioLimits, Voice, transcode


@cache
def wav(*, seconds: float, hertz: float = 440.0, rate: int = 8000, amplitude: float = 0.5) -> bytes:
    """A tone as a 16-bit mono WAV file."""
    count = round(seconds * rate)
    step = 2 * math.pi * hertz / rate
    samples = (round(32767 * amplitude * math.sin(step * n)) for n in range(count))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(struct.pack(f"<{count}h", *samples))
    return file.getvalue()


@cache
def transcoded(audio: bytes) -> Voice:
    """By the real transcoder; the same sound once a run, which serves tests that are about something else."""
    return transcode(audio, AudioLimits(max_seconds=600))
