# SPDX-License-Identifier: Apache-2.0
"""The idlers of W3: a TLS connection for each mailbox, all in IDLE, and deposits that some of them hear of.

    python -m tests.bench.imap_idle PORT [NUMBER] < accounts

``accounts`` is one line: ``user password`` for each idler, or ``user password device secret`` for one
whose mailbox is appended to, with semicolons between.  Prints ``ready`` when all idle, waits for a
line, then appends to each of those mailboxes and prints a ``Heard`` as JSON.  NUMBER is how many idle
already for others.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
import time

import msgspec

_PER_ADDRESS = 800
"""Connections from one address of 127/8: a server may limit them."""
_SECONDS = 30.0
_NOTE = "From: bench@example.net\r\nSubject: note\r\n\r\n" + "x" * 1_000 + "\r\n"


class Heard(msgspec.Struct, frozen=True):
    """Seconds, ascending."""

    answered: list[float]
    """From APPEND to its OK."""
    told: list[float]
    """From APPEND to EXISTS at the idler."""


class Client:
    """A blocking client with just enough IMAP."""

    def __init__(self, port: int, tls: ssl.SSLContext, number: int) -> None:
        source = f"127.0.0.{2 + number // _PER_ADDRESS}"
        plain = socket.create_connection(("127.0.0.1", port), _SECONDS, (source, 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(plain)
        self._heard = b""
        self.until(b"* OK")

    def say(self, line: str, answer: bytes) -> None:
        self.socket.sendall(line.encode() + b"\r\n")
        self.until(answer)

    def until(self, start: bytes) -> None:
        """Read up to the line that starts so.  Raises RuntimeError when the server hangs up first."""
        while True:
            *lines, self._heard = self._heard.split(b"\r\n")
            for at, line in enumerate(lines):
                if line.startswith(start):
                    self._heard = b"\r\n".join([*lines[at + 1 :], self._heard])
                    return
            data = self.socket.recv(65_536)
            if not data:
                raise RuntimeError(f"the server hung up before {start!r}")
            self._heard += data

    def log_in(self, user: str, password: str) -> None:
        self.say(f"a LOGIN {user} {password}", b"a OK")


def idler(port: int, tls: ssl.SSLContext, number: int, words: list[str]) -> Client:
    client = Client(port, tls, number)
    client.log_in(*words[:2])
    client.say("b SELECT INBOX", b"b OK")
    client.say("c IDLE", b"+")
    return client


def deposit(port: int, tls: ssl.SSLContext, client: Client, words: list[str]) -> tuple[float, float]:
    """One APPEND by another session of the same mailbox."""
    sender = Client(port, tls, 0)
    sender.log_in(*words[-2:])
    poll = select.poll()
    waited = {}
    for each, start in ((sender, b"d OK"), (client, b"* ")):
        poll.register(each.socket.fileno(), select.POLLIN)
        waited[each.socket.fileno()] = (each, start)
    times: dict[Client, float] = {}
    began = time.perf_counter()
    sender.socket.sendall(f"d APPEND INBOX {{{len(_NOTE)}+}}\r\n{_NOTE}\r\n".encode())
    while waited:
        for descriptor, _ in poll.poll():
            each, start = waited.pop(descriptor)
            each.until(start)
            times[each] = time.perf_counter() - began
            poll.unregister(descriptor)
    sender.socket.close()
    return times[sender], times[client]


def main() -> None:
    port, others = int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    accounts = [line.split() for line in sys.stdin.readline().split(";")]
    idlers = [idler(port, tls, number, words) for number, words in enumerate(accounts, others)]
    print("ready", flush=True)
    sys.stdin.readline()
    times = [
        deposit(port, tls, client, words)
        for client, words in zip(idlers, accounts, strict=True)
        if len(words) > 2
    ]
    heard = Heard(sorted(answered for answered, _ in times), sorted(told for _, told in times))
    print(msgspec.json.encode(heard).decode(), flush=True)


if __name__ == "__main__":
    main()
