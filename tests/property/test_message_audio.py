# SPDX-License-Identifier: Apache-2.0
"""Whatever octets arrive as audio: a voice message that a handset plays, or BadAudio, nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_message_amr import NARROWBAND_SIZES
from tests.unit.test_message_amr import frame as amr_frame
from tests.unit.test_message_transcode import encoded, pcm_wav, speech_like
from tests.unit.test_message_wav import chunk, form, wav
from vvm.domain.errors import BadAudio
from vvm.message.audio.amr import MAGIC, frames, milliseconds
from vvm.message.audio.transcode import transcode
from vvm.message.audio.voice import AudioLimits
from vvm.message.audio.wav import repaired

LIMITS = AudioLimits(max_seconds=2)
MAGICS = st.sampled_from(
    [b"", b"#!AMR\n", b"#!AMR-WB\n", b"OggS\0", b"ID3\4\0", b"\xff\xfb\x90", b"RIFF\0\0\0\0WAVE"]
)
CHUNKS = st.builds(
    chunk,
    st.sampled_from([b"fmt ", b"data", b"fact", b"LIST"]),
    st.binary(max_size=60)
    | st.builds(
        form,
        tag=st.sampled_from([1, 6, 7, 49, 0xFFFE, 17]),
        channels=st.integers(0, 3),
        rate=st.sampled_from([0, 8000, 16000, 48000, 4_000_000]),
        bits=st.integers(0, 64),
        block=st.integers(0, 70),
    ),
    st.none() | st.integers(0, 100) | st.just(0xFFFFFFFF),
)
RECORDINGS = [
    pcm_wav(speech_like(8000), rate=8000),
    transcode(pcm_wav(speech_like(8000), rate=8000), LIMITS).amr,
    encoded("wav", "pcm_alaw", 8000, "mono", "s16"),
    encoded("ogg", "libopus", 48000, "mono", "s16"),
    encoded("mp3", "libmp3lame", 44100, "mono", "s16p"),
]
FRAMES = st.lists(st.sampled_from([amr_frame(kind, size) for kind, size in NARROWBAND_SIZES.items()]))


@given(
    st.builds(bytes.__add__, MAGICS, st.binary(max_size=400)) | st.lists(CHUNKS).map(lambda all_: wav(*all_))
)
@settings(max_examples=300)
def test_any_octets_are_a_voice_message_or_bad_audio(octets: bytes) -> None:
    assert_voice_or_bad_audio(octets)


def assert_voice_or_bad_audio(octets: bytes) -> None:
    try:
        voice = transcode(octets, LIMITS)
    except BadAudio:
        return
    assert voice.milliseconds == milliseconds(voice.amr) > 0
    assert voice.seconds >= 1


@given(
    st.sampled_from(RECORDINGS),
    st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=3))),
    st.integers(0, max(map(len, RECORDINGS))),
)
def test_a_damaged_recording_is_a_voice_message_or_bad_audio(
    recording: bytes, damages: list[tuple[int, bytes]], end: int
) -> None:
    octets = bytearray(recording)
    for place, damage in damages:
        octets[place : place + len(damage)] = damage
    assert_voice_or_bad_audio(bytes(octets[:end]))


@given(st.lists(CHUNKS).map(lambda all_: wav(*all_)))
def test_what_was_repaired_needs_no_repair(octets: bytes) -> None:
    try:
        once = repaired(octets)
    except BadAudio:
        return
    assert repaired(once) == once


@given(FRAMES, st.binary(max_size=40))
def test_frames_are_the_octets_after_the_magic_but_for_a_broken_tail(whole: list[bytes], tail: bytes) -> None:
    octets = MAGIC + b"".join(whole)
    assert list(frames(octets)) == whole
    reader = frames(octets + tail)
    assert [next(reader) for _ in whole] == whole
