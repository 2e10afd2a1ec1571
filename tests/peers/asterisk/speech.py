# SPDX-License-Identifier: Apache-2.0
"""Speech for callers, and whether a recording says the same.

Codecs change every sample and leave the loudness over time: two recordings of the same words have
energy envelopes that correlate, whatever happened to their octets.
"""

from __future__ import annotations

import io
import math
import subprocess
import wave
from array import array
from pathlib import Path

import msgspec

from tests.peers.asterisk.packages import need

RATE = 8000
_WINDOW = RATE // 20
_MAX_SHIFT = 20


class Speech(msgspec.Struct, frozen=True):
    """The same words in two codings, 8 kHz mono."""

    wav: bytes
    """16-bit PCM with its header."""
    pcmu: bytes
    """G.711 mu-law, an octet for each sample, as RTP carries it."""

    @property
    def seconds(self) -> float:
        return len(self.pcmu) / RATE


def speak(text: str, *, seconds: float, folder: Path) -> Speech:
    """Say the text, cut or filled to the duration.  Raises packages.Missing."""
    espeak, sox = need("espeak-ng", "espeak-ng"), need("sox", "sox")
    spoken, wav, pcmu = folder / "spoken.wav", folder / "speech.wav", folder / "speech.ul"
    subprocess.run([espeak, "-v", "en", "-w", spoken, text], check=True, capture_output=True)
    pcm = ("-r", str(RATE), "-c", "1", "-b", "16")
    fit = ("pad", "0", str(seconds), "trim", "0", str(seconds))
    subprocess.run([sox, spoken, *pcm, wav, *fit], check=True, capture_output=True)
    subprocess.run([sox, wav, "-t", "ul", pcmu], check=True, capture_output=True)
    return Speech(wav=wav.read_bytes(), pcmu=pcmu.read_bytes())


def samples(wav: bytes) -> array[int]:
    """The samples of 16-bit mono PCM.

    A header without sizes, as a killed Asterisk leaves it, is read to the end of the octets.
    """
    data = wav.find(b"data")
    if wav[data + 4 : data + 8] == bytes(4):
        return array("h", wav[data + 8 : len(wav) - (len(wav) - data) % 2])
    with wave.open(io.BytesIO(wav)) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (1, 2, RATE)
        return array("h", audio.readframes(audio.getnframes()))


def likeness(first: array[int], second: array[int]) -> float:
    """Correlation of two energy envelopes at the best shift of up to a second: 1.0 is the same voice."""
    one, other = _envelope(first), _envelope(second)
    return max(_correlation(one, other, shift) for shift in range(-_MAX_SHIFT, _MAX_SHIFT + 1))


def expand(pcmu: bytes) -> array[int]:
    """G.711 mu-law to linear samples (ITU-T G.711 table 2a)."""
    return array("h", (_LINEAR[octet] for octet in pcmu))


def loudness(heard: array[int]) -> float:
    """Root mean square of the samples; silence of a telephone line stays below 50."""
    return math.sqrt(sum(sample * sample for sample in heard) / len(heard)) if heard else 0.0


def _envelope(heard: array[int]) -> list[float]:
    return [loudness(heard[start : start + _WINDOW]) for start in range(0, len(heard), _WINDOW)]


def _correlation(one: list[float], other: list[float], shift: int) -> float:
    """Pearson's coefficient where the two overlap."""
    pairs = list(zip(one[max(0, shift) :], other[max(0, -shift) :], strict=False))
    if len(pairs) < len(one) // 2:
        return 0.0
    mean_one = sum(a for a, _ in pairs) / len(pairs)
    mean_other = sum(b for _, b in pairs) / len(pairs)
    both = sum((a - mean_one) * (b - mean_other) for a, b in pairs)
    spread = sum((a - mean_one) ** 2 for a, _ in pairs) * sum((b - mean_other) ** 2 for _, b in pairs)
    return both / math.sqrt(spread) if spread else 0.0


def _linear(octet: int) -> int:
    inverted = ~octet & 0xFF
    magnitude = ((((inverted & 15) << 3) + 132) << (inverted >> 4 & 7)) - 132
    return -magnitude if inverted & 0x80 else magnitude


_LINEAR = [_linear(octet) for octet in range(256)]
