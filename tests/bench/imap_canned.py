# SPDX-License-Identifier: Apache-2.0
"""The ceiling: a server that sends canned answers to the load generator and thinks of nothing.

    python -m tests.bench.imap_canned CERTIFICATE KEY PORT

Several may share the port.  Prints a line when it listens.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import cast

import uvloop

_FLAGS = b"".join(b"* %d FETCH (UID %d FLAGS ())\r\n" % (n, n) for n in range(1, 21))
_BODY = b"* 7 FETCH (UID 7 BODY[] {30000}\r\n" + b"x" * 30_000 + b")\r\n"
_ANSWERS = (
    b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na0 OK done\r\n",
    b"a1 OK done\r\n",
    b"* FLAGS (\\Seen)\r\n* 20 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 21] ok\r\na2 OK done\r\n",
    _FLAGS + b"a3 OK done\r\n",
    _BODY + b"a4 OK done\r\n",
    b"* 7 FETCH (UID 7 FLAGS (\\Seen))\r\na5 OK done\r\n",
    b"* BYE bye\r\na6 OK done\r\n",
)
"""To the steps of the workload "sync"."""


class Canned(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._answers = iter(_ANSWERS)
        self._transport.write(b"* OK ready\r\n")

    def data_received(self, data: bytes) -> None:
        answer = next(self._answers)
        self._transport.write(answer)
        if answer is _ANSWERS[-1]:
            self._transport.close()


async def main() -> None:
    certificate, key, port = sys.argv[1:]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = await asyncio.get_running_loop().create_server(
        Canned, "127.0.0.1", int(port), ssl=tls, reuse_port=True
    )
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
