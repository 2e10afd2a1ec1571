# SPDX-License-Identifier: Apache-2.0

"""From every recording that we take to AMR-NB: the same speech comes out, told by its energy."""

from __future__ import annotations

import io
import math
import pickle
import statistics
import struct
from itertools import chain

import av
import pytest

from tests.unit.test_message_wav import chunk, form, wav
from vvm.domain.errors import BadAudio
from vvm.message.audio.amr import MAGIC, WIDEBAND_MAGIC, frames, milliseconds
from vvm.message.audio.decode import decode
from vvm.message.audio.transcode import transcode
from vvm.message.audio.voice import AudioLimits, AudioTooLong, Voice

LIMITS = AudioLimits(max_seconds=60)
SYLLABLES = (0.05, 0.9, 0.1, 0.5, 0.02, 0.7, 0.3, 1.0, 0.05, 0.6)
"""Loudness of each fifth of a second: speech is told from a hum by how its loudness moves."""
WINDOW = 0.1


def speech_like(rate: int, seconds: float = 2.0) -> list[int]:
    """A glide through the band of speech, with the loudness of syllables."""
    samples = []
    for n in range(round(rate * seconds)):
        time = n / rate
        loudness = SYLLABLES[int(time / 0.2) % len(SYLLABLES)]
        samples.append(round(16000 * loudness * math.sin(2 * math.pi * (200 + 400 * time) * time)))
    return samples


def pcm(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def pcm_wav(samples: list[int], *, rate: int, channels: int = 1) -> bytes:
    data = pcm(list(chain.from_iterable(zip(*[samples] * channels, strict=True))))
    return wav(chunk(b"fmt ", form(rate=rate, channels=channels, block=2 * channels)), chunk(b"data", data))


def encoded(container: str, codec: str, rate: int, layout: str, sample_format: str) -> bytes:
    """Two seconds of speech in a format that FFmpeg writes."""
    samples = speech_like(8000)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = layout
        stream.codec_context.format = sample_format
        stream.codec_context.open()
        resampler = av.AudioResampler(
            format=sample_format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size or 960
        )
        source = av.AudioFrame("s16", "mono", len(samples))
        source.sample_rate = 8000
        source.planes[0].update(pcm(samples))
        for frame in [*resampler.resample(source), *resampler.resample(None)]:
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def energy(samples: bytes) -> list[float]:
    """Root mean square of each tenth of a second at 8 kHz."""
    values = memoryview(samples).cast("h")
    step = round(8000 * WINDOW)
    return [
        math.sqrt(sum(value * value for value in values[start : start + step]) / step)
        for start in range(0, len(values) - step + 1, step)
    ]


def assert_same_speech(voice: Voice, seconds: float = 2.0) -> None:
    """The energy moves as in the original, and the loudness of the whole is the same within 2 dB."""
    heard, said = energy(decode(voice.amr, LIMITS)), energy(pcm(speech_like(8000, seconds)))
    assert abs(len(heard) - len(said)) <= 1
    count = min(len(heard), len(said))
    assert statistics.correlation(heard[:count], said[:count]) > 0.95
    assert abs(20 * math.log10(statistics.fmean(heard) / statistics.fmean(said))) < 2


# rows: MIME-07
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (8000, 2), (16000, 2), (44100, 2)])
def test_pcm_becomes_amr_that_decodes_to_the_same_speech(rate: int, channels: int) -> None:
    voice = transcode(pcm_wav(speech_like(rate), rate=rate, channels=channels), LIMITS)
    assert_same_speech(voice)
    assert voice.milliseconds == 2000
    assert {len(frame) for frame in frames(voice.amr)} == {32}


# rows: MIME-07
@pytest.mark.parametrize(
    ("container", "codec", "rate", "layout", "sample_format"),
    [
        ("wav", "pcm_alaw", 8000, "mono", "s16"),
        ("wav", "pcm_mulaw", 8000, "mono", "s16"),
        ("wav", "pcm_u8", 8000, "mono", "u8"),
        ("ogg", "libopus", 48000, "mono", "s16"),
        ("mp3", "libmp3lame", 44100, "mono", "s16p"),
    ],
)
def test_other_formats_become_amr_with_the_same_speech(
    container: str, codec: str, rate: int, layout: str, sample_format: str
) -> None:
    assert_same_speech(transcode(encoded(container, codec, rate, layout, sample_format), LIMITS))


