# SPDX-License-Identifier: Apache-2.0
"""Modified UTF-7 as RFC 3501 section 5.1.3 shows it."""

from __future__ import annotations

import pytest

from imap_server.wire import utf7


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("A&B", b"A&-B"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("☎ messages", b"&Jg4- messages"),
        ("😀", b"&2D3eAA-"),
    ],
)
def test_a_name_and_its_wire_form(name: str, wire: bytes) -> None:
    assert utf7.encode(name) == wire
    assert utf7.decode(wire) == name


@pytest.mark.parametrize("wire", [b"A&B", b"&", b"&U-", b"&2D0-", b"caf\xc3\xa9", b"a\tb", b"&AAA-"])
def test_what_is_no_wire_form(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        utf7.decode(wire)
