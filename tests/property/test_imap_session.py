# SPDX-License-Identifier: Apache-2.0
"""Whatever a peer sends, each command gets one tagged answer or the connection's end, never an exception."""

from __future__ import annotations

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from imap_server.dispatch import execute
from imap_server.session import Session
from imap_server.wire.framer import Frame, Framer
from tests.dialogues.agreeable import COMMANDS, MESSAGE, MOMENT, new_session
from tests.dialogues.memory_backend import Entry, MemoryBackend
from tests.dialogues.memory_mail import MailAccount

VERBS = st.sampled_from(sorted(COMMANDS)) | st.sampled_from([b"XYZZY", b"UID", b"uid fetch", b"fEtCh"])
WORDS = st.sampled_from(
    rb"""
    "1 1:* * 0 01 2:1 77 1,3 ( ) (( )) [ ] <0.5> BODY[] BODY.PEEK[1] BODY[HEADER.FIELDS (date)]
    BODY[1.MIME] (UID FLAGS) FULL ENVELOPE BODYSTRUCTURE RFC822.TEXT +FLAGS -FLAGS.SILENT FLAGS
    \Seen (\Deleted) (\Recent) $x INBOX "" "*" % Nowhere "a\"b" "open {3} {3+} NIL ALL NOT OR SEEN
    UNSEEN DELETED HEADER subject FROM TEXT BODY UID SINCE 1-Jan-2026 31-Feb-2026 LARGER 10 CHARSET
    (UNCHANGEDSINCE 1) (CHANGEDSINCE 1) (CHANGEDSINCE 2 VANISHED) RETURN (MIN MAX COUNT) (ALL SAVE) () $
    MODSEQ (CONDSTORE) (QRESYNC (1 1)) (QRESYNC (1800000001 1 1:9 (1 1))) IMAP4rev2 QRESYNC (SIZE DELETED)
    a&b &- UTF-8 KOI8-R (MESSAGES UNSEEN) PLAIN LOGIN = AGEAYg== user pass DONE
    """.split()
)
SEPARATORS = st.sampled_from([b" ", b" ", b" ", b"", b"  "])
ARGUMENTS = st.lists(st.tuples(SEPARATORS, WORDS | st.binary(max_size=6)), max_size=6).map(
    lambda pairs: b"".join(separator + word for separator, word in pairs)
)
TAGGED = re.compile(rb"t (?:OK|NO|BAD) [^\r\n]*\r\n\Z")
BYE = re.compile(rb"\* BYE [^\r\n]*\r\n")


def session(*, selected: bool) -> Session:
    backend = MemoryBackend()
    account = MailAccount("user", backend.power)
    backend.entries["user"] = Entry(account, "pass")
    account.folders["INBOX"].append(MESSAGE, MOMENT)
    account.folders["INBOX"].append(MESSAGE, MOMENT)
    fresh = new_session(backend)
    if selected:
        for line in (b"t LOGIN user pass\r\n", b"t SELECT INBOX\r\n"):
            asyncio.run(execute(fresh, COMMANDS, Frame((line,))))
        fresh.out.clear()
    return fresh


def answered(fresh: Session, octets: bytes) -> None:
    framer = Framer(max_line=8192, max_command=8192)
    framer.feed(octets)
    frame = next((event for event in framer.events() if isinstance(event, Frame)), None)
    if frame is None:
        return
    asyncio.run(execute(fresh, COMMANDS, frame))
    heard = fresh.out.take()
    assert TAGGED.search(heard) or (fresh.ended and BYE.search(heard)), heard


@settings(max_examples=150)
@given(st.booleans(), VERBS, ARGUMENTS)
def test_every_command_has_one_answer(selected: bool, verb: bytes, arguments: bytes) -> None:
    answered(session(selected=selected), b"t " + verb + arguments + b"\r\n")


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_octets_without_sense_have_one_answer_too(octets: bytes) -> None:
    fresh = session(selected=False)
    framer = Framer(max_line=8192, max_command=8192)
    framer.feed(octets + b"\r\n")
    for event in framer.events():
        if isinstance(event, Frame) and not fresh.ended:
            asyncio.run(execute(fresh, COMMANDS, event))
            heard = fresh.out.take()
            assert re.search(rb"(?:\A|\n)\S+ (?:OK|NO|BAD|BYE) [^\r\n]*\r\n\Z", heard), heard
