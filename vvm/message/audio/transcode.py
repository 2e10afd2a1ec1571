# SPDX-License-Identifier: Apache-2.0
"""Bring a recording to AMR-NB 12.2, which every handset plays (OMTP 1.3 section 2.1.3, sheet 13.5).

One plain function of octets, so that a pool of processes can run it away from the event loop.
"""

from __future__ import annotations

from itertools import islice
from math import log10

from vvm.domain.errors import BadAudio
from vvm.message.audio import amr, wav
from vvm.message.audio.codec import encode
from vvm.message.audio.decode import decode
from vvm.message.audio.voice import AudioLimits, AudioTooLong, Voice

__all__ = ["AudioLimits", "AudioTooLong", "Voice", "to_wav", "transcode"]

_FULL_SCALE = 32768


def transcode(octets: bytes, limits: AudioLimits) -> Voice:
    """The voice message as a handset takes it.  AMR-NB is checked and kept as it came.

    Raises BadAudio for what ``decode`` does not read or what has no sound, AudioTooLong beyond the
    limit, NoEncoder on a machine that cannot write AMR-NB.
    """
    if amr.is_amr(octets):
        return _kept(octets, limits)
    pcm = decode(octets, limits)
    encoded = amr.MAGIC + encode(pcm)
    return Voice(amr=encoded, milliseconds=amr.milliseconds(encoded), peak_dbfs=_peak_dbfs(pcm))


def to_wav(octets: bytes, limits: AudioLimits) -> bytes:
    """The sound as a media server plays it: WAV, 16 bits, one channel, 8 kHz.

    Raises BadAudio and AudioTooLong as ``decode`` does.
    """
    return wav.written(decode(octets, limits))


def _kept(octets: bytes, limits: AudioLimits) -> Voice:
    most = limits.max_seconds * 1000 // amr.FRAME_MILLISECONDS
    frames = list(islice(amr.frames(octets), most + 1))
    if not frames:
        raise BadAudio("an AMR file without sound")
    if len(frames) > most:
        raise AudioTooLong(f"more than {limits.max_seconds} seconds")
    return Voice(
        amr=amr.MAGIC + b"".join(frames),
        milliseconds=amr.FRAME_MILLISECONDS * len(frames),
        peak_dbfs=None,
    )


def _peak_dbfs(pcm: bytes) -> float:
    """The loudest sample, in decibels below full scale; one step of the scale stands for nothing at all."""
    samples = memoryview(pcm).cast("h")
    highest, lowest = max(samples), min(samples)
    return 20 * log10(max(highest, -lowest, 1) / _FULL_SCALE)
