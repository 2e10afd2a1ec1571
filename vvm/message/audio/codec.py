# SPDX-License-Identifier: Apache-2.0
"""Who encodes AMR-NB: PyAV, or Debian's library where a PyAV wheel came without the encoder.

The wheel we pin has it, the next one may not (docs/adr/0004-amr.md); so it is asked, not assumed.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

from vvm.domain.errors import Outage
from vvm.message.audio import opencore, pyav
from vvm.message.audio.amr import FRAME_PCM_BYTES


class Encode(Protocol):
    def __call__(self, pcm: bytes) -> bytes:
        """Frames at 12.2 kbit/s from whole frames of samples: 32 octets from every 320."""
        ...


class NoEncoder(Outage):
    """This machine cannot write AMR-NB; nothing was stored."""

    code = "no_amr_encoder"


_ENCODERS: dict[str, Encode] = {pyav.NAME: pyav.encode, opencore.NAME: opencore.encode}


@cache
def probe() -> tuple[str, ...]:
    """Names of the encoders that work here, the preferred one first; asks once per process."""
    return tuple(name for name, encode in _ENCODERS.items() if _works(encode))


def encode(pcm: bytes) -> bytes:
    """AMR-NB frames at 12.2 kbit/s, without the storage header; the last one filled with silence.

    ``pcm`` is what ``decode`` gives.  Raises NoEncoder.
    """
    names = probe()
    if not names:
        raise NoEncoder(
            "no AMR-NB encoder: install the pinned PyAV wheel, or apt-get install -y libopencore-amrnb0"
        )
    return _ENCODERS[names[0]](pcm + bytes(-len(pcm) % FRAME_PCM_BYTES))


def _works(encode: Encode) -> bool:
    try:
        return bool(encode(bytes(FRAME_PCM_BYTES)))
    except NotImplementedError:
        return False
