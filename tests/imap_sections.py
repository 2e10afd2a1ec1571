# SPDX-License-Identifier: Apache-2.0
"""``docs/spec/imap.md``: each section of the IMAP specifications, its code and the tests that prove it.

``python -m tests.imap_sections`` writes it from ``docs/spec/imap-rows.toml``; a test compares.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "docs/spec/imap-rows.toml"
DOCUMENT = ROOT / "docs/spec/imap.md"

_BASE = ("3501", "9051")
_INTRO = """\
# IMAP: section, code, test

Chapters 2 to 7 and 9 of RFC 3501 and RFC 9051, then the extensions, and where this project stands.
Made by `python -m tests.imap_sections` from [imap-rows.toml](imap-rows.toml);
`tests/unit/test_imap_sections.py` makes sure that every section has its row and that the files which a row
names are there. That these tests prove it is the judgement of who wrote the row. Code is from the root,
tests from `tests/`; dialogues are played over asyncio and over uvloop.

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


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one section is about, in our own words."""

    about: str
    code: tuple[str, ...] = ()
    """Files from the root."""
    tests: tuple[str, ...] = ()
    """Files from ``tests``."""
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


def sections() -> Mapping[str, Mapping[str, Section]]:
    """By RFC and number; an extension that is one thing has one row, ``all``."""
    return msgspec.convert(tomllib.loads(ROWS.read_text(encoding="utf-8")), dict[str, dict[str, Section]])


def render() -> str:
    """The document."""
    known = sections()
    extensions = [(rfc, *row) for rfc in known if rfc not in _BASE for row in known[rfc].items()]
    lines = [_INTRO]
    for rfc in _BASE:
        lines += [f"## RFC {rfc}", "", *_head("section")]
        lines += [_line(number, section) for number, section in known[rfc].items()]
        lines.append("")
    lines += ["## Extensions", "", *_head("RFC")]
    lines += [_line(rfc if number == "all" else f"{rfc}, {number}", row) for rfc, number, row in extensions]
    return "\n".join([*lines, "", _OUTRO])


def _head(first: str) -> tuple[str, str]:
    return f"| {first} | about | status | code | tests |", "|---|---|---|---|---|"


def _line(name: str, section: Section) -> str:
    remark = section.missing or section.but
    about = f"{section.about}<br>*{remark}*" if remark else section.about
    code = "<br>".join(f"`{path}`" for path in section.code)
    tests = "<br>".join(f"`{path.removesuffix('.py')}`" for path in section.tests)
    return f"| {name} | {about} | {section.status} | {code} | {tests} |"


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
