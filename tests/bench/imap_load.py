# SPDX-License-Identifier: Apache-2.0
"""The load generator: IMAP sessions over TLS in a process of its own, as cheap as Python allows.

    python -m tests.bench.imap_load WORKLOAD PORT AT_ONCE SESSIONS < accounts

``accounts`` has a line ``user password`` for each mailbox.  Closed loop: each of AT_ONCE clients
starts its next session when the last one is over.  Every session shakes hands anew.  Prints a
``Result`` as JSON.  It sits on sockets and epoll, without asyncio, because what it takes of the
processor the server does not get; the certificate is not checked for the same reason.
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import ssl
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

_LOGIN = "LOGIN {user} {password}"
_AOSP_FETCH = (
    "UID FETCH {uid} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS"
    " (date subject from content-type to cc message-id content-duration)] BODYSTRUCTURE)"
)

WORKLOADS: dict[str, tuple[str, ...]] = {
    "login": (_LOGIN, "LOGOUT"),
    # W1: log in, list the flags of 20 messages, fetch one of 30 KB, mark it, leave.
    "sync": (
        "CAPABILITY",
        _LOGIN,
        "SELECT INBOX",
        "UID FETCH 1:* (FLAGS)",
        "UID FETCH 7 (BODY.PEEK[])",
        "UID STORE 7 {sign}FLAGS (\\Seen)",
        "LOGOUT",
    ),
    # The full sync of Android's client with 20 messages (spec/omtp-vvm.md 11.1).
    "aosp": (
        "CAPABILITY",
        _LOGIN,
        'SELECT "INBOX"',
        "UID SEARCH 1:* NOT DELETED",
        *(_AOSP_FETCH.format(uid=uid) for uid in range(1, 21)),
        "EXPUNGE",
        'SELECT "INBOX"',
        'GETQUOTAROOT "INBOX"',
        "EXPUNGE",
        "LOGOUT",
    ),
    # W2: one connection adds messages of 30 KB, each durable before its answer.
    "append": (_LOGIN, *("APPEND INBOX {message}",) * 16, "LOGOUT"),
    # W4: one connection, the same three questions again and again.
    "big": (_LOGIN, *("SELECT INBOX", "UID FETCH 1:* (FLAGS)", "UID SEARCH UNSEEN") * 9, "LOGOUT"),
}


_LINE = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWkFCQ0RFRkdISUpL\r\n"
_MAIL = (
    "From: +33698765432 <+33698765432@example.net>\r\nSubject: voice\r\nMIME-Version: 1.0\r\n"
    "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
) + _LINE * 380
"""About 30 KB, as a voice message is."""


class Result(msgspec.Struct, frozen=True):
    """All times in seconds; ``steps`` has the median of each step by its text."""

    seconds: float
    cpu: float
    """Of the generator itself."""
    median: float
    """From connect to the end of one session."""
    p99: float
    steps: dict[str, float]


_LITERAL = f"{{{len(_MAIL)}+}}\r\n{_MAIL}"

signs: dict[str, Iterator[str]] = defaultdict(lambda: itertools.cycle("+-"))
"""Of the next STORE of each user."""


class Session:
    """One connection that sends a step when the tagged answer to the one before has come."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext, account: Sequence[str]) -> None:
        self.began = time.perf_counter()
        plain = socket.create_connection(address)
        plain.setblocking(False)  # noqa: FBT003 - the standard library's way
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(plain, do_handshake_on_connect=False)
        user, password = account
        # Every second session takes back what the one before has set, so that each STORE changes something.
        self._words = {"user": user, "password": password, "sign": next(signs[user]), "message": _LITERAL}
        self._shaken = False
        self._tag = b"* OK"
        self._tail = b""
        self._step = ""
        self._sent = self.began
        self._unsent = b""

    def advance(self, steps: Iterator[str], times: dict[str, list[float]]) -> bool:
        """Go on until the server must be waited for; true when the session is over."""
        try:
            if not self._shaken:
                self.socket.do_handshake()
                self._shaken = True
            self._push()
            while True:
                data = self.socket.recv(65_536)
                if not data:
                    raise RuntimeError(f"the server hung up: {self._tail!r}")
                if self._answered(data):
                    now = time.perf_counter()
                    times[self._step].append(now - self._sent)
                    self._step = next(steps, "")
                    if not self._step:
                        return True
                    self._send(now)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False

    def _answered(self, data: bytes) -> bool:
        """Whether ``data`` ends with the tagged answer.  Raises RuntimeError when that is not OK."""
        self._tail = data if len(data) > 200 else (self._tail + data)[-400:]
        if not self._tail.endswith(b"\r\n"):
            return False
        last = self._tail[:-2].rpartition(b"\r\n")[2]
        if not last.startswith(self._tag):
            return False
        if b" OK" not in last[:9] and not last.startswith(b"* OK"):
            raise RuntimeError(f"{self._step}: {last!r}")
        return True

    def _send(self, now: float) -> None:
        self._tag = b"a%d " % (int(self._tag[1:]) + 1 if self._tag.startswith(b"a") else 0)
        self._tail = b""
        self._sent = now
        self._unsent = self._tag + self._step.format(**self._words).encode() + b"\r\n"
        self._push()

    def _push(self) -> None:
        """As much as the socket takes; a message of 30 KB may not go at once."""
        while self._unsent:
            self._unsent = self._unsent[self.socket.send(self._unsent[:16_384]) :]


def play(workload: str, port: int, at_once: int, count: int, accounts: Iterator[list[str]]) -> Result:
    """``count`` sessions, ``at_once`` of them open at any time."""
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    poll = select.epoll()
    open_now: dict[int, tuple[Session, Iterator[str]]] = {}
    times: dict[str, list[float]] = defaultdict(list)
    lengths: list[float] = []
    waiting = count

    def advance(descriptor: int) -> None:
        session, steps = open_now[descriptor]
        if session.advance(steps, times):
            lengths.append(time.perf_counter() - session.began)
            poll.unregister(descriptor)
            del open_now[descriptor]
            session.socket.close()

    began = time.perf_counter()
    while waiting or open_now:
        while waiting and len(open_now) < at_once:
            waiting -= 1
            session = Session(("127.0.0.1", port), tls, next(accounts))
            descriptor = session.socket.fileno()
            open_now[descriptor] = session, iter(WORKLOADS[workload])
            poll.register(descriptor, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            advance(descriptor)
        for descriptor, _ in poll.poll():
            advance(descriptor)
    seconds = time.perf_counter() - began
    lengths.sort()
    used = os.times()
    return Result(
        seconds=seconds,
        cpu=used.user + used.system,
        median=lengths[len(lengths) // 2],
        p99=lengths[len(lengths) * 99 // 100],
        steps={step: sorted(taken)[len(taken) // 2] for step, taken in times.items()},
    )


def main() -> None:
    workload, port, at_once, sessions = sys.argv[1:]
    accounts = itertools.cycle([line.split() for line in sys.stdin.read().splitlines()])
    result = play(workload, int(port), int(at_once), int(sessions), accounts)
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
