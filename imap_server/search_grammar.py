# SPDX-License-Identifier: Apache-2.0
"""The grammar of SEARCH keys (RFC 3501 section 6.4.4, RFC 7162 section 3.1.5), for SEARCH and SORT alike."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from imap_server import flags
from imap_server.errors import Bad, No
from imap_server.search import (
    Arrived,
    Either,
    Every,
    Everything,
    Field,
    Flagged,
    Holds,
    Key,
    Moved,
    Named,
    Not,
    Numbered,
    Order,
    Sent,
    Sized,
)
from imap_server.wire.lexer import Lexer

_CHARSETS = frozenset({b"US-ASCII", b"UTF-8"})
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}(?=[ )\r\n])")
_ENTRY = re.compile(rb'"/flags/[^"\r\n]*" (?:all|priv|shared) ', re.IGNORECASE)


class Criteria(msgspec.Struct, frozen=True):
    """The keys; ``charset`` in capitals, checked when the command runs because its refusal is a NO."""

    charset: bytes
    key: Key

    def check_charset(self) -> None:
        """Raises No."""
        if self.charset not in _CHARSETS:
            raise No("charset not supported", code="BADCHARSET (US-ASCII UTF-8)")

    @property
    def asks_modseq(self) -> bool:
        """Whether MODSEQ is among the keys, however deep: then the answer names one."""
        return _asks_modseq(self.key)


def criteria(line: Lexer, charset: bytes) -> Criteria:
    """One key or more, up to the end of the line."""
    keys = _keys(line, line.max_depth)
    line.end()
    return Criteria(charset, Every(keys))


def _asks_modseq(key: Key) -> bool:
    match key:
        case Moved():
            return True
        case Not(inner):
            return _asks_modseq(inner)
        case Either(first, second):
            return _asks_modseq(first) or _asks_modseq(second)
        case Every(keys):
            return any(map(_asks_modseq, keys))
        case _:
            return False


def _keys(line: Lexer, depth: int) -> tuple[Key, ...]:
    keys = [_key(line, depth)]
    while line.accept(b" "):
        keys.append(_key(line, depth))
    return tuple(keys)


def _key(line: Lexer, depth: int) -> Key:
    """``depth`` is how many more levels may open: NOT, OR and parentheses each open one."""
    if depth == 0:
        raise Bad("search keys nest too deep")
    if line.accept(b"("):
        keys = _keys(line, depth - 1)
        line.expect(b")")
        return Every(keys)
    if line.comes_number_set():
        return Numbered(line.number_set(), by_uid=False)
    name = line.keyword()
    if name in _FLAG_KEYS:
        return _FLAG_KEYS[name]
    if name == b"NOT":
        line.space()
        return Not(_key(line, depth - 1))
    if name == b"OR":
        line.space()
        first = _key(line, depth - 1)
        line.space()
        return Either(first, _key(line, depth - 1))
    if name not in _ARGUMENT_KEYS:
        raise Bad("unknown search key")
    line.space()
    return _ARGUMENT_KEYS[name](line)


def _modseq(line: Lexer) -> Key:
    """The entry name is read and not used: each message has one MODSEQ for all of its flags."""
    line.match(_ENTRY)
    return Moved(line.modseq())


def _threaded(line: Lexer) -> Key:
    """No message is in a thread (RFC 8474 section 5.2)."""
    _object_id(line)
    return Not(Everything())


def _object_id(line: Lexer) -> str:
    found = line.match(_OBJECT_ID)
    if found is None:
        raise Bad("expected an object identifier")
    return found[0].decode()


def _header(line: Lexer) -> Key:
    name = line.text()
    line.space()
    return Field(name.lower(), line.text())


_FLAG_KEYS: dict[bytes, Key] = {
    b"ALL": Everything(),
    b"ANSWERED": Flagged(flags.ANSWERED),
    b"DELETED": Flagged(flags.DELETED),
    b"DRAFT": Flagged(flags.DRAFT),
    b"FLAGGED": Flagged(flags.FLAGGED),
    b"SEEN": Flagged(flags.SEEN),
    b"RECENT": Flagged(flags.RECENT),
    b"NEW": Every((Flagged(flags.RECENT), Not(Flagged(flags.SEEN)))),
    b"OLD": Not(Flagged(flags.RECENT)),
    b"UNANSWERED": Not(Flagged(flags.ANSWERED)),
    b"UNDELETED": Not(Flagged(flags.DELETED)),
    b"UNDRAFT": Not(Flagged(flags.DRAFT)),
    b"UNFLAGGED": Not(Flagged(flags.FLAGGED)),
    b"UNSEEN": Not(Flagged(flags.SEEN)),
}

_ARGUMENT_KEYS: dict[bytes, Callable[[Lexer], Key]] = {
    b"BCC": lambda line: Field("bcc", line.text()),
    b"CC": lambda line: Field("cc", line.text()),
    b"FROM": lambda line: Field("from", line.text()),
    b"SUBJECT": lambda line: Field("subject", line.text()),
    b"TO": lambda line: Field("to", line.text()),
    b"HEADER": _header,
    b"EMAILID": lambda line: Named(_object_id(line)),
    b"THREADID": _threaded,
    b"MODSEQ": _modseq,
    b"BODY": lambda line: Holds(line.text(), header=False),
    b"TEXT": lambda line: Holds(line.text(), header=True),
    b"BEFORE": lambda line: Arrived(Order.BEFORE, line.date()),
    b"ON": lambda line: Arrived(Order.ON, line.date()),
    b"SINCE": lambda line: Arrived(Order.SINCE, line.date()),
    b"SENTBEFORE": lambda line: Sent(Order.BEFORE, line.date()),
    b"SENTON": lambda line: Sent(Order.ON, line.date()),
    b"SENTSINCE": lambda line: Sent(Order.SINCE, line.date()),
    b"LARGER": lambda line: Sized(Order.LARGER, line.number()),
    b"SMALLER": lambda line: Sized(Order.BEFORE, line.number()),
    b"UID": lambda line: Numbered(line.number_set(), by_uid=True),
    b"KEYWORD": lambda line: Flagged(line.flag()),
    b"UNKEYWORD": lambda line: Not(Flagged(line.flag())),
}
