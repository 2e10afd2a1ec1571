# SPDX-License-Identifier: Apache-2.0
"""Wireshark's own decoders of SMPP and of the SMS inside it, over a capture that the test writes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_PORT = 2775
_COMPLAINTS = ("_ws.malformed", "_ws.expert.message")


class Missing(Exception):
    """tshark is not there; the message says how to get it."""


def dissect(pdus: Sequence[bytes], fields: Sequence[str], folder: Path) -> list[Mapping[str, str]]:
    """The fields of each PDU, several values of one with commas between; what has no value is left out.

    Raises Missing, and AssertionError where Wireshark complains of a PDU.
    """
    for program in ("tshark", "text2pcap"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is missing: apt-get install -y --no-install-recommends tshark")
    capture = _capture(pdus, folder)
    columns = (*_COMPLAINTS, *fields)
    wanted = [word for field in columns for word in ("-e", field)]
    form = ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"]
    decode_as = ["-d", f"tcp.port=={_PORT},smpp"]
    lines = _run(["tshark", "-r", str(capture), *decode_as, *form, *wanted]).splitlines()
    found = [
        {field: value for field, value in zip(columns, line.split("\t"), strict=True) if value}
        for line in lines
    ]
    assert len(found) == len(pdus)
    for number, values in enumerate(found):
        assert not values.keys() & set(_COMPLAINTS), f"PDU {number}: {values}"
    return found


def _capture(pdus: Sequence[bytes], folder: Path) -> Path:
    """One TCP segment a PDU."""
    dump, capture = folder / "pdus.txt", folder / "pdus.pcap"
    dump.write_text("".join(_hex_dump(pdu) + "\n" for pdu in pdus))
    _run(["text2pcap", "-q", "-T", f"40000,{_PORT}", str(dump), str(capture)])
    return capture


def _hex_dump(octets: bytes) -> str:
    rows = range(0, len(octets), 16)
    return "".join(f"{row:06x} {octets[row : row + 16].hex(' ')}\n" for row in rows)


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
