# SPDX-License-Identifier: Apache-2.0
"""Cut the octets of a link into PDUs by their command_length (SMPP 3.4 section 3.2).

This is the only place where a mistake of the peer costs the link: when the length is nonsense,
nobody knows where the next PDU starts.  A body that makes no sense costs one PDU.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEADER_BYTES = 16

_LENGTH = struct.Struct("!I")


class OutOfStep(Exception):
    """The announced length cannot be true, or is over the limit: the link must be dropped."""

    def __init__(self, length: int) -> None:
        super().__init__(f"a PDU announces {length} octets")
        self.length = length


class Framer:
    """Push octets in, take whole PDUs out."""

    def __init__(self, *, max_pdu_bytes: int) -> None:
        self._max_pdu_bytes = max_pdu_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def frames(self) -> Iterator[bytes]:
        """Yield each PDU that is complete, header included.  Raises OutOfStep after the last good one."""
        buffer = self._buffer
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if not HEADER_BYTES <= length <= self._max_pdu_bytes:
                raise OutOfStep(length)
            if len(buffer) < length:
                return
            frame = bytes(buffer[:length])
            del buffer[:length]  # cheap: CPython moves the start of a bytearray, not its octets
            yield frame