# rows: MIME-07
def test_gsm_as_asterisk_records_it_becomes_amr_that_is_loud_and_quiet_where_it_was() -> None:
    blocks = [gsm_block(loud=n // 5 % 2 == 1) for n in range(50)]
    gsm_form = form(tag=49, rate=8000, bits=0, block=65) + struct.pack("<HH", 2, 320)
    octets = wav(
        chunk(b"fmt ", gsm_form), chunk(b"fact", struct.pack("<I", 0)), chunk(b"data", b"".join(blocks), 0)
    )
    voice = transcode(octets, LIMITS)
    assert voice.milliseconds == 2000
    heard = energy(decode(voice.amr, LIMITS))
    quiet, loud = heard[1::4], heard[3::4]
    assert min(loud) > 20 * max(quiet)


def gsm_block(*, loud: bool) -> bytes:
    """Two frames of GSM 06.10 as Microsoft packs them: 65 octets, 40 ms of a buzz, or of next to nothing."""
    bits = position = 0

    def put(value: int, width: int) -> None:
        nonlocal bits, position
        bits |= value << position
        position += width

    for _ in range(2):
        for value, width in zip((32, 32, 16, 16, 8, 8, 4, 4), (6, 6, 5, 5, 4, 4, 3, 3), strict=True):
            put(value, width)
        for _ in range(4):
            for value, width in ((40, 7), (0, 2), (0, 2), (40 if loud else 0, 6)):
                put(value, width)
            for pulse in range(13):
                put(7 if pulse % 2 else 0, 3)
    return bits.to_bytes(65, "little")


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_recording_cut_off_by_a_crash_is_heard_to_its_end(size: int) -> None:
    data = pcm(speech_like(8000))
    broken = wav(chunk(b"fmt ", form()), chunk(b"data", data, size), size=size)
    assert transcode(broken, LIMITS) == transcode(pcm_wav(speech_like(8000), rate=8000), LIMITS)


def test_a_damaged_packet_costs_its_own_sound_only() -> None:
    octets = bytearray(encoded("mp3", "libmp3lame", 44100, "mono", "s16p"))
    middle = len(octets) // 2
    octets[middle : middle + 400] = bytes(400)
    voice = transcode(bytes(octets), LIMITS)
    assert 1500 < voice.milliseconds <= 2100


def test_a_frame_in_another_format_is_left_out() -> None:
    mono = encoded("mp3", "libmp3lame", 44100, "mono", "s16p")
    stereo = encoded("mp3", "libmp3lame", 44100, "stereo", "s16p")
    voice = transcode(mono + stereo + mono, LIMITS)
    assert 3900 < voice.milliseconds < 4200


def test_what_stands_before_a_place_where_decoding_ends_is_kept() -> None:
    mono = encoded("ogg", "libopus", 48000, "mono", "s16")
    stereo = encoded("ogg", "libopus", 48000, "stereo", "s16")
    assert_same_speech(transcode(mono + stereo, LIMITS))


def test_amr_is_kept_as_it_came() -> None:
    octets = transcode(pcm_wav(speech_like(8000), rate=8000), LIMITS).amr
    assert transcode(octets, LIMITS) == Voice(amr=octets, milliseconds=2000, peak_dbfs=None)


def test_amr_that_broke_off_loses_its_last_frame_only() -> None:
    octets = transcode(pcm_wav(speech_like(8000), rate=8000), LIMITS).amr
    assert transcode(octets[:-1], LIMITS) == Voice(amr=octets[:-32], milliseconds=1980, peak_dbfs=None)


def test_wideband_amr_becomes_narrowband() -> None:
    voice = transcode(WIDEBAND_MAGIC + (b"\x04" + bytes(17)) * 50, LIMITS)
    assert voice.amr.startswith(MAGIC)
    assert voice.milliseconds == 1000


def test_the_last_frame_is_filled_up_with_silence() -> None:
    voice = transcode(pcm_wav(speech_like(8000, 1.001), rate=8000), LIMITS)
    assert voice.milliseconds == milliseconds(voice.amr) == 1020


# rows: SY-08 MSG-04
@pytest.mark.parametrize(
    ("duration", "seconds"), [(0, 1), (20, 1), (1499, 1), (1500, 2), (2480, 2), (2500, 3), (600_000, 600)]
)
def test_half_a_second_counts_as_a_whole_one_and_nothing_is_shorter_than_one(
    duration: int, seconds: int
) -> None:
    assert Voice(amr=b"", milliseconds=duration, peak_dbfs=None).seconds == seconds


@pytest.mark.parametrize(
    ("sample", "dbfs"), [(0, -90.309), (1, -90.309), (328, -39.991), (-16384, -6.021), (-32768, 0.0)]
)
def test_the_peak_tells_silence_from_sound(sample: int, dbfs: float) -> None:
    voice = transcode(pcm_wav([0] * 7999 + [sample], rate=8000), LIMITS)
    assert voice.peak_dbfs == pytest.approx(dbfs, abs=0.001)


def test_the_limit_is_on_sound_and_not_on_octets() -> None:
    limits = AudioLimits(max_seconds=2)
    assert transcode(pcm_wav(speech_like(16000), rate=16000), limits).seconds == 2
    with pytest.raises(AudioTooLong, match="more than 2 seconds"):
        transcode(pcm_wav(speech_like(8000, 2.1), rate=8000), limits)


def test_amr_over_the_limit_is_refused_too() -> None:
    octets = transcode(pcm_wav(speech_like(8000), rate=8000), LIMITS).amr
    assert transcode(octets, AudioLimits(max_seconds=2)).amr == octets
    with pytest.raises(AudioTooLong, match="more than 1 seconds"):
        transcode(octets, AudioLimits(max_seconds=1))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0" * 1000,
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"RIFF",
        pcm_wav([], rate=8000),
        wav(chunk(b"fmt ", form(tag=17)), chunk(b"data", bytes(1000))),
        MAGIC,
        MAGIC + b"\x3c" + bytes(30),
        MAGIC + b"\xff" * 100,
        WIDEBAND_MAGIC,
        b"OggS" + bytes(1000),
        b"ID3" + bytes(1000),
        b"\xff\xfb" + bytes(1000),
    ],
    ids=lambda octets: repr(octets[:12]),
)
def test_what_holds_no_sound_that_we_read_is_bad_audio(octets: bytes) -> None:
    with pytest.raises(BadAudio):
        transcode(octets, LIMITS)


