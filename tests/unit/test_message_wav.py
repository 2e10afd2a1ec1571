# SPDX-License-Identifier: Apache-2.0
"""WAV files as a recorder leaves them: whole, broken off, or not meant for us."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from vvm.domain.errors import BadAudio
from vvm.message.audio.wav import is_wav, repaired

SAMPLES = bytes(range(200)) * 4


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content


def form(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, block: int = 2) -> bytes:
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)


def wav(*chunks: bytes, size: int | None = None) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks), size)


WHOLE = wav(chunk(b"fmt ", form()), chunk(b"data", SAMPLES))


def samples_of(octets: bytes) -> bytes:
    """What the standard library, which believes every size, finds in a file."""
    with wave.open(io.BytesIO(octets)) as reader:
        return reader.readframes(reader.getnframes())


def test_a_sound_file_stays_as_it_is() -> None:
    assert repaired(WHOLE) == WHOLE
    assert samples_of(WHOLE) == SAMPLES


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, len(SAMPLES) + 2])
@pytest.mark.parametrize("riff", [0, 0xFFFFFFFF, None])
def test_a_size_that_was_never_written_costs_no_sample(size: int, riff: int | None) -> None:
    broken = wav(chunk(b"fmt ", form()), chunk(b"data", SAMPLES, size), size=riff)
    assert repaired(broken) == WHOLE


def test_half_a_sample_at_the_end_is_left_out() -> None:
    assert samples_of(repaired(WHOLE[:-1])) == SAMPLES[:-2]


def test_chunks_around_the_sound_are_left_out() -> None:
    octets = wav(
        chunk(b"JUNK", b"odd", 3) + b"\0",
        chunk(b"fmt ", form()),
        chunk(b"fact", b"\0\0\0\0"),
        chunk(b"data", SAMPLES),
        chunk(b"LIST", b"INFO"),
    )
    assert repaired(octets) == WHOLE


def test_an_extensible_format_is_judged_by_the_format_inside() -> None:
    extension = struct.pack("<HHI", 22, 16, 0) + b"\x01\0" + bytes(14)
    readable = wav(chunk(b"fmt ", form(tag=0xFFFE) + extension), chunk(b"data", SAMPLES))
    assert samples_of_data(repaired(readable)) == SAMPLES
    unreadable = readable.replace(b"\x01\0" + bytes(14), b"\x11\0" + bytes(14))
    with pytest.raises(BadAudio, match="format 17"):
        repaired(unreadable)


def samples_of_data(octets: bytes) -> bytes:
    return octets.split(b"data", 1)[1][4:]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"RIFF\0\0\0\0WAVE", "without sound"),
        (wav(chunk(b"fmt ", form())), "without sound"),
        (wav(chunk(b"fmt ", form()), chunk(b"data", b"")), "without sound"),
        (wav(chunk(b"fmt ", form()), chunk(b"data", b"\0")), "without sound"),
        (wav(chunk(b"data", SAMPLES), chunk(b"fmt ", form())), "without a format"),
        (wav(chunk(b"fmt ", form()[:14]), chunk(b"data", SAMPLES)), "without a format"),
        (wav(chunk(b"fmt ", form(tag=17)), chunk(b"data", SAMPLES)), "format 17"),
        (wav(chunk(b"fmt ", form(tag=0xFFFE)), chunk(b"data", SAMPLES)), "format 0"),
        (wav(chunk(b"fmt ", form(channels=0)), chunk(b"data", SAMPLES)), "channels"),
        (wav(chunk(b"fmt ", form(channels=3)), chunk(b"data", SAMPLES)), "channels"),
        (wav(chunk(b"fmt ", form(rate=0)), chunk(b"data", SAMPLES)), "kHz"),
        (wav(chunk(b"fmt ", form(rate=192000)), chunk(b"data", SAMPLES)), "kHz"),
        (wav(chunk(b"fmt ", form(block=0)), chunk(b"data", SAMPLES)), "channels"),
    ],
)
def test_a_file_that_we_do_not_read_says_why(octets: bytes, why: str) -> None:
    assert is_wav(octets)
    with pytest.raises(BadAudio, match=why):
        repaired(octets)
