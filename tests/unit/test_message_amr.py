# SPDX-License-Identifier: Apache-2.0
"""AMR's storage format, without a codec (RFC 4867 section 5)."""

from __future__ import annotations

import pytest

from vvm.domain.errors import BadAudio
from vvm.message.audio.amr import MAGIC, WIDEBAND_MAGIC, frames, is_amr, is_wideband, milliseconds

NARROWBAND_SIZES = {0: 13, 1: 14, 2: 16, 3: 18, 4: 20, 5: 21, 6: 27, 7: 32, 8: 6, 15: 1}
WIDEBAND_SIZES = {0: 18, 1: 24, 2: 33, 3: 37, 4: 41, 5: 47, 6: 51, 7: 59, 8: 61, 9: 6, 14: 1, 15: 1}
"""Octets of a whole frame by its type, as 3GPP TS 26.101 and 26.201 count them."""


def frame(kind: int, size: int) -> bytes:
    """A frame of good quality with nothing in it."""
    return bytes([kind << 3 | 0b100]) + bytes(size - 1)


@pytest.mark.parametrize(
    ("magic", "sizes"), [(MAGIC, NARROWBAND_SIZES), (WIDEBAND_MAGIC, WIDEBAND_SIZES)], ids=["NB", "WB"]
)
def test_every_frame_type_is_cut_at_its_own_size(magic: bytes, sizes: dict[int, int]) -> None:
    expected = [frame(kind, size) for kind, size in sizes.items()]
    octets = magic + b"".join(expected)
    assert list(frames(octets)) == expected
    assert milliseconds(octets) == 20 * len(sizes)


def test_a_frame_that_broke_off_is_left_out() -> None:
    whole = frame(7, 32)
    assert list(frames(MAGIC + whole + whole[:31])) == [whole]
    assert milliseconds(MAGIC) == 0


@pytest.mark.parametrize("kind", [9, 10, 11, 12, 13, 14])
def test_a_frame_type_that_does_not_exist_is_bad_audio(kind: int) -> None:
    with pytest.raises(BadAudio, match="type"):
        milliseconds(MAGIC + frame(7, 32) + frame(kind, 1))


@pytest.mark.parametrize("bit", [0b1000_0000, 0b0000_0010, 0b0000_0001])
def test_padding_that_is_not_zero_is_bad_audio(bit: int) -> None:
    octets = bytearray(MAGIC + frame(7, 32))
    octets[len(MAGIC)] |= bit
    with pytest.raises(BadAudio, match="type"):
        milliseconds(bytes(octets))


@pytest.mark.parametrize("octets", [b"", b"#!AMR", b"#!AMR_MC1.0\n\0\0\0\1", b"RIFF", b"#!AMR-WB"])
def test_anything_without_the_magic_of_one_channel_is_bad_audio(octets: bytes) -> None:
    with pytest.raises(BadAudio, match="not AMR"):
        frames(octets)
    assert not is_amr(octets)


def test_the_two_bands_are_told_apart() -> None:
    assert is_amr(MAGIC)
    assert not is_wideband(MAGIC)
    assert is_wideband(WIDEBAND_MAGIC)
    assert not is_amr(WIDEBAND_MAGIC)
