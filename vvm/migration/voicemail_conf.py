# SPDX-License-Identifier: Apache-2.0
"""PINs of app_voicemail: in voicemail.conf, or in a file beside the mailbox (spec/asterisk.md section 3)."""

from __future__ import annotations

import re
from pathlib import Path

from vvm.domain.secrets import Secret
from vvm.migration.source import SourceFault

_SECTION = re.compile(r"\[([^\]]+)\]")
_MAILBOX = re.compile(r"([^=>\s]+)\s*=>?\s*([^,]*)")
_PASSWORD = re.compile(r"\s*password\s*=>?\s*(\S+)")


def read_pins(file: Path | None, context: str) -> dict[str, Secret]:
    """By mailbox, of one context.  Raises SourceFault when the file cannot be read."""
    if file is None:
        return {}
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SourceFault(f"{file}: {error.strerror}") from None
    pins: dict[str, Secret] = {}
    section = ""
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip()
        if found := _SECTION.match(line):
            section = found[1]
        elif section == context and (found := _MAILBOX.match(line)) and (pin := _pin(found[2])):
            pins[found[1]] = pin
    return pins


def read_secret_conf(mailbox: Path) -> Secret | None:
    """Where passwordlocation=spooldir; None without such a file."""
    try:
        text = (mailbox / "secret.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = [match[1] for line in text.splitlines() if (match := _PASSWORD.match(line))]
    return _pin(found[-1]) if found else None


def _pin(text: str) -> Secret | None:
    """A minus sign before it kept the caller from changing it; there is no such thing here."""
    digits = text.strip().removeprefix("-")
    return Secret(digits) if digits.isascii() and digits.isdigit() else None
