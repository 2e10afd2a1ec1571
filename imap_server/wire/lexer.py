# SPDX-License-Identifier: Apache-2.0
"""Read the words of one framed command (RFC 3501 section 9).

A lexer walks over the parts of a frame: text, literal, text, …  Each method takes one thing or
raises ``Bad``; none looks further than it takes, so a command's grammar reads like its ABNF.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from imap_server.errors import Bad
from imap_server.flags import canonical
from imap_server.wire import numbers, utf7
from imap_server.wire.numbers import NumberSet

_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_ASTRING_ATOM = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
_LIST_ATOM = re.compile(rb'[^\x00-\x20(){"\\\x7f-\xff]+')
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_ESCAPED = re.compile(rb'\\(["\\])')
_LITERAL_START = re.compile(rb"\{[0-9]+\+?\}\r?\n\Z")
_NUMBER = re.compile(rb"[0-9]{1,10}")
_MODSEQ = re.compile(rb"[0-9]{1,19}")
_NUMBER_SET = re.compile(rb"[0-9*:,]+")
_FLAG = re.compile(rb'\\?[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
_DATE = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1')
_DATE_TIME = re.compile(
    rb'"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Lexer:
    """A position in a frame.

    ``at`` skips what the dispatcher has read already (tag and verb).  ``max_depth`` is how deep a
    grammar that can nest may do so in this command.  ``utf8_names``: mailbox names come as UTF-8
    (RFC 9051 section 5.1), else in modified UTF-7.
    """

    def __init__(
        self, parts: tuple[bytes, ...], at: int = 0, *, max_depth: int = 1, utf8_names: bool = False
    ) -> None:
        self.max_depth = max_depth
        self._utf8_names = utf8_names
        self._parts = parts
        self._index = 0
        self._text = parts[0]
        self._at = at

    # The shape of a line

    def space(self) -> None:
        """Exactly one space."""
        if not self._text.startswith(b" ", self._at):
            raise Bad("expected ' '")
        self._at += 1

    def expect(self, token: bytes) -> None:
        """Exactly these octets."""
        if not self.accept(token):
            raise Bad(f"expected {token.decode()!r}")

    def accept(self, token: bytes) -> bool:
        """Take these octets when they come next; false when something else does."""
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def comes(self, token: bytes) -> bool:
        """Whether these octets come next; takes nothing."""
        return self._text.startswith(token, self._at)

    def end(self) -> None:
        """The end of the command."""
        if self._text[self._at :] not in {b"\r\n", b"\n"}:
            raise Bad("unexpected text after the command")

    @property
    def at_end(self) -> bool:
        """Whether only the line's end is left."""
        return self._text[self._at :] in {b"\r\n", b"\n"}

    def tail(self) -> bytes | None:
        """What is left with the line's end, taking nothing; None when literals follow."""
        return self._text[self._at :] if self._index + 1 == len(self._parts) else None

    # Strings

    def atom(self) -> bytes:
        """An ``atom``."""
        return self._take(_ATOM, "an atom")

    def keyword(self) -> bytes:
        """An atom whose case does not matter, in capitals."""
        return self.atom().upper()

    def string(self) -> bytes:
        """A quoted string or a literal."""
        if self.comes(b'"'):
            found = _QUOTED.match(self._text, self._at)
            if found is None:
                raise Bad("a quoted string does not end")
            self._at = found.end()
            return _ESCAPED.sub(rb"\1", found[1])
        return self._literal()

    def astring(self) -> bytes:
        """An ``astring``: atom (``]`` allowed), quoted or literal."""
        if self.comes(b'"') or self.comes(b"{"):
            return self.string()
        return self._take(_ASTRING_ATOM, "a string")

    def nstring(self) -> bytes | None:
        """A string, or None for NIL."""
        if self.comes(b'"') or self.comes(b"{"):
            return self.string()
        if self.keyword() != b"NIL":
            raise Bad("expected a string or NIL")
        return None

    def text(self) -> str:
        """An ``astring`` as text."""
        return _decode(self.astring())

    def mailbox(self) -> str:
        """A mailbox name; INBOX in capitals whatever its case (RFC 3501 section 5.1)."""
        return _fold_inbox(self._name(self.astring()))

    def list_mailbox(self) -> str:
        """A pattern for LIST, which may hold ``%`` and ``*``."""
        if self.comes(b'"') or self.comes(b"{"):
            return self._name(self.string())
        return self._name(self._take(_LIST_ATOM, "a mailbox pattern"))

    # Numbers, flags, dates

    def number(self) -> int:
        """A ``number``: 0 to 2^32-1; leading zeros are accepted."""
        number = int(self._take(_NUMBER, "a number"))
        if number >= 2**32:
            raise Bad("number out of range")
        return number

    def number_set(self) -> NumberSet:
        """A ``sequence-set``, or ``$`` (RFC 5182)."""
        if self.accept(b"$"):
            return numbers.SAVED
        try:
            return numbers.read(self._take(_NUMBER_SET, "a sequence set"))
        except ValueError as error:
            raise Bad("malformed sequence set") from error

    def known_set(self) -> NumberSet:
        """A ``known-uids`` or ``known-sequence-set`` of RFC 7162: no ``*``, no ``$``."""
        known = self.number_set()
        if known.saved or known.has_star:
            raise Bad("expected numbers that are known")
        return known

    def modseq(self) -> int:
        """A ``mod-sequence-valzer`` (RFC 7162 section 7): 0 to 2^63-1."""
        number = int(self._take(_MODSEQ, "a mod-sequence"))
        if number >= 2**63:
            raise Bad("mod-sequence out of range")
        return number

    def comes_number_set(self) -> bool:
        """Whether a digit, ``*`` or ``$`` comes next."""
        return self._text[self._at : self._at + 1] in _SET_START

    def flag(self) -> str:
        """A flag in canonical spelling."""
        return canonical(_decode(self._take(_FLAG, "a flag")))

    def flag_list(self) -> frozenset[str]:
        """Flags in parentheses, none included."""
        self.expect(b"(")
        if self.accept(b")"):
            return frozenset()
        chosen = self.flags()
        self.expect(b")")
        return chosen

    def flags(self) -> frozenset[str]:
        """One flag or more with a space between two."""
        chosen = {self.flag()}
        while self.accept(b" "):
            chosen.add(self.flag())
        return frozenset(chosen)

    def date(self) -> date:
        """A ``date``, quoted or not."""
        found = _DATE.match(self._text, self._at)
        if found is None or (month := found[3].decode().lower()) not in _MONTHS:
            raise Bad('expected a date such as "01-Feb-2026 08:00:00 +0000"')
        self._at = found.end()
        try:
            return date(int(found[4]), _MONTHS.index(month) + 1, int(found[2]))
        except ValueError as error:
            raise Bad("no such date") from error

    def date_time(self) -> datetime:
        """A ``date-time``, always quoted, as an aware datetime in the zone given."""
        found = _DATE_TIME.match(self._text, self._at)
        if found is None or (month := found[2].decode().lower()) not in _MONTHS:
            raise Bad('expected a date such as "01-Feb-2026 08:00:00 +0000"')
        self._at = found.end()
        offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
        try:
            return datetime(
                int(found[3]),
                _MONTHS.index(month) + 1,
                int(found[1]),
                int(found[4]),
                int(found[5]),
                min(int(found[6]), 59),  # a leap second is a time that Python cannot write
                tzinfo=timezone(-offset if found[7] == b"-" else offset),
            )
        except ValueError as error:
            raise Bad("no such date") from error

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Take what ``pattern`` matches here, for grammars that only one command has."""
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _name(self, value: bytes) -> str:
        """Raw UTF-8 is taken in either mode: some clients of IMAP4rev1 send it."""
        if self._utf8_names or not value.isascii() or b"&" not in value:
            return _decode(value)
        try:
            return utf7.decode(value)
        except ValueError as error:
            raise Bad("mailbox name is not modified UTF-7") from error

    def _take(self, pattern: re.Pattern[bytes], expected: str) -> bytes:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise Bad(f"expected {expected}")
        self._at = found.end()
        return found[0]

    def _literal(self) -> bytes:
        found = _LITERAL_START.match(self._text, self._at)
        if found is None or self._index + 2 >= len(self._parts):
            raise Bad("expected a quoted string or a literal")
        value = self._parts[self._index + 1]
        self._index += 2
        self._text = self._parts[self._index]
        self._at = 0
        return value


_SET_START = frozenset(b"%c" % octet for octet in b"0123456789*$")


def _decode(value: bytes) -> str:
    if b"\0" in value:
        raise Bad("text holds a NUL")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Bad("text is neither ASCII nor UTF-8") from error


def _fold_inbox(name: str) -> str:
    return "INBOX" if name.upper() == "INBOX" else name
