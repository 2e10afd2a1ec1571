# SPDX-License-Identifier: Apache-2.0
"""Cut the client's octets into whole commands, without reading their meaning.

A frame is a command line plus the literals it announces (RFC 3501 section 4.3, RFC 7888).  Working
in two stages means that a command we cannot parse is still a command whose end we know: the
session answers BAD and stays in step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r?\n\Z")
_DIGITS = 10
"""Of the largest ``number`` (RFC 3501 section 9); a longer one is a literal all the same, and too big."""
_APPEND = re.compile(rb"[^ ]+ APPEND ", re.IGNORECASE)


class Frame(msgspec.Struct, frozen=True):
    """One whole client command: text parts, with a literal between each two."""

    parts: tuple[bytes, ...]


class Continue(msgspec.Struct, frozen=True):
    """The client waits for ``+`` before it sends a synchronising literal."""


class TooBig(msgspec.Struct, frozen=True):
    """The client waits with a literal that we will not take: answer NO, go on."""

    start: bytes


class Refused(msgspec.Struct, frozen=True):
    """A limit (``line`` or ``command``) was passed; the connection cannot stay in step and must close."""

    limit: str


Event = Frame | Continue | TooBig | Refused


class Framer:
    """Push octets in, take frames out.  Never raises, never awaits.

    ``max_line`` bounds one line, ``max_command`` a whole command with its literals, in octets;
    APPEND, which carries messages, has a limit of its own once ``allow`` gives one.
    """

    def __init__(self, *, max_line: int, max_command: int) -> None:
        self._max_line = max_line
        self._max_command = max_command
        self._max_append = max_command
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._size = 0
        self._literal: int | None = None

    @property
    def pending(self) -> int:
        """Octets taken from the peer that no frame has delivered yet."""
        return self._size + len(self._buffer)

    def peek(self, count: int) -> bytes:
        """The first octets of the next command, without taking them."""
        start = self._parts[0] if self._parts else self._buffer
        return bytes(start[:count])

    def allow(self, *, max_line: int, max_command: int, max_append: int) -> None:
        """Other limits from the next line on: a peer that has logged in may send more."""
        self._max_line = max_line
        self._max_command = max_command
        self._max_append = max_append

    def feed(self, data: bytes) -> None:
        """Take octets as they come from the network."""
        self._buffer += data

    def events(self) -> Iterator[Event]:
        """What the octets fed so far amount to, up to the first that is refused."""
        while (event := self.event()) is not None:
            yield event
            if isinstance(event, Refused):
                return

    def event(self) -> Event | None:
        """The next of them; None until more octets come.  After ``Refused`` none makes sense."""
        while True:
            if self._literal is not None:
                if len(self._buffer) < self._literal:
                    return None
                self._take(self._literal)
                self._literal = None
                continue
            end = self._buffer.find(b"\n", 0, self._max_line)
            if end < 0:
                return Refused("line") if len(self._buffer) >= self._max_line else None
            line = self._take(end + 1)
            found = _LITERAL.search(line) if line.endswith((b"}\r\n", b"}\n")) else None
            if found is None:
                return Frame(self._finish())
            if len(found[1]) <= _DIGITS and self._size + int(found[1]) <= self._limit():
                self._literal = int(found[1])
                if not found[2]:
                    return Continue()
            elif found[2]:
                return Refused("command")
            else:
                return TooBig(self._finish()[0])

    def _limit(self) -> int:
        return self._max_append if _APPEND.match(self._parts[0]) else self._max_command

    def _take(self, count: int) -> bytes:
        if count == len(self._buffer):  # one command and nothing behind it, as most come
            part = bytes(self._buffer)
            self._buffer.clear()
        else:
            with memoryview(self._buffer) as held:  # a slice of the buffer itself would be one copy more
                part = bytes(held[:count])
            del self._buffer[:count]
        self._parts.append(part)
        self._size += count
        return part

    def _finish(self) -> tuple[bytes, ...]:
        parts = tuple(self._parts)
        self._parts, self._size = [], 0
        return parts
