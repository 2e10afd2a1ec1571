# SPDX-License-Identifier: Apache-2.0
"""Samples from audio of the kinds that a capture, a mail or an API brings.

What the octets are is told by their first octets alone, and FFmpeg may use only the demuxer and the
decoders named here: whoever sends a message cannot reach the rest of that library.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import av
import msgspec

from vvm.domain.errors import BadAudio
from vvm.message.audio import amr, wav
from vvm.message.audio.voice import AudioLimits, AudioTooLong


class _Container(msgspec.Struct, frozen=True):
    """FFmpeg's names of a demuxer and of the decoders that its streams may need."""

    demuxer: str
    decoders: tuple[str, ...]


_AMR = _Container("amr", ("amrnb", "amrwb"))
_WAV = _Container("wav", ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_alaw", "pcm_mulaw", "gsm_ms"))
_OGG = _Container("ogg", ("opus", "vorbis"))
_MP3 = _Container("mp3", ("mp3float",))

_MPEG_SYNC = 0xFFE0
_MPEG_LAYER = 0x0006
_LAYER_THREE = 0x0002


def decode(octets: bytes, limits: AudioLimits) -> bytes:
    """The sound as signed 16-bit little-endian samples, one channel, 8 kHz.

    Reads WAV (PCM, A-law, mu-law, GSM; also with a broken header), AMR, MP3, and Opus or Vorbis in
    Ogg.  A damaged packet costs its own sound only.  Raises BadAudio for anything else and for what
    has no sound at all; AudioTooLong as soon as there is more sound than the limit.
    """
    container = _recognised(octets)
    if container is _WAV:
        octets = wav.repaired(octets)
    limit = limits.max_seconds * amr.SAMPLE_RATE * amr.SAMPLE_BYTES
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _samples(octets, container):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise AudioTooLong(f"more than {limits.max_seconds} seconds")
    except av.FFmpegError as error:
        # What was decoded before the damage is kept: half a message is better than none.
        if not size:
            raise BadAudio("the audio cannot be decoded") from error
    if not size:
        raise BadAudio("no sound in the audio")
    return b"".join(pieces)


def _recognised(octets: bytes) -> _Container:
    if amr.is_amr(octets) or amr.is_wideband(octets):
        return _AMR
    if wav.is_wav(octets):
        return _WAV
    if octets.startswith(b"OggS"):
        return _OGG
    start = int.from_bytes(octets[:2], "big")
    is_mpeg = start & _MPEG_SYNC == _MPEG_SYNC and start & _MPEG_LAYER == _LAYER_THREE
    if octets.startswith(b"ID3") or is_mpeg:
        return _MP3
    raise BadAudio("the audio is not WAV, AMR, MP3 or Ogg")


def _samples(octets: bytes, container: _Container) -> Iterator[bytes]:
    """Pieces of the sound as they come out of the decoder.

    The list of decoders is given twice, because FFmpeg heeds its own only while it looks into the
    file, and not when PyAV opens a stream.
    """
    resampler = av.AudioResampler(format="s16", layout="mono", rate=amr.SAMPLE_RATE)
    options = {"codec_whitelist": ",".join(container.decoders)}
    with av.open(
        BytesIO(octets), "r", format=container.demuxer, options=options, metadata_errors="replace"
    ) as source:
        audio = source.streams.audio
        if not audio or _decoder(audio[0]) not in container.decoders:
            return
        for packet in source.demux(audio[0]):
            yield from _sound(packet, resampler)
        yield from map(_octets, resampler.resample(None))


def _decoder(stream: av.AudioStream) -> str | None:
    """Its name; None where FFmpeg has none for the stream, which PyAV's annotations do not tell."""
    name: str | None = getattr(stream.codec_context, "name", None)
    return name


def _sound(packet: av.Packet[av.AudioStream], resampler: av.AudioResampler) -> list[bytes]:
    """What one packet holds: nothing when it is damaged, or so much that its format seems to change."""
    try:
        return [_octets(piece) for frame in packet.decode() for piece in resampler.resample(frame)]
    except ValueError:  # av.InvalidDataError is one, and what a resampler says to another format
        return []


def _octets(frame: av.AudioFrame) -> bytes:
    """The samples without the padding that a plane may end with."""
    return bytes(frame.planes[0])[: frame.samples * amr.SAMPLE_BYTES]
