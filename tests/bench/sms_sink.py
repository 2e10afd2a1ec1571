# SPDX-License-Identifier: Apache-2.0
"""An SMSC that says yes to everything at once, so that the client is what is measured.

    python -m tests.bench.sms_sink [MILLISECONDS]

Prints its port.  Each answer leaves so many milliseconds after its request came: a longer line.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from typing import cast

import uvloop

_HEADER = struct.Struct(">4I")
_BODIES = {0x00000009: b"sink\0", 0x00000004: b"00000001\0"}


class Sink(asyncio.Protocol):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        buffer, start, answers = self._buffer + data, 0, []
        while len(buffer) - start >= _HEADER.size:
            length, command, _, sequence = _HEADER.unpack_from(buffer, start)
            if len(buffer) - start < length:
                break
            start += length
            if not command & 0x80000000:
                body = _BODIES.get(command, b"")
                answers.append(_HEADER.pack(16 + len(body), command | 0x80000000, 0, sequence) + body)
        self._buffer = buffer[start:]
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._transport.write, b"".join(answers))
        else:
            self._transport.write(b"".join(answers))


async def main(milliseconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Sink(milliseconds / 1000), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]) if sys.argv[1:] else 0.0))
