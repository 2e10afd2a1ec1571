# SPDX-License-Identifier: Apache-2.0
"""``docs/spec/imap.md``: each section of the IMAP specifications, its code and the tests that prove it.

``python -m tests.imap_sections`` writes it from ``docs/spec/imap-contents.toml`` (what the RFCs call their
sections) and ``docs/spec/imap-rows.toml`` (where we stand); a test compares.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
CONTENTS = ROOT / "docs/spec/imap-contents.toml"
ROWS = ROOT / "docs/spec/imap-rows.toml"
DOCUMENT = ROOT / "docs/spec/imap.md"

_BASE = ("3501", "9051")
_INTRO = """\
# IMAP: section, code, test

The sections of RFC 3501 and RFC 9051 and of the extensions that ask something of a server, and where this
project stands. Made by `python -m tests.imap_sections` from [imap-contents.toml](imap-contents.toml), which
was compared with the texts of the RFCs, and [imap-rows.toml](imap-rows.toml).
`tests/unit/test_imap_sections.py` makes sure that every section has its row, that the functions and the parts
of dialogues that a row names are there, and that what is said of a command or a response is tested where it
occurs. Code is from the root, tests from `tests/`; dialogues are played over asyncio and over uvloop.

*met*: by this code, proved by these tests. *with a difference*: met, apart from what the row says.
*absent*: not met, and why. *no demand*: it asks nothing of a server.

Folders, APPEND, COPY and MOVE are for accounts that have these abilities (`imap_server/abilities.py`): in the
product, clients whose profile files ([docs/imap.md](../imap.md)). OMTP's own commands: [omtp.md](omtp.md).
"""
_OUTRO = """\
## Apart from the letter, on purpose

- An unknown verb is answered `NO unknown command` (OMTP), not BAD; so is a refused one with
  `NO command not allowed`.
- A FETCH of sequence numbers that do not exist is OK without data: vvmd asks for such
  (`spec/omtp-vvm.md` 20.1).
- An outage ends the connection with BYE and nothing tagged; only a login hears NO.
- `\\Recent` is never set: `0 RECENT`, and `SEARCH NEW` finds nothing.
- An unsolicited FETCH carries the UID as well as the flags: AOSP drops one without.
- Mailbox names in raw UTF-8 are taken from clients of IMAP4rev1 too.
- A peer over a limit of connections is refused on the port of implicit TLS before the handshake, without
  BYE: a handshake is what costs most. A peer counts from its accept, not from the end of its handshake.
- A preview is made of the record (kind, length, caller); that of a transcript waits for transcripts.
- The sequence match data of QRESYNC is read and not used: the journal knows what is gone.
"""


class Test(msgspec.Struct, frozen=True):
    """A function of a test file, a dialogue, or a part of one; ``tests/`` is not said."""

    __test__ = False  # pytest, this is none

    path: str
    name: str
    """The function, or the words that the comment above the part begins with; empty for a whole dialogue."""

    @classmethod
    def read(cls, text: str) -> Test:
        path, _, name = text.partition("::")
        return cls(path, name)

    def text(self) -> str:
        """What plays there: the whole file for a function, whose helpers may do the talking.

        Raises LookupError when there is none of this name.
        """
        file = ROOT / "tests" / self.path
        if not file.is_file():
            raise LookupError(f"no file tests/{self.path}")
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".py":
            if self.name not in _names(file):
                raise LookupError(f"no {self.name} in tests/{self.path}")
            return text
        found = [part for part in _parts(text) if part.startswith(f"# {self.name}")] if self.name else [text]
        if len(found) != 1:
            raise LookupError(f"{len(found)} parts of tests/{self.path} begin with {self.name!r}")
        return found[0]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one section is about, in our own words."""

    about: str = ""
    same: str = ""
    """The RFC and the number of the row that says all of it."""
    code: tuple[str, ...] = ()
    """Files from the root."""
    tests: tuple[str, ...] = ()
    """As ``Test`` reads them."""
    but: str = ""
    """Where we differ from it."""
    missing: str = ""
    """Why it is not met."""

    @property
    def status(self) -> str:
        if self.missing:
            return "absent"
        if not self.code:
            return "no demand"
        return "with a difference" if self.but else "met"


def contents() -> Mapping[str, Mapping[str, str]]:
    """The titles of the sections by RFC and number."""
    return msgspec.convert(tomllib.loads(CONTENTS.read_text(encoding="utf-8")), dict[str, dict[str, str]])


def sections() -> Mapping[str, Mapping[str, Section]]:
    """By RFC and number; a row that repeats another one is that one.  Raises KeyError."""
    rows = msgspec.convert(tomllib.loads(ROWS.read_text(encoding="utf-8")), dict[str, dict[str, Section]])

    def whole(row: Section) -> Section:
        rfc, _, number = row.same.partition(" ")
        return rows[rfc][number] if row.same else row

    return {rfc: {number: whole(row) for number, row in part.items()} for rfc, part in rows.items()}


def render() -> str:
    """The document."""
    known, titles = sections(), contents()
    lines = [_INTRO]
    for rfc in (*_BASE, *(rfc for rfc in known if rfc not in _BASE)):
        lines += [f"## RFC {rfc}", "", "| section | about | status | code | tests |", "|---|---|---|---|---|"]
        lines += [_line(number, titles[rfc].get(number, ""), row) for number, row in known[rfc].items()]
        lines.append("")
    return "\n".join([*lines, _OUTRO])


def _line(number: str, title: str, row: Section) -> str:
    remark = row.missing or row.but
    about = f"{row.about}<br>*{remark}*" if remark else row.about
    code = "<br>".join(f"`{path}`" for path in row.code)
    tests = "<br>".join(map(_shown, row.tests))
    return f"| {number} {title} | {about} | {row.status} | {code} | {tests} |"


def _shown(test: str) -> str:
    path, _, name = test.partition("::")
    if path.endswith(".txt"):
        return f"`{path}`: {name}" if name else f"`{path}`"
    return f"`{path.removesuffix('.py')}`: {name.removeprefix('test_').replace('_', ' ')}"


@lru_cache(maxsize=64)
def _names(file: Path) -> frozenset[str]:
    """What pytest finds at the top of a file: functions, and the cases of state machines."""
    names = set[str]()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
            case _:
                pass
    return frozenset(name for name in names if name.startswith(("test_", "Test")))


def _parts(dialogue: str) -> list[str]:
    """From one comment behind an empty line, or at the top, up to the next."""
    return re.split(r"\n\n(?=# )", dialogue)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
