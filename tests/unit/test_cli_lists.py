# SPDX-License-Identifier: Apache-2.0
"""Lists by command line: pages, filters, and the documents of the API with ``--json``."""

from __future__ import annotations

import os
import pwd
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.unit.test_cli_commands import ALICE, BOB, Run, config, speech, vvm
from vvm.cli.main import Exit

__all__ = ["config", "speech", "vvm"]  # fixtures


def test_messages_are_listed_in_parts(vvm: Run, speech: str) -> None:
    vvm("subscriber", "add", ALICE)
    for _ in range(2):
        vvm("message", "deposit", speech, "--to", ALICE)
    first = vvm("message", "list", ALICE, "--json", "--limit", "1").json
    rest = vvm("message", "list", ALICE, "--json", "--cursor", first["next"]).json
    assert [one["uid"] for page in (first, rest) for one in page["messages"]] == [1, 2]
    assert rest["next"] is None
    assert vvm("message", "list", ALICE, "--limit", "1").err == f"vvm: more with --cursor {first['next']}\n"


def test_a_message_is_shown(vvm: Run, speech: str) -> None:
    vvm("subscriber", "add", ALICE)
    vvm("message", "deposit", speech, "--to", ALICE, "--from", BOB)
    shown = vvm("message", "show", ALICE, "1", "--json").json
    assert [shown] == vvm("message", "list", ALICE, "--json").json["messages"]
    assert (shown["caller"], shown["seen"]) == (BOB, False)
    assert BOB in vvm("message", "show", ALICE, "1").out
    assert vvm("message", "show", ALICE, "2").code == Exit.REFUSED


def test_lists_are_filtered(vvm: Run, speech: str) -> None:
    vvm("subscriber", "add", ALICE)
    vvm("subscriber", "add", BOB, "--blocked")
    for words, found in (
        (("--status", "B"), [BOB]),
        (("--prefix", ALICE[:7], "--language", "eng"), [ALICE]),
        (("--cos", ""), [ALICE, BOB]),
        (("--client-type", "x"), []),
        (("--changed-since", "2100-01-01T00:00:00Z"), []),
    ):
        page = vvm("subscriber", "list", "--json", *words).json
        assert [one["msisdn"] for one in page["subscribers"]] == found, words
    vvm("message", "deposit", speech, "--to", ALICE, "--from", BOB)
    for words, count in (
        (("--unseen", "--caller", BOB, "--folder", "INBOX"), 1),
        (("--seen",), 0),
        (("--caller", ""), 0),
        (("--since", "2100-01-01T00:00:00Z"), 0),
    ):
        assert len(vvm("message", "list", ALICE, "--json", *words).json["messages"]) == count, words
    assert vvm("message", "list", ALICE, "--since", "now").code == Exit.REFUSED


def test_the_audit_tells_who_typed_the_command(vvm: Run) -> None:
    vvm("subscriber", "add", ALICE)
    (entry,) = vvm("audit", "list", "--json").json["entries"]
    me = pwd.getpwuid(os.getuid()).pw_name
    assert (entry["msisdn"], entry["trigger"], entry["actor"]) == (ALICE, "created", f"cli:{me}")
    for words, count in (
        (("--actor", f"cli:{me}", "--trigger", "created", "--msisdn", ALICE), 1),
        (("--actor", "api:crm"), 0),
        (("--since", "2100-01-01T00:00:00Z"), 0),
        (("--until", "2100-01-01T00:00:00Z"), 1),
    ):
        assert len(vvm("audit", "list", "--json", *words).json["entries"]) == count, words


def test_subscribers_are_listed_in_order_and_in_parts(vvm: Run) -> None:
    vvm("subscriber", "add", BOB)
    vvm("subscriber", "add", ALICE)
    everyone = vvm("subscriber", "list", "--json").json
    assert [one["msisdn"] for one in everyone["subscribers"]] == [ALICE, BOB]
    first = vvm("subscriber", "list", "--limit", "1", "--json").json
    rest = vvm("subscriber", "list", "--cursor", first["next"], "--limit", "1", "--json").json
    assert [one["msisdn"] for one in rest["subscribers"]] == [BOB]
    header, first, second = vvm("subscriber", "list").out.splitlines()
    assert header.split()[:2] == ["msisdn", "status"]
    assert (first.split()[0], second.split()[0]) == (ALICE, BOB)


def test_dead_letters_are_listed_and_sent_again(vvm: Run, speech: str, config: Path) -> None:
    vvm("subscriber", "add", ALICE)
    vvm("message", "deposit", speech, "--to", ALICE)
    assert vvm("notification", "list", "--json").json == {"notifications": [], "next": None}
    with closing(sqlite3.connect(config.parent / "var/vvm.db")) as store, store:
        store.execute("UPDATE outbox SET state = 'failed', smpp_status = 11, settled_at = 1")
    (letter,) = vvm("notification", "list", "--json").json["notifications"]
    assert (letter["recipient"], letter["cause"], letter["smpp_status"]) == (ALICE, "new_message", 11)
    listed = vvm("notification", "list").out.splitlines()[1].split()
    assert (listed[:3], listed[4]) == (["1", ALICE, "new_message"], "0x0000000b")
    assert "0x0000000b" in vvm("timeline", ALICE).out
    assert vvm("notification", "resend", "1").out.strip() == "1 is owed again"
    again = vvm("notification", "resend", "1")
    assert (again.code, again.err) == (Exit.REFUSED, "vvm: no dead letter has this number\n")
