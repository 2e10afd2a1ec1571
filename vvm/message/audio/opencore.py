# SPDX-License-Identifier: Apache-2.0
"""AMR-NB by Debian's libopencore-amrnb0, called directly: the way out when PyAV loses its encoder."""

from __future__ import annotations

import ctypes
from functools import cache

from vvm.message.audio.amr import FRAME_PCM_BYTES

NAME = "libopencore-amrnb.so.0"

_MODE_12_2 = 7
_NO_DTX = 0
_MAX_FRAME = 64  # the library writes 32 at most


def encode(pcm: bytes) -> bytes:
    """See ``codec.Encode``.  Raises NotImplementedError when the library is not installed."""
    library = _library()
    encoder = library.Encoder_Interface_init(_NO_DTX)
    if not encoder:
        raise MemoryError
    out = ctypes.create_string_buffer(_MAX_FRAME)
    frames = []
    try:
        for start in range(0, len(pcm), FRAME_PCM_BYTES):
            samples = pcm[start : start + FRAME_PCM_BYTES]
            size = library.Encoder_Interface_Encode(encoder, _MODE_12_2, samples, out, 0)
            frames.append(out.raw[:size])
    finally:
        library.Encoder_Interface_exit(encoder)
    return b"".join(frames)


@cache
def _library() -> ctypes.CDLL:
    """The library with its three functions declared, as interf_enc.h has them."""
    try:
        library = ctypes.CDLL(NAME)
    except OSError as error:
        raise NotImplementedError(NAME) from error
    library.Encoder_Interface_init.argtypes = [ctypes.c_int]
    library.Encoder_Interface_init.restype = ctypes.c_void_p
    library.Encoder_Interface_Encode.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_int,
    ]
    library.Encoder_Interface_Encode.restype = ctypes.c_int
    library.Encoder_Interface_exit.argtypes = [ctypes.c_void_p]
    library.Encoder_Interface_exit.restype = None
    return library
