# SPDX-License-Identifier: Apache-2.0
"""Both directions of COMPRESS=DEFLATE (RFC 4978), bounded: a few octets can inflate to megabytes.

What the peer sent is inflated only as far as somebody asks for it, so a bomb waits in its
compressed form, and the connection stops reading long before that is much.
"""

from __future__ import annotations

import zlib

_LEVEL = 6
_OUR_WINDOW_BITS = -12
_OUR_MEMORY = 5
"""32 KB for each connection instead of 256: a transcript or a list of flags gains nothing from more."""


class BrokenStream(Exception):
    """What the peer sent is no deflate stream, or one that has ended."""


class Deflate:
    """The state of one connection; never awaits."""

    def __init__(self, *, most: int) -> None:
        """``most`` is how many octets ``take`` gives at once."""
        self._most = most
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _OUR_WINDOW_BITS, _OUR_MEMORY)
        self._waiting = b""

    @property
    def waiting(self) -> int:
        """Octets from the peer that are not inflated yet."""
        return len(self._waiting)

    def feed(self, data: bytes) -> None:
        """Compressed octets as they come from the network."""
        self._waiting += data

    def take(self) -> bytes:
        """The next octets that the peer meant; none when more must come first.  Raises BrokenStream.

        There may be some although nothing is ``waiting``: the inflater keeps what exceeded ``most``.
        """
        try:
            inflated = self._inflater.decompress(self._waiting, self._most)
        except zlib.error as error:
            raise BrokenStream from error
        if self._inflater.eof:
            raise BrokenStream
        self._waiting = self._inflater.unconsumed_tail
        return inflated

    def compress(self, data: bytes) -> bytes:
        """``data`` ready to send, whole: the peer can read it without waiting for more."""
        return self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
