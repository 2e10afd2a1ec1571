# SPDX-License-Identifier: Apache-2.0
"""``docs/configuration.md`` and ``conf/vvm.toml``, written from the structs so that they cannot lie.

``python -m vvm.config.reference`` writes both; a test compares them with what it would write.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vvm.config.schema import Field, Settings, Table, fields, intro, words
from vvm.config.sections import Config
from vvm.config.toml import render

DOCUMENT = Path("docs/configuration.md")
EXAMPLE = Path("conf/vvm.toml")
_WIDTH = 100


class Section(msgspec.Struct, frozen=True):
    """One table of the file."""

    key: str
    intro: str
    table: Table
    absent: bool
    """Not there by default, or inside one that is not."""
    fields: tuple[Field, ...]
    """Those that are not tables themselves."""

    @property
    def header(self) -> str:
        return f"[[{self.key}]]" if self.table.many else f"[{self.key}]"


def sections(settings: Settings = Config, prefix: str = "", *, absent: bool = False) -> Iterator[Section]:
    """Every table, outer before inner, in the order of the structs."""
    for field in fields(settings):
        if field.table is None:
            continue
        key, inner = prefix + field.name, field.table.settings
        away = absent or field.table.many or field.table.optional
        leaves = tuple(leaf for leaf in fields(inner) if leaf.table is None)
        if leaves:
            yield Section(key, field.doc or intro(inner), field.table, away, leaves)
        yield from sections(inner, f"{key}.", absent=away)


def document() -> str:
    """The reference in Markdown."""
    lines = [
        "# Configuration",
        "",
        "Written by `python -m vvm.config.reference` from the structs in the code; do not edit.",
        "",
        "One TOML file, given by `--config` or `VVM_CONFIG`. A key that is left out has its default.",
        "Unknown keys and wrong values stop the start; `vvm config check` tells all of them, and",
        "`vvm config explain KEY` tells what a key is and where its value comes from.",
        "",
        "An environment variable overrides a key: `VVM_STORE__URL` is `store.url`, and",
        "`VVM_SMS__SMSC__0__PORT` the `port` of the first `[[sms.smsc]]`. A text is taken as it is, any",
        """other value as TOML writes it: `VVM_IMAP__LISTEN='["0.0.0.0:143"]'`.""",
        "",
        "A password may stand in a file of its own: `password_file` instead of `password`.",
        "",
        "Relative paths start at the working directory.",
    ]
    for section in sections():
        lines += ["", f"## `{section.header}`", ""]
        lines += [paragraph for paragraph in (section.intro, _presence(section.table)) if paragraph]
        lines += ["", "| key | value | default | meaning |", "|---|---|---|---|"]
        lines += [_row(field) for field in section.fields]
    return "\n".join(lines) + "\n"


def example() -> str:
    """A file that sets nothing and shows everything: ``# `` is text, ``#`` alone a key with its default."""
    lines = [
        "# Configuration of the visual voicemail server; docs/configuration.md says more.",
        "# Every key stands here with its default: take the # away from those that you change.",
    ]
    for section in sections():
        lines += ["", *_comment(section.intro), *_comment(_presence(section.table))]
        lines.append(f"#{section.header}" if section.absent else section.header)
        for field in section.fields:
            lines += [*_comment(_meaning(field)), f"#{field.name} = {_default(field) or render('')}"]
    return "\n".join(lines) + "\n"


def _presence(table: Table) -> str:
    if table.many:
        return "A table for each; none by default."
    return "Absent by default." if table.optional else ""


def _default(field: Field) -> str:
    """In TOML; "" for one that depends on the machine, or that must be given."""
    return "" if field.computed or field.required else render(field.default)


def _meaning(field: Field) -> str:
    if field.secret:
        return f"{field.doc} Or {field.name}_file: the name of a file that holds it."
    return f"{field.doc} Found out when left out." if field.computed else field.doc


def _row(field: Field) -> str:
    default = _default(field)
    cells = (f"`{field.name}`", words(field.type), f"`{default}`" if default else "", _meaning(field))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False)]


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