def test_a_decoder_that_we_do_not_name_is_out_of_reach() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as output:
        stream = output.add_stream("flac", rate=8000)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "s16"
        source = av.AudioFrame("s16", "mono", 4096)
        source.sample_rate = 8000
        source.planes[0].update(pcm(speech_like(8000)[:4096]))
        output.mux(stream.encode(source))
    assert len(file.getvalue()) > 1000
    with pytest.raises(BadAudio, match="no sound"):
        transcode(file.getvalue(), LIMITS)


def test_a_stream_that_ffmpeg_has_no_decoder_for_is_bad_audio() -> None:
    samples_of_no_bits = wav(chunk(b"fmt ", form(bits=0)), chunk(b"data", bytes(1000)))
    with pytest.raises(BadAudio, match="no sound"):
        transcode(samples_of_no_bits, LIMITS)


def test_a_title_that_is_not_utf8_does_not_matter() -> None:
    title = b"TIT2" + struct.pack(">IH", 4, 0) + b"\x03\x97\xff\0"
    tag = b"ID3\x04\0\0" + struct.pack(">I", len(title)) + title
    plain = encoded("mp3", "libmp3lame", 44100, "mono", "s16p")
    assert_same_speech(transcode(tag + plain[plain.index(b"\xff\xfb") :], LIMITS))


def test_everything_that_crosses_to_a_worker_and_back_can_be_pickled() -> None:
    voice = Voice(amr=b"a", milliseconds=20, peak_dbfs=-3.5)
    error = pickle.loads(pickle.dumps(AudioTooLong("more than 2 seconds")))
    assert pickle.loads(pickle.dumps(voice)) == voice
    assert pickle.loads(pickle.dumps(LIMITS)) == LIMITS
    assert pickle.loads(pickle.dumps(transcode)) is transcode
    assert (type(error), str(error), error.code) == (AudioTooLong, "more than 2 seconds", "audio_too_long")
