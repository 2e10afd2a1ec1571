# SPDX-License-Identifier: Apache-2.0
"""AMR in its storage format (RFC 4867 section 5), read without a codec, and the measures of AMR-NB.

Each frame says its own size, so duration and soundness of a recording cost no decoding.
"""

from __future__ import annotations

from collections.abc import Iterator

from vvm.domain.errors import BadAudio

MAGIC = b"#!AMR\n"
WIDEBAND_MAGIC = b"#!AMR-WB\n"
FRAME_MILLISECONDS = 20
SAMPLE_RATE = 8000
"""Of AMR-NB; samples are signed 16-bit, one channel, wherever this package speaks of PCM."""
SAMPLE_BYTES = 2
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MILLISECONDS // 1000
FRAME_PCM_BYTES = FRAME_SAMPLES * SAMPLE_BYTES

_NARROWBAND = {0: 12, 1: 13, 2: 15, 3: 17, 4: 19, 5: 20, 6: 26, 7: 31, 8: 5, 15: 0}
_WIDEBAND = {0: 17, 1: 23, 2: 32, 3: 36, 4: 40, 5: 46, 6: 50, 7: 58, 8: 60, 9: 5, 14: 0, 15: 0}
"""Octets of speech after the frame's header, by frame type (RFC 4867 sections 4.3.1 and 5.3)."""
_PADDING = 0b1000_0011


def is_amr(octets: bytes) -> bool:
    """AMR-NB, one channel: what every handset plays."""
    return octets.startswith(MAGIC)


def is_wideband(octets: bytes) -> bool:
    return octets.startswith(WIDEBAND_MAGIC)


def frames(octets: bytes) -> Iterator[bytes]:
    """Every whole frame, its header octet included, in order.

    A frame that is cut off at the end is left out: a recording that broke off is still speech.
    Raises BadAudio, at once for octets that are not AMR (NB or WB, one channel), later for a frame
    type that does not exist.
    """
    if is_amr(octets):
        sizes, position = _NARROWBAND, len(MAGIC)
    elif is_wideband(octets):
        sizes, position = _WIDEBAND, len(WIDEBAND_MAGIC)
    else:
        raise BadAudio("not AMR in its storage format")
    return _frames(octets, position, sizes)


def milliseconds(octets: bytes) -> int:
    """Duration of the whole frames.  Raises BadAudio."""
    return FRAME_MILLISECONDS * sum(1 for _ in frames(octets))


def _frames(octets: bytes, position: int, sizes: dict[int, int]) -> Iterator[bytes]:
    while position < len(octets):
        header = octets[position]
        size = sizes.get((header >> 3) & 0b1111)
        if size is None or header & _PADDING:
            raise BadAudio("an AMR frame of a type that does not exist")
        end = position + 1 + size
        if end > len(octets):
            return
        yield octets[position:end]
        position = end
