# SPDX-License-Identifier: Apache-2.0
"""SEARCH: what the keys select, and that a search reads no more than it must."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from imap_server.commands import search as command
from imap_server.errors import Bad
from imap_server.search import Search
from imap_server.view import View
from imap_server.wire.lexer import Lexer
from tests.dialogues.mail import voice_message
from tests.dialogues.memory_folder import Folder, Power

MOMENT = datetime(2026, 3, 7, 18, 17, tzinfo=UTC)


def folder() -> Folder:
    """UID 1 to 4: a voice message; one seen and transcribed; a mail with RFC 2047 words; an empty one."""
    box = Folder(Power(), 7)
    for number, transcript in ((1, None), (2, "Rappelle Zoé demain")):
        octets = voice_message(
            number=number,
            caller="+15551230001",
            called="+15551230002",
            seconds=number * 10,
            moment=MOMENT,
            transcript=transcript,
        )
        box.append(octets, MOMENT, frozenset({"\\Seen", "TUISkipped"}) if number == 2 else frozenset())
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = "Grüße aus Köln"
    mail["Date"] = "Sun, 1 Feb 2026 23:59:00 -0800"
    mail.set_content("plain text, quoted = printable äöü\r\n", cte="quoted-printable")
    box.append(mail.as_bytes(), MOMENT + timedelta(days=1))
    box.append(b"Subject: bare\r\n\r\n", MOMENT + timedelta(days=2), frozenset({"\\Deleted"}))
    return box


async def found(keys: str, box: Folder | None = None) -> list[int]:
    box = box or folder()
    criteria = command.parse(Lexer((b" " + keys.encode() + b"\r\n",), max_depth=20))
    return await Search(View(await box.snapshot()), box, batch=2, breathe=breathe)(criteria.criteria.key)


async def breathe() -> None:
    """Nobody else is there."""


@pytest.mark.parametrize(
    ("keys", "uids"),
    [
        ("ALL", [1, 2, 3, 4]),
        ("1:* NOT DELETED", [1, 2, 3]),
        ("UID 2", [2]),
        ("UID 2:3,99", [2, 3]),
        ("2:*", [2, 3, 4]),
        ("SEEN", [2]),
        ("UNSEEN UNDELETED", [1, 3]),
        ("NEW", []),
        ("RECENT", []),
        ("OLD", [1, 2, 3, 4]),
        ("ANSWERED", []),
        ("UNANSWERED UNDRAFT UNFLAGGED", [1, 2, 3, 4]),
        ("KEYWORD tuiskipped", [2]),
        ("UNKEYWORD TUISKIPPED", [1, 3, 4]),
        ("OR SEEN DELETED", [2, 4]),
        ("OR (SEEN) OR DELETED 1", [1, 2, 4]),
        ("NOT (SEEN 2)", [1, 3, 4]),
        ("(((1)))", [1]),
        ("(HEADER MESSAGE-ID <m2.15551230002@vvm.example.net>)", [2]),
        ('HEADER Subject ""', [3, 4]),
        ("HEADER X-Absent a", []),
        ("FROM 15551230001", [1, 2]),
        ("TO 15551230002 CC x", []),
        ("BCC x", []),
        ('SUBJECT "GRÜSSE"', [3]),
        ("SUBJECT bare", [4]),
        ('BODY "zoÉ"', [2]),
        ('BODY "= PRINTABLE ÄÖÜ"', [3]),
        ("BODY amr", []),
        ("BODY voice-message", []),
        ("TEXT voice-message", [1, 2]),
        ("LARGER 30000", [2]),
        ("SMALLER 100", [4]),
        ("ON 7-Mar-2026", [1, 2]),
        ("BEFORE 8-Mar-2026", [1, 2]),
        ("SINCE 8-Mar-2026", [3, 4]),
        ("SENTON 1-Feb-2026", [3]),
        ("SENTBEFORE 7-Mar-2026", [3]),
        ('SENTSINCE "7-Mar-2026"', [1, 2]),
        ('CHARSET UTF-8 SUBJECT "Köln"', [3]),
    ],
)
async def test_a_key_selects(keys: str, uids: list[int]) -> None:
    assert await found(keys) == uids


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "UNHEARD",
        "NOT",
        "OR SEEN",
        "(SEEN",
        "SEEN)",
        "UID",
        "UID x",
        "LARGER -1",
        "ON 1-1-2026",
        "SEEN  SEEN",
        "()",
    ],
)
def test_what_is_malformed_is_bad(keys: str) -> None:
    with pytest.raises(Bad):
        command.parse(Lexer((b" " + keys.encode() + b"\r\n",), max_depth=20))


@pytest.mark.parametrize("opening", ["(", "NOT ", "OR ALL "])
def test_keys_nest_only_so_deep(opening: str) -> None:
    keys = opening * 2000 + "ALL" + (")" * 2000 if opening == "(" else "")
    with pytest.raises(Bad, match="too deep"):
        command.parse(Lexer((b" " + keys.encode() + b"\r\n",), max_depth=20))


async def test_messages_are_read_only_for_what_cheaper_keys_left() -> None:
    box = folder()
    assert await found('BODY "Zoé" SEEN UID 1:3', box) == [2]
    assert box.reads == 1
