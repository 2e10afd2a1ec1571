# SPDX-License-Identifier: Apache-2.0
"""What goes into transcoding and what comes out; picklable, because it runs in another process."""

from __future__ import annotations

import msgspec

from vvm.domain.errors import BadAudio


class AudioLimits(msgspec.Struct, frozen=True):
    max_seconds: int
    """Sound beyond this is not decoded: the audio is refused."""


class Voice(msgspec.Struct, frozen=True):
    amr: bytes
    """AMR-NB in its storage format (RFC 4867 section 5), one channel."""
    milliseconds: int
    """What a handset plays: 20 for each frame."""
    peak_dbfs: float | None
    """The loudest sample, 0 at full scale, -90.3 for digital silence; None where nothing was decoded
    because the audio was AMR-NB already."""

    @property
    def seconds(self) -> int:
        """The one duration that every interface tells (l=, Content-Duration): half a second counts
        as a whole one, and no message is shorter than one second."""
        return max(1, (self.milliseconds + 500) // 1000)


class AudioTooLong(BadAudio):
    """Readable, but longer than a message may be; nothing was stored."""

    code = "audio_too_long"
